//! The values of the file's variables.

use std::collections::BTreeMap;

use crate::topology::diagnostic::Diagnostic;
use crate::topology::document::Document;
use crate::topology::suggestion::instead_of;
use crate::topology::variables::is_name;

/// Reads the variables' values. Those of `overrides` replace the file's.
pub(super) fn read(
    document: &Document,
    overrides: &BTreeMap<String, String>,
    mistakes: &mut Vec<Diagnostic>,
) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (key, written) in &document.vars.0 {
        if !is_name(&key.value) {
            let message = format!("`{}` is not a variable's name", key.value);
            let remedy = "write letters, digits, _ and -";
            mistakes.push(Diagnostic::new(key.span.clone(), message, remedy));
        }
        let text = written.text().unwrap_or_default();
        if text.contains("${") {
            let message = "a variable's value cannot refer to another";
            let remedy = "write the value itself";
            mistakes.push(Diagnostic::new(written.span(), message, remedy));
        }
        values.insert(key.value.clone(), text.to_owned());
    }
    for (name, value) in overrides {
        let known: Vec<&String> = values.keys().collect();
        let wrong = if !values.contains_key(name) {
            Some((
                format!("there is no variable `{name}` to set"),
                instead_of(name, &known),
            ))
        } else if value.contains("${") {
            let remedy = "write the value itself".to_owned();
            Some((format!("`{value}` cannot refer to a variable"), remedy))
        } else {
            None
        };
        match wrong {
            Some((message, remedy)) => mistakes.push(Diagnostic {
                span: None,
                message: format!("--set {name}={value}: {message}"),
                remedy,
            }),
            None => {
                values.insert(name.clone(), value.clone());
            }
        }
    }
    values
}
