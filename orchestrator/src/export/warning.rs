//! Things that another form cannot hold, each with its replacement. Nothing is dropped without one of these.

use std::fmt;

use protocol::name::{InterfaceName, NodeName};

/// Something that is not in the exported project as it is in the topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A link's impairment.
    Link {
        /// The link's ends, in words.
        link: String,
        /// The thing that cannot be held, and its replacement.
        text: String,
    },
    /// Something of a node.
    Node {
        /// The node.
        node: NodeName,
        /// The thing that cannot be held, and its replacement.
        text: String,
    },
    /// An interface that has another name there.
    Renamed {
        /// The node.
        node: NodeName,
        /// The interface.
        interface: InterfaceName,
        /// The adapter that it is.
        adapter: u32,
    },
    /// Something of a scenario.
    Scenario {
        /// The scenario.
        scenario: String,
        /// The thing that cannot be held, and its replacement.
        text: String,
    },
    /// Addresses and files, where the project is written without its folder.
    Bare,
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link { link, text } => write!(out, "{link}: {text}"),
            Self::Node { node, text } => write!(out, "{node}: {text}"),
            Self::Renamed {
                node,
                interface,
                adapter,
            } => write!(
                out,
                "{node}: interface {interface} is called eth{adapter} inside, for GNS3 names interfaces itself"
            ),
            Self::Scenario { scenario, text } => write!(out, "scenario {scenario}: {text}"),
            Self::Bare => out.write_str(
                "addresses and files are beside a project, not in it; they are written with --out, \
                 or use `export gns3project`",
            ),
        }
    }
}
