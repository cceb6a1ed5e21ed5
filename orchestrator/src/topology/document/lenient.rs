//! Reads TOML into the document without ending at the first mistake.
//!
//! serde asks for one thing after the other and stops at the first that is not there. This
//! deserializer notes what is wrong and gives an empty value in its place, so that everything else
//! in the file is still looked at. It also gives every [`toml::Spanned`] its place, and picks an
//! enum's variant as the file does: by the word at `kind`, or by the key that is there.

use std::cell::RefCell;
use std::ops::Range;

use serde::de::value::Error;
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_spanned::de::{SpannedDeserializer, is_spanned};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Document;
use super::access::{Entries, Items, Variant};
use super::scenario::BY_KIND;
use crate::topology::diagnostic::Diagnostic;
use crate::topology::suggestion::instead_of;

/// The document, and everything that is wrong with its form. Where it is not TOML there is none.
pub(in crate::topology) fn read(text: &str) -> (Option<Document>, Vec<Diagnostic>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return (None, errors.iter().map(|e| syntax(text, e)).collect());
    }
    let mistakes = RefCell::new(Vec::new());
    let span = table.span();
    let value = DeValue::Table(table.into_inner());
    let read = Document::deserialize(Lenient {
        value: &value,
        span,
        mistakes: &mistakes,
        tag: None,
    });
    let mut mistakes = mistakes.into_inner();
    if let Err(error) = &read {
        mistakes.push(Diagnostic::new(
            0..0,
            error.to_string(),
            "write it otherwise",
        ));
    }
    (read.ok(), mistakes)
}

fn syntax(text: &str, error: &toml::de::Error) -> Diagnostic {
    let span = error.span().unwrap_or(text.len()..text.len());
    let remedy = match error.message() {
        "duplicate key" => "write each key once",
        _ => "mend this first: nothing else in the file was looked at",
    };
    Diagnostic::new(span, format!("not TOML: {}", error.message()), remedy)
}

/// A value of the file, on its way into the document.
#[derive(Clone)]
pub(super) struct Lenient<'a> {
    value: &'a DeValue<'a>,
    span: Range<usize>,
    mistakes: &'a RefCell<Vec<Diagnostic>>,
    /// The key that picked this table's shape and that the shape does not list.
    tag: Option<&'static str>,
}

impl<'a> Lenient<'a> {
    fn at(&self, value: &'a Spanned<DeValue<'a>>) -> Self {
        Self {
            value: value.get_ref(),
            span: value.span(),
            mistakes: self.mistakes,
            tag: None,
        }
    }

    fn mistake(&self, span: Range<usize>, message: String, remedy: String) {
        let mistake = Diagnostic::new(span, message, remedy);
        self.mistakes.borrow_mut().push(mistake);
    }

    fn expected(&self, kind: &str) {
        let found = match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.mistake(
            self.span.clone(),
            format!("{found} where {kind} belongs"),
            format!("write {kind} here"),
        );
    }

