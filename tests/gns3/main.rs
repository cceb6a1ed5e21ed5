//! GNS3's own servers, 2.2 and 3.0, of the versions that are named here: what is exported is what they take,
//! and what they export comes back as it was. They run on 127.0.0.1 without uBridge and Dynamips, so nothing
//! is started.
//!
//! Labs are raised where a server can do everything: `ORCHESTRATOR_TEST_GNS3_URL` names it, and
//! `ORCHESTRATOR_TEST_GNS3_TWO_URL` one that has a second compute.
//!
//! - [`access`]: who is asked and who is let in. - [`lacking`]: what cannot be raised, and leaves nothing.
//! - [`full`]: labs on a server that can do everything. - [`engine`]: what it has made.
//! - [`faults`]: what fails there, and works again. - [`two`]: labs on two computes.
//! - [`exported`]: exported projects that run there. - [`imported`]: such a project.
//! - [`given`]: where those servers are. - [`client`]: what is asked of any.
//! - [`server`]: a server, from its start to its end.
//! - [`installed`]: where the servers are.
//! - [`round`]: every shipped topology, there and back.
//! - [`schemas`]: what the servers' own schemas say.
//! - [`opening`]: projects opened, where no link may be lost.
//! - [`appliances`]: the appliance, listed and installed.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod access;
mod appliances;
mod client;
mod engine;
mod exported;
mod faults;
mod full;
mod given;
mod imported;
mod installed;
mod lacking;
mod opening;
mod round;
mod schemas;
mod server;
mod two;

use std::path::Path;
use std::process::ExitCode;

use e2e::capability::{all, root};
use e2e::sandbox::{Sandbox, Who};
use e2e::trials::{run, trial};
use libtest_mimic::Trial;

use installed::{Version, engine, installed};

/// A test of a version.
type Play = fn(Version);

fn main() -> ExitCode {
    let mut trials = version_trials();
    trials.extend(access_trials());
    trials.extend(given_trials());
    run(trials)
}

/// Those of each version, and whether they need an engine.
const PLAYS: &[(&str, Play, bool)] = &[
    (
        "every_shipped_topology_goes_there_and_back",
        round::every_shipped_topology,
        false,
    ),
    (
        "wires_and_filters_go_there_and_back",
        round::wires_and_filters,
        false,
    ),
    (
        "the_servers_schemas_agree",
        schemas::every_shipped_topology,
        false,
    ),
    (
        "an_opened_project_has_all_its_links",
        opening::no_link_is_lost,
        true,
    ),
    (
        "an_opened_project_keeps_its_identities",
        opening::a_loaded_project_keeps_its_ids,
        true,
    ),
    (
        "the_appliance_is_listed_and_installed",
        appliances::listed,
        false,
    ),
    (
        "doctor_names_the_version",
        access::doctor_names_the_version,
        false,
    ),
    (
        "nothing_is_begun_in_vain",
        lacking::nothing_is_begun_in_vain,
        true,
    ),
    (
        "a_failed_raise_leaves_nothing",
        lacking::a_failed_raise_leaves_nothing,
        true,
    ),
    (
        "computes_on_loopback_are_not_joined",
        lacking::computes_on_loopback_are_not_joined,
        true,
    ),
];

/// Those of each version.
fn version_trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = Vec::new();
    for version in Version::BOTH {
        for (name, play, needs_engine) in PLAYS {
            let mut needs = vec![installed(version)];
            if *needs_engine {
                needs.push(engine());
            }
            let play = *play;
            trials.push(trial(
                format!("{version}::{name}"),
                &all(&needs),
                move || play(version),
            ));
        }
    }
    trials.extend(Version::BOTH.map(|version| {
        let needs = [installed(version), engine(), root()];
        let name = format!("{version}::a_server_without_docker_is_told");
        trial(name, &all(&needs), move || {
            lacking::a_server_without_docker_is_told(version);
        })
    }));
    trials
}

