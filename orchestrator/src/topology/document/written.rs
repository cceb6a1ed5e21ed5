//! Words at their places, lists and named tables: what the document is made of.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use toml::Spanned;

use super::word::{Shape, Word};

/// A value of type `T` as it was written: variables are not replaced yet.
pub(in crate::topology) struct Written<T> {
    state: State,
    span: Range<usize>,
    word: PhantomData<fn() -> T>,
}

/// A value and its place.
#[derive(Debug, Default)]
pub(in crate::topology) struct At<T> {
    pub(in crate::topology) value: T,
    pub(in crate::topology) span: Range<usize>,
}

/// A list.
#[derive(Debug)]
pub(in crate::topology) struct Many<T>(pub(in crate::topology) Vec<T>);

/// A list, or one thing that stands for a list of one.
#[derive(Debug)]
pub(in crate::topology) struct OneOrMany<T>(pub(in crate::topology) Vec<T>);

/// A table whose keys are names, in the order of the file.
#[derive(Debug)]
pub(in crate::topology) struct Named<T>(pub(in crate::topology) Vec<(At<String>, T)>);

/// The state of the value.
#[derive(Debug, Clone, Default)]
enum State {
    #[default]
    Absent,
    /// Something else, which has been noted.
    Wrong,
    Text(String),
}

impl<T> Written<T> {
    /// The text as written, where there is one.
    pub(in crate::topology) fn text(&self) -> Option<&str> {
        match &self.state {
            State::Text(text) => Some(text),
            State::Absent | State::Wrong => None,
        }
    }

    /// Whether the file says nothing here.
    pub(in crate::topology) fn is_absent(&self) -> bool {
        matches!(self.state, State::Absent)
    }

    /// Where it is.
    pub(in crate::topology) fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

impl<T> Default for Written<T> {
    fn default() -> Self {
        Self {
            state: State::Absent,
            span: 0..0,
            word: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Written<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.fmt(out)
    }
}

impl<'de, T: Word> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Spanned::<Raw<T>>::deserialize(deserializer)?;
        Ok(Self {
            span: raw.span(),
            state: raw.into_inner().state,
            word: PhantomData,
        })
    }
}

struct Raw<T> {
    state: State,
    word: PhantomData<fn() -> T>,
}

impl<'de, T: Word> Deserialize<'de> for Raw<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let state = match T::SHAPE {
            Shape::Text => deserializer.deserialize_str(WordVisitor),
            Shape::Integer => deserializer.deserialize_u64(WordVisitor),
            Shape::Number => deserializer.deserialize_f64(WordVisitor),
            Shape::Flag => deserializer.deserialize_bool(WordVisitor),
            Shape::Scalar => deserializer.deserialize_string(WordVisitor),
        }?;
        Ok(Self {
            state,
            word: PhantomData,
        })
    }
}

struct WordVisitor;

impl Visitor<'_> for WordVisitor {
    type Value = State;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a word")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<State, E> {
        Ok(State::Text(text.to_owned()))
    }

    fn visit_none<E: de::Error>(self) -> Result<State, E> {
        Ok(State::Wrong)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self {
            span: spanned.span(),
            value: spanned.into_inner(),
        })
    }
}

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_seq(ListVisitor(PhantomData))
            .map(Self)
    }
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = ListVisitor(PhantomData);
        deserializer
            .deserialize_newtype_struct("OneOrMany", visitor)
            .map(Self)
    }
}

struct ListVisitor<T>(PhantomData<fn() -> T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        std::iter::from_fn(|| items.next_element().transpose()).collect()
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, one: D) -> Result<Vec<T>, D::Error> {
        T::deserialize(one).map(|one| vec![one])
    }
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}

struct NamedVisitor<T>(PhantomData<fn() -> T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for NamedVisitor<T> {
    type Value = Named<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Named<T>, A::Error> {
        let entries = std::iter::from_fn(|| entries.next_entry().transpose());
        entries.collect::<Result<_, _>>().map(Named)
    }
}

impl<T: Word> JsonSchema for Written<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::NOUN.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::schema()
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Many{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        json_schema!({ "type": "array", "items": item })
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [item, { "type": "array", "items": item }] })
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Named{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let entry = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "additionalProperties": entry })
    }
}
