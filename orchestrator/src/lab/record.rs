//! The record by which a lab that stays up is found. It is enough to look into the lab, to run in it and to take
//! it down without its file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::backend::LabHandle;
use crate::plan::Plan;

/// The record of a lab that is up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabRecord {
    /// The handle of its nodes.
    #[serde(rename = "hold")]
    pub handle: LabHandle,
    /// The plan that was raised.
    pub plan: Plan,
    /// The file that it was raised from.
    pub file: PathBuf,
    /// The file's text at that time.
    pub text: String,
    /// The variables set on the command line.
    pub overrides: BTreeMap<String, String>,
    /// The time when it was raised, RFC 3339 in UTC.
    pub raised: String,
}
