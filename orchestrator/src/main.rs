//! The `orchestrator` command. Started as `node`, the same program is the node: one file holds both.

use std::process::ExitCode;

fn main() -> ExitCode {
    if node::cli::is_called() {
        node::cli::run()
    } else {
        orchestrator::cli::entry::main()
    }
}
