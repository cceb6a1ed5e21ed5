//! The shipped labs whose nodes run programs of their own, in an image of somebody's.

use std::fs;

use crate::image::Image;
use crate::site::Site;

/// Two Python receivers and a sender.
pub(crate) fn own_program_passes_in_an_image_with_python() {
    passes_with_python("own-program", 3);
}

/// Routes through a node that forwards, in IPv4 and IPv6.
pub(crate) fn two_networks_pass_in_an_image_with_python() {
    passes_with_python("two-networks", 3);
}

fn passes_with_python(lab: &str, nodes: usize) {
    let site = Site::new();
    let image = Image::python(&site.engine);
    site.sandbox.copy_project("topologies");
    let file = format!("topologies/{lab}.toml");
    let written = fs::read_to_string(site.sandbox.path("work").join(&file)).unwrap();
    let text = with_image(&written, &image.name);
    site.sandbox.write(&file, text);

    let ran = site.says(&["run", &file, "--out", "results"]);
    assert!(
        ran.contains(&format!("{lab} · docker · {nodes} nodes")),
        "{ran}"
    );
    assert!(ran.contains("\npassed "), "{ran}");
    site.assert_nothing_of(lab);
}

/// The same file with an image for each of its nodes.
pub(crate) fn with_image(text: &str, image: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        lines.push(line.to_owned());
        let header = line
            .strip_prefix("[node.")
            .and_then(|rest| rest.strip_suffix(']'));
        if header.is_some_and(|node| !node.contains('.')) {
            lines.push(format!("image = \"{image}\""));
        }
    }
    lines.join("\n")
}

/// The same file without an image: the nodes have no Python, and the verdict says so.
pub(crate) fn own_program_without_its_image_fails_and_names_what_is_missing() {
    let site = Site::new();
    site.sandbox.copy_project("topologies");
    let run = site
        .sandbox
        .run(["run", "topologies/own-program.toml", "--out", "results"]);
    let ran = run.ends_with(1);
    let said = e2e::sandbox::stdout(&ran) + &e2e::sandbox::stderr(&ran);
    assert!(said.contains("python3"), "{said}");
    site.assert_nothing_of("own-program");
}

/// An image that asks for a volume gets one of its own, which goes with its node.
pub(crate) fn a_volume_that_an_image_asks_for_goes_with_its_node() {
    let site = Site::new();
    let image = Image::of(
        &site.engine,
        "e2e-volume",
        &["/etc/hostname".to_owned()].into(),
        &["VOLUME /data"],
    );
    let lab = format!(
        "name = \"e2e-volume\"\n[node.a]\nimage = \"{}\"\n",
        image.name
    );
    site.sandbox.write("lab.toml", lab);
    site.sandbox.run(["deploy"]).succeeds();
    let traces = site.engine.traces("e2e-volume");
    assert_eq!(traces.volumes.len(), 1);
    site.sandbox.run(["down", "e2e-volume"]).succeeds();
    site.engine.assert_gone(&traces);
    site.assert_nothing_of("e2e-volume");
}
