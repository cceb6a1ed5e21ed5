//! The Docker backend on whatever engine answers.
//!
//! - [`lifecycle`]: a lab from `up` to `down`.
//! - [`subnets`]: labs with the same subnet as others, or as the host.
//! - [`endings`]: labs that are interrupted or killed, and what `clean` makes of that.
//! - [`models`]: concurrency models, framings, downloads and the split.
//! - [`programs`]: images and programs of people's own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod endings;
mod engine;
mod image;
mod lifecycle;
mod models;
mod programs;
mod running;
mod site;
mod subnets;

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use e2e::capability;
use e2e::conformance::runner::{self, Maker};
use e2e::sandbox::Who;
use e2e::trials::{self, trial};
use engine::Engine;
use nix::fcntl::{Flock, FlockArg};
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
    let _turn = turn();
    let engine = Engine::answers();
    let mut all = runner::trials("conformance", Who::Caller, &engine);
    let tests: &[(&str, fn())] = &[
        (
            "endings::interrupted_mid_run",
            endings::an_interrupted_run_takes_everything_away,
        ),
        (
            "lifecycle::two_servers",
            lifecycle::two_servers_from_up_to_down,
        ),
        (
            "lifecycle::logs",
            lifecycle::a_command_runs_and_its_log_is_printed,
        ),
        (
            "subnets::side_by_side",
            subnets::two_labs_with_one_subnet_are_up_side_by_side,
        ),
        (
            "subnets::twice_at_once",
            subnets::one_file_is_run_twice_at_once,
        ),
        (
            "subnets::of_the_host",
            subnets::a_lab_whose_subnet_the_host_uses_passes,
        ),
        ("models::all", models::every_model_and_framing),
        (
            "models::downloads_and_split",
            models::labs_that_download_and_split_pass,
        ),
        (
            "programs::own_program",
            programs::own_program_passes_in_an_image_with_python,
        ),
        (
            "programs::two_networks",
            programs::two_networks_pass_in_an_image_with_python,
        ),
        (
            "programs::no_image",
            programs::own_program_without_its_image_fails_and_names_what_is_missing,
        ),
        (
            "programs::volume",
            programs::a_volume_that_an_image_asks_for_goes_with_its_node,
        ),
    ];
    let root = capability::all(&[engine.clone(), capability::root()]);
    let as_root: &[(&str, fn())] = &[(
        "endings::killed_mid_run",
        endings::what_a_killed_run_left_is_cleaned_and_nothing_else,
    )];
    all.extend(as_root.iter().map(|&(name, test)| trial(name, &root, test)));
    all.extend(tests.iter().map(|&(name, test)| trial(name, &engine, test)));
    trials::run(all)
}

/// Labs are found by marks that all on one engine share, so the tests take turns, also where each is
/// run by a process of its own. The turn ends with the process.
fn turn() -> Option<Flock<File>> {
    if std::env::args().any(|word| word == "--list") {
        return None;
    }
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("engine.lock");
    let file = File::create(path).unwrap();
    Some(Flock::lock(file, FlockArg::LockExclusive).unwrap())
}

fn backend(_state: PathBuf) -> Arc<dyn Backend> {
    Arc::new(DockerBackend::from_environment(node_binary()))
}
