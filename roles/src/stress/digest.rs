//! `node digest`: hashes files where they lie, whoever put them there.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::scope;

use blake3::Hasher;
use protocol::name::FileName;
use protocol::role::RoleEvent;
use protocol::stress::FileDigest;

use crate::lines;

/// Arguments of `node digest`.
#[derive(Debug, clap::Args)]
pub struct DigestArguments {
    /// Where the files are.
    #[arg(long)]
    pub directory: PathBuf,
    /// Their names.
    #[arg(required = true)]
    pub names: Vec<FileName>,
}

/// Runs `node digest`: prints a digest of each file, in no order, as many at once as there are
/// processors. The code is 1 if one could not be read; the others are printed all the same.
pub fn digest(arguments: &DigestArguments) -> ExitCode {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut all_read = true;
        while let Some(name) = arguments.names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let event = match read(arguments, name) {
                Ok(digest) => RoleEvent::Digest(digest),
                Err(error) => {
                    all_read = false;
                    let directory = arguments.directory.display();
                    RoleEvent::Failed {
                        reason: format!("cannot read {name} in {directory}: {error}"),
                    }
                }
            };
            all_read &= lines::print(&event).is_ok();
        }
        all_read
    };
    let all_read = scope(|scope| {
        let threads: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        let ends = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or(false));
        let ends: Vec<bool> = ends.collect();
        ends.into_iter().all(|read| read)
    });
    if all_read {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn read(arguments: &DigestArguments, name: &FileName) -> io::Result<FileDigest> {
    let mut file = File::open(arguments.directory.join(name.as_str()))?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 128 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        };
    }
    Ok(FileDigest {
        name: name.clone(),
        bytes: hasher.count(),
        blake3: hasher.finalize().to_string(),
    })
}
