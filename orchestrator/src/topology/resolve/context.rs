//! Replaces variables, parses words, and notes what is wrong.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::topology::diagnostic::Diagnostic;
use crate::topology::document::word::Word;
use crate::topology::document::{At, Written};
use crate::topology::read::Found;
use crate::topology::suggestion::instead_of;
use crate::topology::variables::{VariableError, Variables};

/// Where a file's relative paths start, and what is there.
#[derive(Clone, Copy)]
pub(in crate::topology) struct FileBase<'a> {
    /// The folder that relative paths start from.
    pub(in crate::topology) base: &'a Path,
    /// Returns the kind of entry at a path.
    pub(in crate::topology) look: &'a dyn Fn(&Path) -> Found,
}

/// The context of resolving.
pub(super) struct Context<'a> {
    variables: Variables<'a>,
    file_base: FileBase<'a>,
    mistakes: RefCell<Vec<Diagnostic>>,
}

impl<'a> Context<'a> {
    /// Begins with the file's values; those of a cell replace them.
    pub(super) fn new(
        values: &'a BTreeMap<String, String>,
        cell: &'a [(&'a str, &'a str)],
        file_base: FileBase<'a>,
    ) -> Self {
        Self {
            variables: Variables::new(values, cell),
            file_base,
            mistakes: RefCell::default(),
        }
    }

    /// Returns everything that was noted, and the variables that were asked for.
    pub(super) fn finish(self) -> (Vec<Diagnostic>, Vec<String>) {
        (self.mistakes.into_inner(), self.variables.into_asked())
    }

    pub(super) fn base(&self) -> &Path {
        self.file_base.base
    }

    pub(super) fn mistake(
        &self,
        span: &Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let mistake = Diagnostic::new(span.clone(), message, remedy);
        self.mistakes.borrow_mut().push(mistake);
    }

    /// The word, where the file has one and it is right.
    pub(super) fn get<T: Word>(&self, written: &Written<T>) -> Option<T> {
        self.parse(&self.text(written)?, written)
    }

    /// The same for a word that must be there; `at` is where a reader would look for it.
    pub(super) fn need<T: Word>(
        &self,
        written: &Written<T>,
        at: &Range<usize>,
        key: &str,
    ) -> Option<T> {
        if written.is_absent() {
            self.missing(at, key);
        }
        self.get(written)
    }

    /// Notes that a key is missing.
    pub(super) fn missing(&self, at: &Range<usize>, key: &str) {
        self.mistake(
            at,
            format!("`{key}` is missing"),
            format!("add {key} = … here"),
        );
    }

    /// A word in which `${name}` may also be something that an earlier step saved.
    pub(super) fn get_later<T: Word>(
        &self,
        written: &Written<T>,
        saved: &BTreeSet<String>,
    ) -> Option<T> {
        let expanded = self.variables.expand_some(written.text()?, saved);
        let text = self.expanded(expanded, written, saved)?;
        self.parse(&text, written)
    }

    /// The text with its variables replaced.
    pub(super) fn text<T>(&self, written: &Written<T>) -> Option<String> {
        let expanded = self.variables.expand(written.text()?);
        self.expanded(expanded, written, &BTreeSet::new())
    }

    /// A key that is a name.
    pub(super) fn key<T: Word>(&self, key: &At<String>) -> Option<T> {
        T::parse(&key.value)
            .map_err(|remedy| {
                let message = format!("`{}` is not {}", key.value, T::NOUN);
                self.mistake(&key.span, message, remedy);
            })
            .ok()
    }

    /// A regular file on this machine, which must be there.
    pub(super) fn input(&self, path: &Path, span: &Range<usize>) -> PathBuf {
        let full = self.file_base.base.join(path);
        let (wrong, remedy) = match (self.file_base.look)(&full) {
            Found::File => return full,
            Found::Folder => (
                "is a folder".to_owned(),
                "name each of the files in it that are needed",
            ),
            Found::Special => (
                "is a device, a socket or a pipe".to_owned(),
                "name a regular file, whose bytes can be compared",
            ),
            Found::Nothing => (
                "does not exist".to_owned(),
                "make that file, or write a path that starts from this file's folder",
            ),
            Found::Unknown(why) => (
                format!("cannot be looked at: {why}"),
                "mend that, or write another path",
            ),
        };
        self.mistake(span, format!("{} {wrong}", full.display()), remedy);
        full
    }

    /// Returns the full path of a file or folder of this machine, which must exist.
    pub(super) fn existing(&self, path: &Path, span: &Range<usize>) -> PathBuf {
        let full = self.file_base.base.join(path);
        match (self.file_base.look)(&full) {
            Found::Folder => full,
            _ => self.input(path, span),
        }
    }

    /// Whether there is a variable of that name.
    pub(super) fn has_variable(&self, name: &str) -> bool {
        self.variables.has(name)
    }

    /// The variables' names.
    pub(super) fn variable_names(&self) -> Vec<&str> {
        self.variables.names().map(String::as_str).collect()
    }

    fn expanded<T>(
        &self,
        expanded: Result<String, VariableError>,
        written: &Written<T>,
        saved: &BTreeSet<String>,
    ) -> Option<String> {
        let remedy = match &expanded {
            Ok(text) => return Some(text.clone()),
            Err(VariableError::Open) => "write ${name}, or $${ for the characters ${".to_owned(),
            Err(VariableError::Unknown(name)) => {
                let known = self.variables.names().chain(saved);
                let known: Vec<&str> = known.map(String::as_str).collect();
                if known.is_empty() {
                    format!("define it: [vars] {name} = \"…\", or write $${{ for ${{ itself")
                } else {
                    instead_of(name, &known)
                }
            }
        };
        let message = match expanded {
            Err(VariableError::Unknown(name)) => format!("there is no variable `{name}`"),
            _ => "a variable is not closed".to_owned(),
        };
        self.mistake(&written.span(), message, remedy);
        None
    }

    fn parse<T: Word>(&self, text: &str, written: &Written<T>) -> Option<T> {
        let original = written.text().unwrap_or_default();
        T::parse(text)
            .map_err(|remedy| {
                let message = if original == text {
                    format!("`{text}` is not {}", T::NOUN)
                } else {
                    format!(
                        "`{text}`, which `{original}` stands for, is not {}",
                        T::NOUN
                    )
                };
                self.mistake(&written.span(), message, remedy);
            })
            .ok()
    }
}
