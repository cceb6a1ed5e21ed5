//! Cells of a file: their values take effect, and that is cheap.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use super::super::{Cells, Diagnostics, Found, read_cells};
use crate::topology::model::{Action, Model, Work};

const LAB: &str = r#"
name = "cells"
vars = { loss = "0%", word = "1s", file = 1 }
network.lan.subnet = "10.0.0.0/24"
node.a.interface.eth0 = { network = "lan", egress = { loss = "${loss}" } }
node.b.networks = ["lan"]
node.b.count = 2
"#;

fn cells(scenarios: &str, look: &dyn Fn(&Path) -> Found) -> Result<Cells, Diagnostics> {
    let text = format!("{LAB}{scenarios}");
    read_cells("lab.toml", &text, Path::new("labs"), &BTreeMap::new(), look)
}

/// An axis of a hundred values.
fn hundred(value: impl Fn(usize) -> String) -> String {
    let values: Vec<String> = (0..100).map(|at| format!("{:?}", value(at))).collect();
    format!("[{}]", values.join(", "))
}

#[test]
fn a_cell_has_its_values_and_shares_what_they_do_not_change() {
    let scenarios = r#"
[[scenario]]
name = "send"
kind = "broadcast"
from = "a"
to = ["b"]
files = ["inputs/${file}.bin"]
matrix.model = ["single-thread", "multi-process"]
matrix.file = [0, 1]
[[scenario]]
name = "lossy"
kind = "steps"
step = [{ run = ["true", "${word}"], node = "a" }]
matrix.loss = ["0%", "5%"]
matrix.word = ["x", "y"]
[[scenario]]
name = "once"
kind = "steps"
step = [{ run = ["true"], node = "a" }]
"#;
    let cells = cells(scenarios, &|_| Found::File).unwrap_or_else(|e| panic!("{e}"));
    let send = cells.cell("send", 4).unwrap();
    let Work::Broadcast(transfer, _) = &send.scenario.work else {
        panic!("{send:?}");
    };
    assert_eq!(transfer.sending.model, Some(Model::MultiProcess));
    assert!(Arc::ptr_eq(&send.topology, cells.topology()));
    let files: Vec<_> = cells
        .files()
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    assert_eq!(files, ["labs/inputs/0.bin", "labs/inputs/1.bin"]);

    let lossy: Vec<(String, String)> = cells
        .of("lossy")
        .map(|cell| {
            let Work::Steps(steps) = &cell.scenario.work else {
                panic!("{cell:?}");
            };
            let Action::Run(program) = &steps[0].action else {
                panic!("{steps:?}");
            };
            let loss = cell.topology.nodes[0].interfaces[0].egress.loss;
            (loss.to_string(), program.command[1].clone())
        })
        .collect();
    let expected = [("0%", "x"), ("0%", "y"), ("5%", "x"), ("5%", "y")];
    assert_eq!(lossy, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert_eq!(cells.cell("lossy", 1).unwrap().scenario.matrix.len(), 2);
    assert_eq!(cells.of("once").count(), 1);
    assert!(cells.cell("once", 2).is_none() && cells.cell("send", 0).is_none());
    assert!(cells.cell("absent", 1).is_none());
}

#[test]
fn a_file_is_looked_at_once_for_all_cells() {
    let looked = Cell::new(0);
    let look = |_: &Path| {
        looked.set(looked.get() + 1);
        Found::File
    };
    let mut scenarios = String::new();
    for name in ["first", "second"] {
        write!(
            scenarios,
            "[[scenario]]\nname = {name:?}\nkind = \"steps\"\nmatrix.file = {}\nmatrix.word = {}\n\
             step = [{{ equal = [\"inputs/${{file}}\", \"a:/root/${{word}}\"] }}]\n",
            hundred(|at| at.to_string()),
            hundred(|at| format!("w{at}")),
        )
        .unwrap();
    }
    let cells = cells(&scenarios, &look).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(cells.of("second").count(), 10_000);
    assert_eq!((looked.get(), cells.files().len()), (100, 100));
}

#[test]
fn what_breaks_in_thousands_of_cells_is_said_once() {
    let scenarios = format!(
        "[[scenario]]\nname = \"s\"\nkind = \"steps\"\nmatrix.word = {}\nmatrix.file = {}\n\
         step = [{{ run = [\"true\"], node = \"b-${{file}}\", within = \"${{word}}\" }}]\n",
        hundred(|at| format!("{}s", 100 - at)),
        hundred(|at| (at % 2 + 1).to_string() + &"0".repeat(at / 2)),
    );
    let wrong = cells(&scenarios, &|_| Found::File).unwrap_err();
    assert_eq!(wrong.list.len(), 98, "{wrong}");
    for one in &wrong.list {
        let said = &one.message;
        assert!(
            said.contains(" and 99 more): there is no node called b-"),
            "{said}"
        );
    }
}

#[test]
fn a_value_that_refers_to_a_variable_is_no_value() {
    let scenario = "[[scenario]]\nname = \"s\"\nkind = \"steps\"\nmatrix.word = [\"$${loss}\"]\n\
        step = [{ run = [\"true\", \"${word}\"], node = \"a\" }]\n";
    let wrong = cells(scenario, &|_| Found::File).unwrap_err();
    assert!(wrong.list[0].message.contains("cannot refer"), "{wrong}");
    assert_eq!(wrong.list.len(), 1, "{wrong}");
}

/// An input is read and hashed, and a folder cannot be.
#[test]
fn a_folder_that_is_bound_is_no_input() {
    let look = |path: &Path| {
        if path.ends_with("tools") {
            Found::Folder
        } else {
            Found::File
        }
    };
    let node = "node.c = { networks = [\"lan\"], binds = [\"tools:/x\", \"one.py:/y\"] }\n";
    let files = cells(node, &look).unwrap().files().clone();
    assert_eq!(files, [Path::new("labs/one.py").to_owned()].into());
}