    /// The table's entries in the order of the file.
    fn entries(&self) -> Option<Vec<(&'a str, Range<usize>, Self)>> {
        let DeValue::Table(table) = self.value else {
            return None;
        };
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), key.span(), self.at(value)))
            .collect();
        entries.sort_by_key(|(_, span, _)| span.start);
        Some(entries)
    }

    /// A word, where the file has a string or one of what else `fits`.
    fn word<'de, V: Visitor<'de>>(
        &self,
        visitor: V,
        fits: fn(&DeValue<'_>) -> Option<String>,
        kind: &str,
    ) -> Result<V::Value, Error> {
        let text = match self.value {
            DeValue::String(text) => Some(text.to_string()),
            other => fits(other),
        };
        if let Some(text) = text {
            visitor.visit_string(text)
        } else {
            self.expected(kind);
            visitor.visit_none()
        }
    }

    /// Which of an enum's variants the table is.
    fn variant(&self, variants: &'static [&'static str]) -> (&'static str, Option<&'static str>) {
        let (unknown, names) = variants.split_last().unwrap_or((&"", &[]));
        let Some(entries) = self.entries() else {
            self.expected("a table");
            return (unknown, None);
        };
        let header = self.span.clone();
        let listed = |names: &[&str]| format!("write one of {}", names.join(", "));
        if *unknown == BY_KIND {
            let Some((_, _, kind)) = entries.iter().find(|(key, _, _)| *key == "kind") else {
                self.mistake(header, "no kind is given".to_owned(), listed(names));
                return (unknown, None);
            };
            let DeValue::String(text) = kind.value else {
                kind.expected("a string");
                return (unknown, None);
            };
            if let Some(name) = names.iter().find(|name| *name == text) {
                return (name, Some("kind"));
            }
            let message = format!("`{text}` is not a kind of scenario");
            kind.mistake(kind.span.clone(), message, instead_of(text, names));
            return (unknown, None);
        }
        let present: Vec<_> = entries
            .iter()
            .filter_map(|(key, span, _)| names.iter().find(|n| *n == key).map(|n| (*n, span)))
            .collect();
        match present.as_slice() {
            [(name, _)] => (name, None),
            [] => {
                self.mistake(header, "nothing to do is given".to_owned(), listed(names));
                (unknown, None)
            }
            [(first, _), rest @ ..] => {
                for (name, span) in rest {
                    let message = format!("`{name}` besides `{first}`");
                    let remedy = "write one of the two, and the other in a table of its own";
                    self.mistake((*span).clone(), message, remedy.to_owned());
                }
                (unknown, None)
            }
        }
    }
}

impl<'de> Deserializer<'de> for Lenient<'_> {
    type Error = Error;

    /// A table, or a word that is its short form.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            DeValue::Table(_) => visitor.visit_some(self),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.word(visitor, |_| None, "a string")
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.word(visitor, integer, "an integer")
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let number = |value: &DeValue<'_>| match value {
            DeValue::Float(float) => Some(float.as_str().to_owned()),
            other => integer(other),
        };
        self.word(visitor, number, "a number")
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.word(visitor, boolean, "true or false")
    }

    /// A variable's value: any of the above.
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let scalar = |value: &DeValue<'_>| match value {
            DeValue::Float(float) => Some(float.as_str().to_owned()),
            other => integer(other).or_else(|| boolean(other)),
        };
        self.word(visitor, scalar, "a string, a number, or true or false")
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let items = if let DeValue::Array(array) = self.value {
            array.iter().map(|item| self.at(item)).collect()
        } else {
            self.expected("a list");
            Vec::new()
        };
        visitor.visit_seq(Items(items.into_iter()))
    }

    /// One where many may be: a list as such, anything else as the one.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.value {
            DeValue::Array(_) => self.deserialize_seq(visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let entries = self.entries().unwrap_or_else(|| {
            self.expected("a table");
            Vec::new()
        });
        visitor.visit_map(Entries {
            entries: entries.into_iter(),
            value: None,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if is_spanned(name) {
            let span = self.span.clone();
            return visitor.visit_map(SpannedDeserializer::new(self, span));
        }
        let mut entries = self.entries().unwrap_or_else(|| {
            self.expected("a table");
            Vec::new()
        });
        entries.retain(|(key, span, _)| {
            let known = fields.contains(key);
            if !known && Some(*key) != self.tag {
                let message = format!("`{key}` is not a key of this table");
                self.mistake(span.clone(), message, instead_of(key, fields));
            }
            known
        });
        visitor.visit_map(Entries {
            entries: entries.into_iter(),
            value: None,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (variant, tag) = self.variant(variants);
        visitor.visit_enum(Variant {
            variant,
            content: Self { tag, ..self },
        })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 char bytes byte_buf option unit unit_struct tuple
        tuple_struct identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Lenient<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn integer(value: &DeValue<'_>) -> Option<String> {
    let DeValue::Integer(integer) = value else {
        return None;
    };
    let number = i64::from_str_radix(integer.as_str(), integer.radix());
    Some(number.map_or_else(|_| integer.to_string(), |number| number.to_string()))
}

fn boolean(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}
