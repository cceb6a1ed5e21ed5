//! Clients at a file server, of ours and of people's own.

use std::fs;

use serde_json::Value;

use crate::image::Image;
use crate::programs::with_image;
use crate::site::Site;

/// Files are in memory here too, and longer than an engine grants by itself.
pub(crate) fn the_smoke_lab_passes() {
    let site = Site::new();
    site.sandbox.copy_project("topologies");
    let lab = "topologies/stress-smoke.toml";
    let ran = site.says(&["run", lab, "--out", "results"]);
    assert!(
        ran.contains("36 of 36 clients done, every byte verified"),
        "{ran}"
    );
    let long = site.sandbox.path("work").join(lab);
    let text = fs::read_to_string(long).unwrap();
    site.sandbox.write(lab, text.replace("2MiB", "20MiB"));
    let words = [
        "run",
        lab,
        "--out",
        "long",
        "--cells",
        "model=thread,clients=5",
    ];
    let ran = site.says(&words);
    assert!(
        ran.contains("10 of 10 clients done, every byte verified"),
        "{ran}"
    );
    site.assert_nothing_of("stress-smoke");
}

fn own_server(site: &Site, image: &Image<'_>) -> &'static str {
    site.sandbox.copy_project("topologies");
    let file = "topologies/own-file-server.toml";
    let written = fs::read_to_string(site.sandbox.path("work").join(file)).unwrap();
    site.sandbox.write(file, with_image(&written, &image.name));
    file
}

pub(crate) fn a_server_of_ones_own_passes_in_an_image_with_python() {
    let site = Site::new();
    let image = Image::python(&site.engine);
    let file = own_server(&site, &image);
    let ran = site.says(&["run", file, "--out", "results"]);
    assert!(
        ran.contains("24 of 24 clients done, every byte verified"),
        "{ran}"
    );
    site.assert_nothing_of("own-file-server");
}

pub(crate) fn a_byte_that_a_server_changes_is_told() {
    let site = Site::new();
    let image = Image::python(&site.engine);
    let file = own_server(&site, &image);
    let server = "topologies/inputs/file-server.py";
    let program = fs::read_to_string(site.sandbox.path("work").join(server)).unwrap();
    let wrong = "file.write(content[:-1] + bytes([content[-1] ^ (name == 'stress-3.bin')]))";
    site.sandbox
        .write(server, program.replace("file.write(content)", wrong));
    let words = [
        "run", file, "--out", "results", "--cells", "4", "--cells", "2",
    ];
    let ran = site.sandbox.run(words).ends_with(1);
    let said = e2e::sandbox::stdout(&ran);
    assert!(
        said.contains("client 3 failed: what the server stored is not what was sent"),
        "{said}"
    );
    let report = fs::read(site.sandbox.path("work/results/report.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let cells = &report["scenarios"][0]["cells"];
    assert_eq!(cells[0]["load"]["clients_failed"], 1, "{cells}");
    site.assert_nothing_of("own-file-server");
}
