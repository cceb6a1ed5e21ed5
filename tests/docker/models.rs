//! The five models under every framing, and the labs that download and split.

use std::fs;

use e2e::models::{self, Loss};
use serde_json::Value;

use crate::site::Site;

/// To two, eight and sixteen receivers.
pub(crate) fn every_model_and_framing() {
    to_any_receivers(Loss::None);
}

/// The same, where each receiver loses others of its datagrams.
pub(crate) fn every_model_and_framing_with_loss() {
    to_any_receivers(Loss::OneInFive);
}

fn to_any_receivers(loss: Loss) {
    let site = Site::new();
    for (name, bytes) in models::files() {
        site.sandbox.write(name, bytes);
    }
    for receivers in [2, 8, 16] {
        site.sandbox.write("lab.toml", loss.lab(receivers));
        site.says(&["run", "--out", "out"]);
        let path = site.sandbox.path("work/out/report.json");
        let report: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        loss.judge(&report, receivers);
        site.assert_nothing_of(&loss.name(receivers));
    }
}

/// The second and third of the original labs, and what was published of the first two.
pub(crate) fn labs_that_download_and_split_pass() {
    let site = Site::new();
    site.sandbox.copy_project("topologies");
    for (file, passed) in [
        (
            "download-then-broadcast",
            "30 of 30 files equal byte for byte",
        ),
        (
            "split-between-servers",
            "20 of 20 files equal byte for byte",
        ),
        ("as-published/file-a-datagram", "2 cells failed as expected"),
        ("as-published/byte-a-datagram", "4 cells failed as expected"),
    ] {
        let said = site.says(&["run", &format!("topologies/{file}.toml"), "--out", "out"]);
        assert!(said.contains(passed), "{said}");
        site.assert_nothing_of(file.rsplit('/').next().unwrap());
    }
}
