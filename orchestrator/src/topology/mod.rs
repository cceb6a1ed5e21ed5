//! The domain: what a topology file says, checked. No I/O, no async.
//!
//! ```text
//! text ─document→ Document ─resolve→ Cells         (read: all of it, with every mistake)
//! ```
//!
//! - [`model`]: the checked topology.
//! - [`read()`]: reads a file's text into the checked topology; [`cells`]: the cells of its scenarios.
//! - [`matrix`]: the combinations of a matrix's values.
//! - [`diagnostic`]: mistakes in a file, and their rendering.
//! - `variables`: `${name}` in strings; [`fill`] replaces what steps saved, at run time.
//! - `document`: the file as written; `resolve`: from there to the model; `suggestion`: "did you mean".
//! - [`resolved_toml`]: a topology as a file again, with everything planned in it.
//! - [`path`]: what the impairments between two nodes add up to.
//! - [`graph`]: a topology as a picture.
//! - [`schema()`]: the file's JSON Schema.

pub mod cells;
pub mod diagnostic;
mod document;
pub mod graph;
pub mod matrix;
pub mod model;
pub mod path;
mod read;
mod resolve;
mod resolved;
mod schema;
mod suggestion;
#[cfg(test)]
mod tests;
mod variables;

pub use cells::{Cell, Cells};
pub use diagnostic::{Diagnostic, Diagnostics};
use document::word::signal_name;
pub use model::Topology;
pub use read::{Found, read, read_cells};
pub use resolved::resolved_toml;
pub use schema::schema;
pub use variables::{VariableError, fill};
