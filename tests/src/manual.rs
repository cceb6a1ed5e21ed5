//! The commands that the README shows.

use std::fs;

use crate::sandbox::project;

/// Every line that begins with `$ ` in a `console` block of the README, in its order.
pub fn commands() -> Vec<String> {
    let text = fs::read_to_string(project().join("README.md")).unwrap();
    let mut within = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            within = line == "```console";
        } else if within {
            let command = line.strip_prefix("$ ");
            let command =
                command.unwrap_or_else(|| panic!("`{line}` is no command in a console block"));
            found.push(command.to_owned());
        }
    }
    assert!(!found.is_empty(), "the README shows no command");
    found
}
