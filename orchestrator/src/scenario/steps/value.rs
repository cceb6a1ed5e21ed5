//! Values captured from output and used later as `${name}`.

use std::collections::BTreeMap;

use crate::topology::fill;
use crate::topology::model::SaveValue;

/// The values captured so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<String, String>);

impl Values {
    /// Captures a value from a program's output.
    ///
    /// # Errors
    /// Says which mark the output lacks.
    pub fn save(&mut self, save: &SaveValue, output: &str) -> Result<(), String> {
        let value = match &save.between {
            None => output.trim(),
            Some((after, before)) => {
                let lacking =
                    |mark: &str| format!("the output has no {mark:?} to save `{}` from", save.name);
                let (_, rest) = output
                    .split_once(after.as_str())
                    .ok_or_else(|| lacking(after))?;
                if before.is_empty() {
                    rest.lines().next().unwrap_or_default()
                } else {
                    rest.split_once(before.as_str())
                        .ok_or_else(|| lacking(before))?
                        .0
                }
            }
        };
        self.0.insert(save.name.clone(), value.to_owned());
        Ok(())
    }

    /// The text with every `${name}` of a captured value replaced. Reading the file made sure that
    /// each is captured by an earlier step; a text that cannot be filled stays as it is.
    pub fn fill(&self, text: &str) -> String {
        fill(text, &self.0).unwrap_or_else(|_| text.to_owned())
    }

    /// Each of the texts, filled.
    pub fn fill_all(&self, texts: &[String]) -> Vec<String> {
        texts.iter().map(|text| self.fill(text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(name: &str, between: Option<(&str, &str)>) -> SaveValue {
        let between = between.map(|(a, b)| (a.to_owned(), b.to_owned()));
        SaveValue {
            name: name.to_owned(),
            between,
        }
    }

    #[test]
    fn a_captured_value_is_used_by_name() {
        let mut values = Values::default();
        values.save(&save("whole", None), " 42\n").unwrap();
        values
            .save(&save("part", Some(("port ", ","))), "on port 5005, ready")
            .unwrap();
        values
            .save(&save("line", Some(("id=", ""))), "id=x\nmore")
            .unwrap();
        assert_eq!(values.fill("${whole}-${part}-${line}"), "42-5005-x");
        assert_eq!(values.fill("${other}"), "${other}");
    }

    #[test]
    fn a_missing_mark_is_named() {
        let error = Values::default()
            .save(&save("x", Some(("port ", ","))), "none")
            .unwrap_err();
        assert!(error.contains("port "), "{error}");
    }
}
