//! What a link does to packets (`FILTERS` in gns3server/controller/link.py): integers only, and in both
//! directions alike. Each value is a list, else a server cannot open the project.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The filters of a link.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// Every so manieth packet is dropped, both directions counted together; -1: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_drop: Option<[i32; 1]>,
    /// The chance that a packet is lost, in per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet_loss: Option<[u8; 1]>,
    /// Delay, and how far it varies, in milliseconds; the second may be left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Vec<u32>>,
    /// The chance that a packet is corrupted, in per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrupt: Option<[u8; 1]>,
    /// What is dropped, an expression a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bpf: Option<Vec<Value>>,
}

/// The most of a frequency, a delay or its variation.
pub const MOST: u32 = 32_767;
