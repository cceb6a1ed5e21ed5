//! `node fill`: makes files for clients to fetch.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use blake3::Hasher;
use protocol::name::FileName;
use protocol::role::RoleEvent;
use protocol::stress::FileDigest;

use super::job::{portions, shared_content};
use crate::lines;
use crate::quantity::bytes;

/// Arguments of `node fill`.
#[derive(Debug, clap::Args)]
pub struct FillArguments {
    /// Where the files go; made if it is not there.
    #[arg(long)]
    pub directory: PathBuf,
    /// The length of each, in bytes.
    #[arg(long, default_value = "0", value_parser = bytes)]
    pub size: u64,
    /// The seed of the random bytes: `stress` with this seed expects them.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// The files' names; none: only the folder is made.
    pub names: Vec<FileName>,
}

/// Runs `node fill`, and prints a digest of each file.
pub fn fill(arguments: &FillArguments) -> ExitCode {
    let directory = arguments.directory.display();
    let failed = |target: &str, error: io::Error| {
        let reason = format!("cannot make {target} {directory}: {error}");
        lines::fail(reason)
    };
    if let Err(error) = fs::create_dir_all(&arguments.directory) {
        return failed("the folder", error);
    }
    for name in &arguments.names {
        if let Err(error) = make(arguments, name) {
            return failed(&format!("{name} in"), error);
        }
    }
    ExitCode::SUCCESS
}

fn make(arguments: &FillArguments, name: &FileName) -> io::Result<()> {
    let mut file = File::create(arguments.directory.join(name.as_str()))?;
    let mut hasher = Hasher::new();
    portions(shared_content(arguments.seed), arguments.size, |portion| {
        hasher.update(portion);
        file.write_all(portion)
    })?;
    lines::print(&RoleEvent::Digest(FileDigest {
        name: name.clone(),
        bytes: arguments.size,
        blake3: hasher.finalize().to_string(),
    }))
}
