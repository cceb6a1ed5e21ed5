//! Entry point of the node binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    node::cli::run()
}
