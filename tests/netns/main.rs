//! The netns backend on this machine, as root and as an ordinary user: the conformance suite, and the
//! whole command from end to end.
//!
//! - [`stage`]: where a trial plays.
//! - [`kills`]: SIGKILL at random moments of every verb.
//! - [`keeper`]: a lab that other processes change; [`keeper_client`]: those.
//! - [`life`]: a lab from `up` to `down`.
//! - [`interruption`]: signals at every moment, and what is left.
//! - [`confined`]: the command where somebody else has confined it.
//! - [`decoys`]: what `clean` must not touch.
//! - [`marks`]: what proves that a thing is ours, and what does not.
//! - [`origins`]: labs that were raised elsewhere.
//! - [`models`]: concurrency models, framings and the split.
//! - [`downloads`]: what a sender fetches first, from nodes of every kind.
//! - [`conversation`]: commands to file servers.
//! - [`stress`]: clients at a file server, of ours and of people's own.
//! - [`trouble`]: programs, files and machines that are not as they should be.
//! - [`forbidden`]: a machine that does not let ordinary users make namespaces.
//! - [`terminal`]: a shell on a terminal.
//! - [`readme`]: every command that the README shows.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod confined;
mod conversation;
mod decoys;
mod downloads;
mod forbidden;
mod interruption;
mod keeper;
mod keeper_client;
mod kills;
mod life;
mod marks;
mod models;
mod origins;
mod readme;
mod stage;
mod stress;
mod terminal;
mod trouble;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use e2e::conformance::runner::{self, Maker};
use e2e::isolation::{self, Isolation};
use e2e::sandbox::Who;
use e2e::trials::trial;
use e2e::{capability, trials};
use libtest_mimic::Trial;
use orchestrator::backend::Backend;
use orchestrator::backend::netns::NetnsBackend;

use stage::Play;

fn main() -> ExitCode {
    if let Some(code) = runner::run_alone(Maker {
        backend,
        programs: Vec::new,
    }) {
        return code;
    }
    if let Some(code) = keeper_client::run_alone() {
        return code;
    }
    let isolated = match isolation::enter() {
        Isolation::Ended(code) => return code,
        Isolation::Inside => Ok(()),
        Isolation::Refused(reason) => Err(reason),
    };
    let root = capability::all(&[isolated.clone(), capability::root()]);
    let user = capability::all(&[isolated, capability::rootless()]);
    let mut all = Vec::new();
    for (prefix, who, capable) in [("root", Who::Caller, &root), ("user", Who::Ordinary, &user)] {
        all.extend(runner::trials(prefix, who, capable));
        for (topic, list) in TOPICS {
            all.extend(end_to_end(prefix, topic, list, who, capable));
        }
    }
    let both = capability::all(&[root, user]);
    for (prefix, who) in [("root", Who::Caller), ("user", Who::Ordinary)] {
        for (topic, list) in [
            ("marks", marks::SET_UP_BY_ROOT),
            ("origins", origins::SET_UP_BY_ROOT),
        ] {
            all.extend(end_to_end(prefix, topic, list, who, &both));
        }
    }
    let list = origins::OF_USERS;
    all.extend(end_to_end("user", "origins", list, Who::Ordinary, &both));
    all.extend(end_to_end(
        "user",
        "forbidden",
        forbidden::TRIALS,
        Who::Ordinary,
        &both,
    ));
    let confined = confined::TRIALS;
    all.extend(end_to_end("root", "confined", confined, Who::Caller, &both));
    trials::run(all)
}

fn end_to_end(
    prefix: &str,
    topic: &str,
    list: &'static [Play],
    who: Who,
    capable: &Result<(), String>,
) -> Vec<Trial> {
    let named = |(name, body): &Play| {
        let (name, body) = (format!("{prefix}::{topic}::{name}"), *body);
        trial(name, capable, move || body(who))
    };
    list.iter().map(named).collect()
}

fn backend(state: PathBuf) -> Arc<dyn Backend> {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_orchestrator-under-test"));
    Arc::new(NetnsBackend::new(state, program))
}

const TOPICS: [Topic; 14] = [
    ("life", life::TRIALS),
    ("interruption", interruption::TRIALS),
    ("keeper", keeper::TRIALS),
    ("kills", kills::TRIALS),
    ("decoys", decoys::TRIALS),
    ("marks", marks::TRIALS),
    ("origins", origins::TRIALS),
    ("models", models::TRIALS),
    ("downloads", downloads::TRIALS),
    ("conversation", conversation::TRIALS),
    ("stress", stress::TRIALS),
    ("trouble", trouble::TRIALS),
    ("terminal", terminal::TRIALS),
    ("readme", readme::TRIALS),
];

/// A topic's name and its trials.
type Topic = (&'static str, &'static [Play]);
