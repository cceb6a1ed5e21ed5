//! Every mistake, with its place and what to write instead.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::{read, read_with};

#[test]
fn every_mistake_is_shown_with_its_place_and_a_remedy() {
    insta::glob!("bad/*.toml", |path| {
        let name = path.file_name().unwrap().to_string_lossy();
        let text = std::fs::read_to_string(path).unwrap();
        let diagnostics = read(&name, &text).unwrap_err();
        assert!(
            diagnostics
                .list
                .iter()
                .all(|d| !d.message.is_empty() && !d.remedy.is_empty())
        );
        insta::assert_snapshot!(diagnostics.render(false));
    });
}

#[test]
fn an_override_of_nothing_is_shown_without_a_place() {
    let set = |name: &str| BTreeMap::from([(name.to_owned(), "5%".to_owned())]);
    let text = "name = \"x\"\nvars.loss = \"0%\"\n[node.a]\n";
    assert!(read_with("lab.toml", text, &set("loss")).is_ok());
    let diagnostics = read_with("lab.toml", text, &set("los")).unwrap_err();
    insta::assert_snapshot!(diagnostics.render(false));
}

#[test]
fn a_bad_override_is_shown_where_the_variable_is_used() {
    let text = r#"name = "x"
vars.loss = "0%"
network.lan.subnet = "10.0.0.0/24"
[node.a.interface.eth0]
network = "lan"
egress.loss = "${loss}"
"#;
    let set = BTreeMap::from([("loss".to_owned(), "5".to_owned())]);
    insta::assert_snapshot!(read_with("lab.toml", text, &set).unwrap_err().render(false));
}

#[test]
fn ten_thousand_nodes_written_one_by_one_are_one_mistake() {
    let nodes = (0..10_000).map(|n| format!("[node.n{n}]\n"));
    let text = format!("name = \"x\"\n{}", nodes.collect::<String>());
    let diagnostics = read("lab.toml", &text).unwrap_err();
    assert_eq!(diagnostics.list.len(), 1, "{diagnostics}");
    assert!(diagnostics.list[0].message.contains("1025 nodes"));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let diagnostics = read("lab.toml", "nam = \"x\"\n").unwrap_err();
    let coloured = diagnostics.render(true);
    assert!(coloured.contains("\u{1b}["));
    assert!(!diagnostics.render(false).contains("\u{1b}["));
    assert!(coloured.contains("did you mean"));
}

proptest! {
    /// Whatever is cut out of a good file, reading it ends, and in a verdict that can be shown.
    #[test]
    fn a_damaged_file_is_read_to_the_end(from in 0_usize..4000, length in 0_usize..200, put in "[\\[\\]\"=.a-z$ \\{\\}\n0-9é]{0,6}") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/topology/tests/good/everything.toml");
        let mut text = std::fs::read_to_string(path).unwrap();
        let from = text.floor_char_boundary(from.min(text.len()));
        let to = text.floor_char_boundary((from + length).min(text.len()));
        text.replace_range(from..to, &put);
        if let Err(diagnostics) = read("lab.toml", &text) {
            prop_assert!(!diagnostics.list.is_empty());
            prop_assert!(diagnostics.render(false).contains("error"));
        }
    }
}
