//! One thread does one task after the other.

use std::io;

use protocol::role::RoleEvent;
use protocol::task::Census;

use super::job::Job;
use super::options::TaskOptions;
use super::{blocking, census};
use crate::lines;

pub(super) fn run(jobs: &[Job], options: &TaskOptions) -> io::Result<Census> {
    let census = Census {
        processes: 1,
        threads: census::threads()?,
        tasks: 1,
    };
    for job in jobs {
        let record = blocking::run(job, options, "main thread".to_owned());
        lines::print(&RoleEvent::Task(record))?;
    }
    Ok(census)
}
