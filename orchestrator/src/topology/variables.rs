//! `${name}` in the strings of a file.

use std::collections::{BTreeMap, BTreeSet};

/// The values that stand for `${name}`.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables(pub(super) BTreeMap<String, String>);

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

impl Variables {
    /// Replaces every `${name}`; `$${` stands for `${` itself.
    pub(super) fn expand(&self, text: &str) -> Result<String, VariableError> {
        fill(text, &self.0)
    }

    /// Replaces the variables, and leaves each `${name}` that is in `saved`, and each `$${`, to
    /// [`fill`] at run time.
    pub(super) fn expand_some(
        &self,
        text: &str,
        saved: &BTreeSet<String>,
    ) -> Result<String, VariableError> {
        replace(text, "$${", |name| match self.0.get(name) {
            Some(value) => Some(value.clone()),
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
    fn what_a_step_saves_is_left_for_later() {
        let saved = BTreeSet::from(["pid".to_owned()]);
        let now = Variables(values())
            .expand_some("${loss} ${pid} $${x}", &saved)
            .unwrap();
        assert_eq!(now, "5% ${pid} $${x}");
        let later = fill(&now, &BTreeMap::from([("pid".to_owned(), "7".to_owned())]));
        assert_eq!(later.unwrap(), "5% 7 ${x}");
    }
}
