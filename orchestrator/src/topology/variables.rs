//! `${name}` in the strings of a file.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// The values of `${name}`, and the names that were asked for.
#[derive(Debug)]
pub(super) struct Variables<'a> {
    /// The file's values, those set on the command line included.
    file: &'a BTreeMap<String, String>,
    /// A cell's values, which replace the file's.
    cell: &'a [(&'a str, &'a str)],
    /// Each name asked for, once, in the order of the first time.
    asked: RefCell<Vec<String>>,
}

/// Why a text's variables cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// Nothing has that name.
    #[error("nothing is called `{0}`")]
    Unknown(String),
    /// `${` without `}`.
    #[error("`${{` without `}}`")]
    Open,
}

impl<'a> Variables<'a> {
    /// Begins with the file's values; those of a cell replace them.
    pub(super) fn new(file: &'a BTreeMap<String, String>, cell: &'a [(&'a str, &'a str)]) -> Self {
        let asked = RefCell::default();
        Self { file, cell, asked }
    }

    /// Returns the names of all variables.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a String> {
        self.file.keys()
    }

    /// Whether there is a variable of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.file.contains_key(name)
    }

    /// Returns the names that were asked for, each once, in the order of the first time.
    pub(super) fn into_asked(self) -> Vec<String> {
        self.asked.into_inner()
    }

    fn value(&self, name: &str) -> Option<String> {
        let value = self.file.get(name)?;
        let mut asked = self.asked.borrow_mut();
        if !asked.iter().any(|earlier| earlier == name) {
            asked.push(name.to_owned());
        }
        let own = self.cell.iter().find(|(axis, _)| *axis == name);
        Some(own.map_or(value.as_str(), |(_, value)| value).to_owned())
    }

    /// Replaces every `${name}`; `$${` stands for `${` itself.
    pub(super) fn expand(&self, text: &str) -> Result<String, VariableError> {
        replace(text, "${", |name| self.value(name))
    }

    /// Replaces the variables, and leaves each `${name}` that is in `saved`, and each `$${`, to
    /// [`fill`] at run time.
    pub(super) fn expand_some(
        &self,
        text: &str,
        saved: &BTreeSet<String>,
    ) -> Result<String, VariableError> {
        replace(text, "$${", |name| match self.value(name) {
            Some(value) => Some(value),
            None => saved.contains(name).then(|| format!("${{{name}}}")),
        })
    }
}

/// Replaces every `${name}` in a step's text by what earlier steps saved; `$${` stands for `${` itself.
pub fn fill(text: &str, values: &BTreeMap<String, String>) -> Result<String, VariableError> {
    replace(text, "${", |name| values.get(name).cloned())
}

/// Whether a text may be a variable's name.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !text.is_empty() && text.chars().all(fits)
}

fn replace(
    text: &str,
    escaped: &str,
    value: impl Fn(&str) -> Option<String>,
) -> Result<String, VariableError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str(escaped);
            rest = after;
            continue;
        }
        out.push_str(before);
        let (name, after) = after.split_once('}').ok_or(VariableError::Open)?;
        out.push_str(&value(name).ok_or_else(|| VariableError::Unknown(name.to_owned()))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> BTreeMap<String, String> {
        BTreeMap::from([("loss".to_owned(), "5%".to_owned())])
    }

    #[test]
    fn a_variable_is_replaced_wherever_it_stands() {
        let filled = fill("a${loss}b${loss} $HOME $${HOME}", &values());
        assert_eq!(filled.unwrap(), "a5%b5% $HOME ${HOME}");
    }

    #[test]
    fn an_unknown_or_open_variable_is_an_error() {
        let unknown = VariableError::Unknown("los".to_owned());
        assert_eq!(fill("${los}", &values()), Err(unknown));
        assert_eq!(fill("${loss", &values()), Err(VariableError::Open));
    }

    #[test]
    fn a_cells_value_holds_in_place_of_the_files_and_is_remembered_as_asked_for() {
        let mut values = values();
        values.insert("rate".to_owned(), "1mbit".to_owned());
        let variables = Variables::new(&values, &[("loss", "9%")]);
        let filled = variables.expand("${rate} ${loss} ${rate}");
        assert_eq!(filled.unwrap(), "1mbit 9% 1mbit");
        assert_eq!(variables.into_asked(), ["rate", "loss"]);
    }

    #[test]
    fn what_a_step_saves_is_left_for_later() {
        let saved = BTreeSet::from(["pid".to_owned()]);
        let values = values();
        let variables = Variables::new(&values, &[]);
        let now = variables.expand_some("${loss} ${pid} $${x}", &saved);
        let now = now.unwrap();
        assert_eq!(now, "5% ${pid} $${x}");
        let later = fill(&now, &BTreeMap::from([("pid".to_owned(), "7".to_owned())]));
        assert_eq!(later.unwrap(), "5% 7 ${x}");
    }
}
