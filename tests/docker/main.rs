//! The Docker backend on whatever engine answers. Several of these programs may run at once on one engine: what is not a
//! lab's has names with this process's number in them, and labs are told apart by the state folder in their mark.
//!
//! - [`lifecycle`]: a lab from `up` to `down`.
//! - [`subnets`]: labs with the same subnet as others, or as the host.
//! - [`endings`]: labs that are interrupted or killed, and what `clean` makes of that.
//! - [`losses`]: nodes that others have removed or stopped.
//! - [`upsets`]: an engine that refuses, and a command that ends, at every request of a raise.
//! - [`conversation`]: commands to file servers.
//! - [`refusals`]: what the backend cannot do, and says.
//! - [`stress`]: clients at a file server, of ours and of people's own.
//! - [`escapes`]: programs that would speak in their agent's place.
//! - [`programs`]: images and programs of people's own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod conversation;
mod endings;
mod engine;
mod escapes;
mod image;
mod lifecycle;
mod losses;
mod models;
mod programs;
mod proxy;
mod refusals;
mod site;
mod stress;
mod subnets;
mod upsets;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use e2e::capability;
use e2e::conformance::runner::{self, Maker};
use e2e::sandbox::Who;
use e2e::trials::{self, trial};
use engine::Engine;
use orchestrator::backend::Backend;
use orchestrator::backend::docker::DockerBackend;

/// A trial of each of these functions, by its name.
macro_rules! named {
    ($capable:expr; $($test:path),+ $(,)?) => {
        [$(trial(stringify!($test), $capable, $test)),+]
    };
}

fn main() -> ExitCode {
    if let Some(code) = runner::run_alone(Maker {
        backend,
        programs: runner::programs_of_this_machine,
    }) {
        return code;
    }
    let engine = Engine::answers();
    let mut all = runner::trials("conformance", Who::Caller, &engine);
    all.extend(named![
        &engine;
        lifecycle::two_servers_from_up_to_down,
        lifecycle::a_command_runs_and_its_log_is_printed,
        subnets::two_labs_with_one_subnet_are_up_side_by_side,
        subnets::one_file_is_run_twice_at_once,
        subnets::a_lab_whose_subnet_the_host_uses_passes,
        models::every_model_and_framing,
        models::every_model_and_framing_with_loss,
        models::labs_that_download_and_split_pass,
        stress::the_smoke_lab_passes,
        stress::a_server_of_ones_own_passes_in_an_image_with_python,
        stress::a_byte_that_a_server_changes_is_told,
        conversation::the_fifth_labs_commands_pass,
        conversation::a_python_server_passes_in_its_image,
        programs::own_program_passes_in_an_image_with_python,
        programs::two_networks_pass_in_an_image_with_python,
        programs::own_program_without_its_image_fails_and_names_what_is_missing,
        escapes::a_program_cannot_speak_in_its_agents_place,
        programs::a_volume_that_an_image_asks_for_goes_with_its_node,
        endings::an_interrupted_run_takes_everything_away,
        refusals::an_absent_image_is_named_with_what_to_do,
        refusals::a_program_that_dies_fails_the_run,
        refusals::a_program_that_hangs_fails_the_run,
        refusals::a_node_that_dies_is_named,
        losses::the_nodes_that_live_can_be_reached,
    ]);
    let usual = capability::all(&[engine.clone(), refusals::usual_engine()]);
    all.extend(named![
        &usual;
        upsets::whatever_the_engine_refuses_nothing_is_left,
        upsets::interrupted_at_whatever_request_nothing_is_left,
        upsets::a_full_engine_is_told_with_what_to_do,
    ]);
    let root = capability::all(&[usual, capability::root()]);
    all.extend(named![
        &root;
        endings::what_a_killed_run_left_is_cleaned_and_nothing_else,
        endings::a_lab_that_is_recorded_elsewhere_stays,
        endings::what_a_label_or_a_node_says_removes_nothing,
        endings::a_stopped_engine_may_have_a_lab,
        endings::an_engine_that_falls_silent_is_told,
        endings::a_lab_of_another_machine_stays,
        upsets::killed_at_whatever_request_all_is_cleaned,
        refusals::without_an_engine_nothing_is_made,
        refusals::without_permission_the_group_is_named,
    ]);
    trials::run(all)
}

/// Reads the node binary, which the command under test is.
fn node_binary() -> io::Result<&'static [u8]> {
    static BINARY: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(bytes) = BINARY.get() {
        return Ok(bytes);
    }
    let bytes = std::fs::read(env!("CARGO_BIN_EXE_orchestrator-under-test"))?;
    Ok(BINARY.get_or_init(|| bytes))
}

fn backend(_state: PathBuf) -> Arc<dyn Backend> {
    Arc::new(DockerBackend::from_environment(node_binary))
}
