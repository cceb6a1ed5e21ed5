//! What a lab that stays up is found by: enough to look into it, run in it and take it down without
//! its file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::backend::LabHandle;
use crate::plan::Plan;

/// The record of a lab that is up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabRecord {
    /// Where its nodes are.
    #[serde(rename = "hold")]
    pub handle: LabHandle,
    /// What was raised.
    pub plan: Plan,
    /// The file that it was raised from.
    pub file: PathBuf,
    /// The file's text at that time.
    pub text: String,
    /// The variables set on the command line.
    pub overrides: BTreeMap<String, String>,
    /// When it was raised, RFC 3339 in UTC.
    pub raised: String,
}
