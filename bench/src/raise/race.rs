//! `raise`: nodes on one network in namespaces, until each is ready.

use orchestrator::backend::BackendKind;

use crate::console::result;
use crate::driver::Driver;
use crate::entrant::Entrant;
use crate::error::BenchError;
use crate::ours::Ours;
use crate::peers::{self, Peer};
use crate::race::{self, Heat, Limits};
use crate::table::{self, Caption, Target};

use super::floor::Floor;
use super::memory;

/// Runs it.
///
/// # Errors
/// If ours fails, or something stays behind.
pub async fn race(quick: bool, limits: &Limits) -> Result<(), BenchError> {
    let mut entrants = entrants()?;
    for course in COURSES {
        let (nodes, rounds) = (course.nodes, course.rounds(quick));
        if rounds == 0 {
            continue;
        }
        let series = race::run(&mut entrants, Heat { nodes, rounds }, limits).await?;
        let caption = Caption {
            title: &format!("raise {nodes} nodes on one network"),
            columns: ("up", Some("down")),
            target: Some(Target::Milliseconds(course.target)),
        };
        table::print(&caption, &series);
    }
    result(&format!("\n{}", memory::measure(50).await?));
    Ok(())
}

fn entrants() -> Result<Vec<Box<dyn Entrant>>, BenchError> {
    let mut entrants: Vec<Box<dyn Entrant>> = vec![Box::new(Ours::new(BackendKind::Netns)?)];
    if let Some(version) = peers::installed(&MININET) {
        let name = format!("Mininet {version}");
        let interpreter = ["/usr/bin/python3", "-c"];
        let script = include_str!("mininet.py");
        entrants.push(Box::new(Driver::new(name, &interpreter, script)));
    }
    if let Some(version) = peers::installed(&IPROUTE2) {
        let name = format!("ip -batch {version}");
        let script = include_str!("iproute2.sh");
        entrants.push(Box::new(Driver::new(name, &["sh", "-c"], script)));
    }
    entrants.push(Box::new(Floor::default()));
    Ok(entrants)
}

struct Course {
    nodes: u16,
    rounds: usize,
    quick: usize,
    /// Milliseconds.
    target: f64,
}

impl Course {
    /// How often; never: it is left out.
    fn rounds(&self, quick: bool) -> usize {
        if quick { self.quick } else { self.rounds }
    }
}

const COURSES: [Course; 3] = [
    Course {
        nodes: 3,
        rounds: 21,
        quick: 5,
        target: 12.0,
    },
    Course {
        nodes: 50,
        rounds: 15,
        quick: 3,
        target: 100.0,
    },
    Course {
        nodes: 200,
        rounds: 11,
        quick: 0,
        target: 400.0,
    },
];

/// With the Linux bridge as its switch.
pub const MININET: Peer = Peer {
    name: "Mininet",
    needs: &[
        "mn",
        "brctl",
        "ifconfig",
        "ping",
        "unshare",
        "/usr/bin/python3",
    ],
    package: "mininet",
    install: "apt-get install mininet bridge-utils net-tools iputils-ping",
};

const IPROUTE2: Peer = Peer {
    name: "ip -batch",
    needs: &["ip", "ping", "unshare"],
    package: "iproute2",
    install: "apt-get install iproute2 iputils-ping",
};
