//! From the document to the checked topology. Every mistake is noted; none ends the work.
//!
//! - [`context`]: replaces variables, parses words, and notes what is wrong.
//! - [`lab`]: the order of it all.
//! - [`networks`], [`nodes`], [`interfaces`], [`links`]: what the lab is made of.
//! - [`addresses`]: the file's addresses checked, the others planned; MACs too.
//! - [`scenarios`], [`broadcast`], [`split`], [`steps`], [`faults`]: what is done there; [`transfer`] and
//!   [`downloads`] are what the first two have in common.
//! - [`stress`]: clients at a file server; [`conversation`]: commands to one; [`server`] is what the two
//!   have in common, and [`service`] how the built-in one serves.
//! - [`matrix`]: every value of a scenario's matrix tried.

mod addresses;
mod broadcast;
mod context;
mod conversation;
mod downloads;
mod faults;
mod interfaces;
mod lab;
mod links;
mod matrix;
mod networks;
mod nodes;
mod scenarios;
mod server;
mod service;
mod split;
mod steps;
mod stress;
mod transfer;

pub(super) use context::FileBase;
pub(super) use lab::resolve;
pub(super) use matrix::check as check_matrix;
