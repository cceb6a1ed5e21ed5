//! A link's packet filters (`FILTERS` in gns3server/controller/link.py): integers only, and alike in both
//! directions. Each value is a list, for otherwise a server cannot open the project.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The filters of a link.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// Every n-th packet is dropped, both directions counted together; -1: all.
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
    /// The packets to drop, one expression a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bpf: Option<Vec<Value>>,
}

impl fmt::Display for Filters {
    /// As in GNS3's window: `delay 100 ms ± 10 ms, loss 5 %`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delay = self.delay.as_deref().and_then(|delay| match delay {
            [] => None,
            [delay] | [delay, 0, ..] => Some(format!("delay {delay} ms")),
            [delay, jitter, ..] => Some(format!("delay {delay} ms ± {jitter} ms")),
        });
        let words = [
            delay,
            self.packet_loss.map(|[share]| format!("loss {share} %")),
            self.frequency_drop
                .map(|[every]| format!("every {every}th packet lost")),
            self.corrupt.map(|[share]| format!("corruption {share} %")),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        out.write_str(&words.join(", "))
    }
}

/// The most of a frequency, a delay or its variation.
pub const MOST: u32 = 32_767;
