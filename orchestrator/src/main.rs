//! The `orchestrator` command. Started as `node`, the same program is the node: one file holds both.

use std::process::ExitCode;

use plumbing::names;

fn main() -> ExitCode {
    names::find_without_modules();
    if node::cli::is_called() {
        node::cli::run()
    } else {
        orchestrator::cli::entry::main()
    }
}
