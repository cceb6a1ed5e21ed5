//! The identity of a direction of a link. It is made of names alone, so it stays the same in every cell and every
//! run, whatever else is added to the lab.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::{InterfaceName, NodeName};

/// An interface of a node, plugged into a segment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Port {
    /// The node.
    pub node: NodeName,
    /// Its interface.
    pub interface: InterfaceName,
}

/// A direction of a link, as the node at its end sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the node.
    Egress,
    /// To the node.
    Ingress,
}

/// Identifies one direction of a link within its lab. In text, and so in messages: `alpine-1:eth0 egress`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LinkId {
    /// The interface at its end.
    pub port: Port,
    /// The direction.
    pub direction: Direction,
}

/// A text is no direction of a link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no direction of a link: write NODE:INTERFACE and egress or ingress")]
pub struct NoLinkId(String);

impl LinkId {
    /// Returns both directions of the link at a port.
    pub fn both(port: &Port) -> [Self; 2] {
        [Direction::Egress, Direction::Ingress].map(|direction| Self {
            port: port.clone(),
            direction,
        })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.node, self.interface)
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
        })
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.port, self.direction)
    }
}

impl FromStr for LinkId {
    type Err = NoLinkId;

    fn from_str(text: &str) -> Result<Self, NoLinkId> {
        let read = || {
            let (port, direction) = text.split_once(' ')?;
            let (node, interface) = port.split_once(':')?;
            Some(Self {
                port: Port {
                    node: node.parse().ok()?,
                    interface: interface.parse().ok()?,
                },
                direction: match direction {
                    "egress" => Direction::Egress,
                    "ingress" => Direction::Ingress,
                    _ => return None,
                },
            })
        };
        read().ok_or_else(|| NoLinkId(text.to_owned()))
    }
}

impl TryFrom<String> for LinkId {
    type Error = NoLinkId;

    fn try_from(text: String) -> Result<Self, NoLinkId> {
        text.parse()
    }
}

impl From<LinkId> for String {
    fn from(link: LinkId) -> Self {
        link.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direction_reads_back_and_nothing_else_is_one() {
        for text in ["alpine-1:eth0 egress", "a:wlan.5 ingress"] {
            assert_eq!(text.parse::<LinkId>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "a:eth0",
            "a egress",
            "a:eth0 up",
            "a:e:0 egress",
            "a:eth0  egress",
        ] {
            assert!(text.parse::<LinkId>().is_err(), "{text}");
        }
    }
}
