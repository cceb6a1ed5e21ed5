//! The JSON Schema takes what the reader takes, and refuses what is wrong in form.

use std::path::Path;

use crate::topology::schema;

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

fn json(path: &Path) -> serde_json::Value {
    let table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    serde_json::to_value(table).unwrap()
}

#[test]
fn what_the_reader_takes_the_schema_takes() {
    let validator = validator();
    let check = |path: &Path| {
        let value = json(path);
        let errors = validator.iter_errors(&value);
        let errors: Vec<_> = errors
            .map(|e| format!("{} {e}", e.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    };
    insta::glob!("good/*.toml", check);
    insta::glob!("../../../../topologies", "**/*.toml", check);
}

#[test]
fn what_is_wrong_in_form_the_schema_refuses() {
    let validator = validator();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/topology/tests/bad");
    for name in [
        "unknown-keys",
        "wrong-types",
        "impairments",
        "scenarios",
        "faults",
        "steps",
        "limits-and-images",
        "missing-files",
        "subnets",
        "names",
        "several-at-once",
        "links",
        "transfers",
    ] {
        let value = json(&folder.join(format!("{name}.toml")));
        assert!(!validator.is_valid(&value), "{name}");
    }
}

#[test]
fn a_name_that_no_backend_takes_the_schema_refuses() {
    let lab = |node: &str| serde_json::json!({ "name": "x", "node": { node: {} } });
    assert!(validator().is_valid(&lab("alpine-1")));
    assert!(!validator().is_valid(&lab("Alpine_1")));
}

#[test]
fn the_schema_stays_as_it_is() {
    insta::assert_json_snapshot!(schema());
}
