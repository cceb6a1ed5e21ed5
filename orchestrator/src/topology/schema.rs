//! The JSON Schema of a topology file, for editors.

use super::document::Document;

/// The JSON Schema (draft 2020-12) of what [`super::read`] takes. It describes the form; what names
/// refer to, and what addresses fit, only reading tells.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}
