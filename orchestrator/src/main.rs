//! The `orchestrator` command. Started as `node`, the same program is the node: one file holds both.

use std::process::ExitCode;

fn main() -> ExitCode {
    if node::cli::is_called() {
        node::cli::run()
    } else {
        orchestrator::cli::entry::main()
    }
}

#[cfg(not(target_feature = "crt-static"))]
compile_error!(
    "the program also runs in containers that have no C library, so it must be linked statically: build it in its own folder, whose .cargo/config.toml says so, and with RUSTFLAGS unset"
);
