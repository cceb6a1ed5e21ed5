//! The command line: arguments in, text and exit codes out. No logic of labs.
//!
//! - [`args`]: verbs, flags, their environment variables and their help.
//! - [`entry`]: one process from its arguments to its exit code.
//! - [`printer`]: the only place that prints.
//! - [`outlet`]: the standard streams, which hold up no interruption.
//! - [`environment`]: what this process is told by its surroundings.
//! - [`interrupts`]: the signals by which this process is told to end.
//! - [`failure`]: what ends a verb early, and its exit code.
//! - [`progress`]: what is shown and logged while a lab is at work.
//! - [`input`]: topology files, read with their diagnostics.
//! - [`blocking`]: runs work that would delay the answer to an interruption.
//! - [`request`]: a checked file and the identity of its lab.
//! - [`job`]: one run, from its run directory to its reports.
//! - [`summary`]: what is said about a lab before its verdict.
//! - [`select`]: which backend a lab is raised on.
//! - [`site`]: where labs are recorded, and the GNS3 server that is meant.
//! - [`find`]: labs that are up, by what the user calls them.
//! - [`terminal`]: this process's terminal, lent to a program in a node.
//!
//! One file a verb, or a family of verbs: [`run`], [`down`], [`check`], [`look`], [`exec`], [`copy`],
//! [`capture`], `fault`, [`render`], [`export`], [`import`], [`image`], [`doctor`] (`doctor_gns3`: of a GNS3 server), [`clean`]; [`output`]: where the
//! last ones write.

pub mod args;
mod blocking;
pub mod capture;
pub mod check;
pub mod clean;
pub mod copy;
pub mod doctor;
mod doctor_gns3;
pub mod down;
pub mod entry;
pub mod environment;
pub mod exec;
pub mod export;
pub mod failure;
mod fault;
pub mod find;
pub mod image;
pub mod import;
pub mod input;
pub mod interrupts;
pub mod job;
pub mod look;
pub mod outlet;
pub mod output;
pub mod printer;
pub mod progress;
pub mod render;
pub mod request;
pub mod run;
pub mod select;
pub mod site;
pub mod summary;
pub mod terminal;