/// Those about who is asked and who is let in.
fn access_trials() -> Vec<Trial> {
    let [two, three] = Version::BOTH.map(installed);
    vec![
        trial("a_wrong_password_is_refused", &three, || {
            access::a_wrong_password_is_refused();
        }),
        trial("a_guarded_server_lets_in_who_is_known", &two, || {
            access::a_guarded_server_lets_in_who_is_known();
        }),
        trial("an_old_token_is_replaced", &three, || {
            access::an_old_token_is_replaced();
        }),
        trial(
            "what_cannot_be_looked_for_is_not_forgotten",
            &Ok(()),
            access::what_cannot_be_looked_for_is_not_forgotten,
        ),
        trial("no_password_is_taken_in_an_address", &Ok(()), || {
            access::no_password_is_taken_in_an_address();
        }),
        trial("a_stranger_is_told_from_a_server", &Ok(()), || {
            access::a_stranger_is_told_from_a_server();
        }),
    ]
}

/// Those that need more of a server than is to be had from any package.
fn given_trials() -> Vec<Trial> {
    let full: &[(&str, fn())] = &[
        ("a_lab_lives_and_ends", full::a_lab_lives_and_ends),
        (
            "every_part_of_a_topology_is_made",
            full::every_part_of_a_topology_is_made,
        ),
        (
            "a_links_frames_are_captured",
            full::a_links_frames_are_captured,
        ),
        (
            "links_are_made_bad_and_good_again",
            full::links_are_made_bad_and_good_again,
        ),
        (
            "a_lab_is_reached_over_its_consoles",
            full::a_lab_is_reached_over_its_consoles,
        ),
        ("a_link_goes_down_and_up", faults::a_link_goes_down_and_up),
        (
            "a_node_pauses_and_goes_on",
            faults::a_node_pauses_and_goes_on,
        ),
        (
            "a_paused_node_keeps_its_console",
            faults::a_paused_node_keeps_its_console,
        ),
        (
            "a_link_that_was_down_is_captured_on",
            faults::a_link_that_was_down_is_captured_on,
        ),
        ("a_killed_raise_is_cleaned", full::a_killed_raise_is_cleaned),
        (
            "an_imported_lab_does_what_its_notes_say",
            exported::an_imported_lab_does_what_its_notes_say,
        ),
        (
            "an_imported_lab_routes_both_families",
            exported::an_imported_lab_routes_both_families,
        ),
        (
            "a_raised_lab_equals_an_imported_one",
            exported::a_raised_lab_equals_an_imported_one,
        ),
        (
            "a_node_of_the_appliance_starts",
            appliances::a_node_of_it_starts,
        ),
        (
            "a_project_that_has_run_comes_back",
            exported::a_project_that_has_run_comes_back,
        ),
    ];
    let two: &[(&str, fn())] = &[
        (
            "a_lab_is_spread_over_two_computes",
            two::a_lab_is_spread_over_two_computes,
        ),
        (
            "a_spread_lab_is_reached_over_its_consoles",
            two::a_spread_lab_is_reached_over_its_consoles,
        ),
    ];
    let mut trials = given::trials(full::URL, "full", full);
    trials.extend(given::trials(two::URL, "two", two));
    trials
}

/// A sandbox for the command under test.
fn sandbox() -> Sandbox {
    let program = env!("CARGO_BIN_EXE_orchestrator-under-test");
    let sandbox = Sandbox::new(Who::Caller, Path::new(program));
    sandbox.copy_project("topologies");
    sandbox
}

/// Paths of the shipped topologies, from the project's root.
fn shipped() -> Vec<String> {
    let root = e2e::sandbox::project();
    let mut found: Vec<String> = ["topologies", "topologies/as-published"]
        .into_iter()
        .flat_map(|folder| {
            let entries = std::fs::read_dir(root.join(folder)).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let files =
                names.filter(|name| Path::new(name).extension().is_some_and(|e| e == "toml"));
            files.map(move |name| format!("{folder}/{name}"))
        })
        .collect();
    found.sort();
    assert!(found.len() > 8, "{found:?}");
    found
}
