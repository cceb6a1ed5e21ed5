//! The Docker backend on whatever engine answers.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use e2e::conformance::runner::{self, Maker};
use e2e::sandbox::Who;
use e2e::trials;
use orchestrator::backend::Backend;
use orchestrator::backend::docker::DockerBackend;
use orchestrator::embedded::node_binary;

fn main() -> ExitCode {
    if let Some(code) = runner::run_alone(Maker {
        backend,
        programs: runner::programs_of_this_machine,
    }) {
        return code;
    }
    let engine = Ok(());
    trials::run(runner::trials("conformance", Who::Caller, &engine))
}

fn backend(_state: PathBuf) -> Arc<dyn Backend> {
    Arc::new(DockerBackend::from_environment(node_binary()))
}
