//! Resolves the document into the checked topology. Every mistake is noted, and none ends the work.
//!
//! - [`context`]: replaces variables, parses words, and notes mistakes.
//! - [`parts`]: resolves the file part by part; [`values`]: the values of its variables.
//! - [`structure`]: the lab without the conditions of its links, by [`networks`], [`nodes`], [`interfaces`] and
//!   [`links`]; [`conditions`]: the conditions of its links.
//! - [`addresses`]: checks the file's addresses and plans the others, MACs too.
//! - [`scenarios`], [`broadcast`], [`split`], [`steps`], [`faults`]: the scenarios; [`transfer`] and [`downloads`] are
//!   the parts that broadcast and split share.
//! - [`stress`]: clients at a file server; [`conversation`]: commands to one; [`server`] is the part that both
//!   share, and [`service`] the options of the built-in server.
//! - [`axes`]: a scenario's matrix; [`check`]: checks every cell of it, by [`outcomes`] that many cells share;
//!   [`blame`]: names the value at fault.

mod addresses;
mod axes;
mod blame;
mod broadcast;
mod check;
mod conditions;
mod context;
mod conversation;
mod downloads;
mod faults;
mod interfaces;
mod links;
mod networks;
mod nodes;
mod outcomes;
mod parts;
mod scenarios;
mod server;
mod service;
mod split;
mod steps;
mod stress;
mod structure;
mod transfer;
mod values;

pub(super) use axes::{Axis, MODEL};
pub(super) use check::check;
pub(super) use context::FileBase;
pub(super) use parts::{Reading, resolve};
pub(super) use structure::Structure;
