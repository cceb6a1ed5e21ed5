//! From the document to the checked topology. Every mistake is noted; none ends the work.
//!
//! - [`context`]: replaces variables, parses words, and notes what is wrong.
//! - [`parts`]: the order of it all, part by part of the file; [`values`]: its variables' values.
//! - [`structure`]: what the lab is made of, by [`networks`], [`nodes`], [`interfaces`], [`links`];
//!   [`conditions`]: how bad its links are.
//! - [`addresses`]: the file's addresses checked, the others planned; MACs too.
//! - [`scenarios`], [`broadcast`], [`split`], [`steps`], [`faults`]: what is done there; [`transfer`] and
//!   [`downloads`] are what the first two have in common.
//! - [`stress`]: clients at a file server; [`conversation`]: commands to one; [`server`] is what the two
//!   have in common, and [`service`] how the built-in one serves.
//! - [`axes`]: a scenario's matrix; [`check`]: every cell of it, by [`outcomes`] found once for many cells;
//!   [`blame`]: which value is at fault.

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
