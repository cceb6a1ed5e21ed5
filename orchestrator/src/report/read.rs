//! A `report.json` back to data.

use serde::Deserialize;

use super::model::{RunReport, SCHEMA};

/// Why bytes are not a report.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or JSON of something else.
    #[error("this is no report.json of orchestrator: {0}")]
    Form(#[from] serde_json::Error),
    /// A report of another version.
    #[error("this report has schema {found}; this version of orchestrator reads schema {SCHEMA}")]
    Schema {
        /// The version that it says.
        found: u32,
    },
}

/// Reads a report. Fields that this version does not know are passed over.
///
/// # Errors
/// [`ReadError`] says what it is instead.
pub fn read(json: &[u8]) -> Result<RunReport, ReadError> {
    let Version { schema } = serde_json::from_slice(json)?;
    if schema != SCHEMA {
        return Err(ReadError::Schema { found: schema });
    }
    Ok(serde_json::from_slice(json)?)
}

/// The field that every version has.
#[derive(Deserialize)]
struct Version {
    schema: u32,
}
