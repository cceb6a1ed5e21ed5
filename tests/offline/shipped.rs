//! The topologies that come along: each is valid, drawn, and described by the schema.

use std::fs;

use e2e::sandbox::{project, stdout};
use serde_json::Value;

use super::sandbox;

/// Paths of the shipped files below `topologies`, without `.toml`.
fn shipped() -> Vec<String> {
    let folder = project().join("topologies");
    let mut names: Vec<String> = ["", "as-published/"]
        .into_iter()
        .flat_map(|within| {
            let entries = fs::read_dir(folder.join(within)).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter_map(move |name| Some(format!("{within}{}", name.strip_suffix(".toml")?)))
        })
        .collect();
    names.sort();
    assert!(names.len() >= 7, "{names:?}");
    names
}

#[test]
fn every_shipped_topology_validates() {
    let sandbox = sandbox();
    sandbox.copy_project("topologies");
    let files = shipped()
        .into_iter()
        .map(|name| format!("topologies/{name}.toml"));
    let words: Vec<String> = ["--format", "json", "validate"]
        .map(str::to_owned)
        .into_iter()
        .chain(files)
        .collect();
    let valid: Value = serde_json::from_str(&stdout(&sandbox.run(&words).succeeds())).unwrap();
    for (file, name) in valid.as_array().unwrap().iter().zip(shipped()) {
        let stem = name.rsplit('/').next().unwrap();
        assert_eq!(file["lab"], stem, "a lab is called as its file is");
        assert!(file["nodes"].as_u64().unwrap() > 1, "{file}");
    }
}

#[test]
fn every_shipped_topology_is_drawn_in_every_language() {
    let sandbox = sandbox();
    sandbox.copy_project("topologies");
    for name in shipped() {
        let file = format!("topologies/{name}.toml");
        for (language, opening) in [("mermaid", "graph "), ("dot", "graph "), ("svg", "<svg ")] {
            let drawn = stdout(&sandbox.run(["graph", &file, "--as", language]).succeeds());
            assert!(drawn.starts_with(opening), "{language}:\n{drawn}");
        }
    }
}

#[test]
fn the_schema_describes_what_the_shipped_topologies_say() {
    let schema: Value =
        serde_json::from_str(&stdout(&sandbox().run(["schema"]).succeeds())).unwrap();
    for word in ["name", "network", "node", "link", "scenario", "vars"] {
        assert!(schema["properties"][word].is_object(), "{word}");
    }
}

#[test]
fn a_variable_is_set_on_the_command_line() {
    let sandbox = sandbox();
    sandbox.copy_project("topologies");
    let run =
        |value: &str| sandbox.run(["validate", "topologies/own-program.toml", "--set", value]);
    run("port=6000").succeeds();
    run("no-such-variable=1").ends_with(2);
}
