//! Servers that somebody has started and that can do everything. uBridge and Dynamips are in no package, so
//! where there is no such server the tests that need it are left out, also in CI, and named.

use libtest_mimic::Trial;

use super::client::Client;

/// Where the server is that a variable names.
pub(crate) fn url(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    url.filter(|url| !url.is_empty())
}

/// Tests on the server that `variable` names, each called by the version that is found there.
pub(crate) fn trials(variable: &'static str, group: &str, plays: &[(&str, fn())]) -> Vec<Trial> {
    let version = url(variable).map(|url| Client::of(&url).map(|(_, version)| version));
    let of_play = |(name, play): &(&str, fn())| {
        let play = *play;
        match &version {
            None => Trial::test(format!("{group}::{name}"), || Ok(()))
                .with_kind(format!("left out: {variable} names no server"))
                .with_ignored_flag(true),
            Some(Err(reason)) => {
                let reason = reason.clone();
                Trial::test(format!("{group}::{name}"), || Err(reason.into()))
            }
            Some(Ok(version)) => Trial::test(format!("{version}::{group}::{name}"), move || {
                play();
                Ok(())
            }),
        }
    };
    plays.iter().map(of_play).collect()
}
