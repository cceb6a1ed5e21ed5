//! Why a netlink conversation failed.

use std::io;

/// Why a netlink conversation failed.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The kernel refused a request.
    #[error("{action}: {source}{}", hint(.explanation.as_deref()))]
    Refused {
        /// The action that failed, in words: `adding address 10.0.0.1/24`.
        action: String,
        /// The kernel's error number.
        source: io::Error,
        /// The kernel's own words, where it has any (`NLMSGERR_ATTR_MSG`).
        explanation: Option<String>,
    },
    /// The socket itself failed.
    #[error("{action}: {source}")]
    Socket {
        /// The action that failed.
        action: &'static str,
        /// The error of the system.
        source: io::Error,
    },
    /// The kernel's answer makes no sense to us.
    #[error("an answer of the kernel over netlink cannot be understood: {0}")]
    Answer(#[from] netlink_packet_core::DecodeError),
}

impl NetlinkError {
    /// The system's error number, where there is one.
    pub fn raw_os_error(&self) -> Option<i32> {
        match self {
            Self::Refused { source, .. } | Self::Socket { source, .. } => source.raw_os_error(),
            Self::Answer(_) => None,
        }
    }
}

fn hint(explanation: Option<&str>) -> String {
    explanation.map_or_else(String::new, |text| format!(" ({text})"))
}
