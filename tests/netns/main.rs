//! The netns backend on this machine, as root and as an ordinary user.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use e2e::conformance::runner::{self, Maker};
use e2e::isolation::{self, Isolation};
use e2e::sandbox::Who;
use e2e::{capability, trials};
use orchestrator::backend::Backend;
use orchestrator::backend::netns::NetnsBackend;
use orchestrator::embedded::node_binary;

fn main() -> ExitCode {
    if let Some(code) = runner::run_alone(Maker {
        backend,
        programs: Vec::new,
    }) {
        return code;
    }
    let isolated = match isolation::enter() {
        Isolation::Ended(code) => return code,
        Isolation::Inside => Ok(()),
        Isolation::Refused(reason) => Err(reason),
    };
    let root = capability::all(&[isolated.clone(), capability::root()]);
    let user = capability::all(&[isolated, capability::rootless()]);
    let mut all = runner::trials("root", Who::Caller, &root);
    all.extend(runner::trials("user", Who::Ordinary, &user));
    trials::run(all)
}

fn backend(state: PathBuf) -> Arc<dyn Backend> {
    Arc::new(NetnsBackend::new(state, node_binary()))
}
