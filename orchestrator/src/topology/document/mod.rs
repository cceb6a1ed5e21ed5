//! The file as it was written: its whole vocabulary, with the place of every word.
//!
//! - [`shape`]: the tables of the file and their keys.
//! - [`stress`]: the tables of scenarios with a file server.
//! - [`scenario`]: the tables of a scenario and its faults.
//! - [`step`]: the tables of a step.
//! - [`transfer`]: the tables of scenarios that send files.
//! - [`conversation`]: the tables of a scripted conversation with a file server.
//! - [`written`]: a word at its place, lists and named tables.
//! - [`word`]: what a word may be, how it is parsed, and its JSON Schema.
//! - [`place`]: words that name a place: `node:eth0`, `node:/path`, `node:80/tcp`.
//! - `table`: tables that have keys in common.
//! - `access`, `lenient`: read TOML into these, noting every mistake of form instead of ending at the first.

mod access;
pub(super) mod conversation;
mod lenient;
pub(super) mod place;
pub(super) mod scenario;
pub(super) mod shape;
pub(super) mod step;
pub(super) mod stress;
mod table;
pub(super) mod transfer;
pub(super) mod word;
pub(super) mod written;

pub(super) use lenient::read;
pub(super) use shape::Document;
pub(super) use written::{At, Many, Named, OneOrMany, Written};
