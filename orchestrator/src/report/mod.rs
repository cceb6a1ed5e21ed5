//! From what a run found to what people and tools read.
//!
//! - [`event`]: what happens during a run, as it happens.
//! - [`model`]: the run as data; `report.json` is its JSON.
//! - [`mod@format`]: the forms of a report, each a file of the run directory.
//! - [`mod@read`]: a `report.json` back to data.
//! - [`text`]: the run as calm text for a terminal.
//! - [`html`], [`junit`], [`markdown`]: the other forms.
//! - [`verdict`], [`problem`], [`view`], [`steps`], [`tasks`], [`stress`]: what all readable forms say.
//! - [`plain_text`]: text that is safe to show.

pub mod event;
pub mod format;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod model;
pub mod plain_text;
pub mod problem;
pub mod read;
pub mod steps;
pub mod stress;
pub mod tasks;
pub mod text;
pub mod verdict;
pub mod view;

pub use format::{Format, RenderError};

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
