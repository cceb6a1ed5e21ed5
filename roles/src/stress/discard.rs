//! `node discard`: removes the files of clients that have done their work.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use protocol::name::FileName;

use crate::lines;

/// Arguments of `node discard`.
#[derive(Debug, clap::Args)]
pub struct DiscardArguments {
    /// Where the files are.
    #[arg(long)]
    pub directory: PathBuf,
    /// Their names.
    #[arg(required = true)]
    pub names: Vec<FileName>,
}

/// Runs `node discard`. A file that is not there is removed already; the code is 1 if one stays.
pub fn discard(arguments: &DiscardArguments) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for name in &arguments.names {
        let path = arguments.directory.join(name.as_str());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let reason = format!("cannot remove {}: {error}", path.display());
                code = lines::fail(reason);
            }
            _ => {}
        }
    }
    code
}
