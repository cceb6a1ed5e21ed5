//! Names as ours must be: RFC 1123 labels in lower case.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::error::ImportError;
use crate::import::imported::LeftOut;

/// Names that are taken, by what they are called in the project.
#[derive(Debug, Default)]
pub struct Names {
    taken: BTreeMap<String, String>,
}

impl Names {
    /// The name of something that is called so in the project.
    ///
    /// # Errors
    /// [`ImportError::Twice`] where something else has it.
    pub fn take<T: FromStr + ToString>(
        &mut self,
        called: &str,
        left_out: &mut Vec<LeftOut>,
    ) -> Result<T, ImportError> {
        let name: T = label(called);
        let text = name.to_string();
        if let Some(other) = self.taken.insert(text.clone(), called.to_owned()) {
            let clash = if other == text && called == text {
                String::new()
            } else {
                format!(", in the project `{other}` and `{called}`")
            };
            return Err(ImportError::Twice { name: text, clash });
        }
        if text != called {
            left_out.push(LeftOut {
                of: called.to_owned(),
                text: format!("is called {text} here, for names are host names"),
            });
        }
        Ok(name)
    }
}

/// The nearest label: what is no letter, digit or hyphen becomes a hyphen.
pub fn label<T: FromStr>(called: &str) -> T {
    let lower = called.to_lowercase();
    let mut text = String::new();
    for letter in lower.chars() {
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() {
            text.push(letter);
        } else if !text.is_empty() && !text.ends_with('-') {
            text.push('-');
        }
    }
    text.truncate(63);
    let text = text.trim_end_matches('-');
    // `called` itself may be good as it is, with two hyphens in a row.
    match called.parse().or_else(|_| text.parse()) {
        Ok(name) => name,
        // A name of other letters only.
        Err(_) => nameless(),
    }
}

fn nameless<T: FromStr>() -> T {
    match "unnamed".parse() {
        Ok(name) => name,
        Err(_) => nameless(),
    }
}
