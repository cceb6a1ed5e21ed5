//! Words that name a place: an interface, a port, a file.

use std::path::{Path, PathBuf};

use protocol::control::Transport;
use protocol::name::NodeName;

use super::word::Word;
use crate::topology::model::LinkEnd;

/// A port of a node, `alpine-1:5005/udp`.
#[derive(Debug)]
pub(in crate::topology) struct NodePort {
    pub(in crate::topology) node: NodeName,
    pub(in crate::topology) port: u16,
    pub(in crate::topology) transport: Transport,
}

/// A file in a node, `alpine-1:/root/data.jpg`.
#[derive(Debug)]
pub(in crate::topology) struct NodeFile {
    pub(in crate::topology) node: NodeName,
    pub(in crate::topology) path: String,
}

/// A file on this machine, or in a node.
#[derive(Debug)]
pub(in crate::topology) enum AnyFile {
    Here(PathBuf),
    Node(NodeFile),
}

/// A file here and its place in a node, `inputs/send.py:/root/send.py`.
#[derive(Debug)]
pub(in crate::topology) struct Copied {
    pub(in crate::topology) from: PathBuf,
    pub(in crate::topology) to: String,
}

/// A folder or file here that a node sees, and its place there, `/opt/tool:/opt/tool:ro`.
#[derive(Debug)]
pub(in crate::topology) struct Bound {
    pub(in crate::topology) from: PathBuf,
    pub(in crate::topology) to: String,
}

impl Word for LinkEnd {
    const NOUN: &'static str = "an interface of a node";
    const PATTERN: &'static str = "[^:]+:[^:]+";

    fn parse(text: &str) -> Result<Self, String> {
        let (node, interface) = text
            .split_once(':')
            .ok_or_else(|| "write node:interface, such as alpine-1:eth1".to_owned())?;
        Ok(Self {
            node: NodeName::parse(node)?,
            interface: Word::parse(interface)?,
        })
    }
}

impl Word for NodePort {
    const NOUN: &'static str = "a port of a node";
    const PATTERN: &'static str = "[^:]+:[0-9]+/(tcp|udp)";

    fn parse(text: &str) -> Result<Self, String> {
        let remedy =
            || "write node:port/udp or node:port/tcp, such as alpine-1:5005/udp".to_owned();
        let (node, rest) = text.split_once(':').ok_or_else(remedy)?;
        let (port, transport) = rest.split_once('/').ok_or_else(remedy)?;
        Ok(Self {
            node: NodeName::parse(node)?,
            port: port.parse().ok().filter(|&p| p > 0).ok_or_else(remedy)?,
            transport: match transport {
                "tcp" => Transport::Tcp,
                "udp" => Transport::Udp,
                _ => return Err(remedy()),
            },
        })
    }
}

impl Word for NodeFile {
    const NOUN: &'static str = "a file in a node";
    const PATTERN: &'static str = "[^:]+:/.+";

    fn parse(text: &str) -> Result<Self, String> {
        let (node, path) = text
            .split_once(':')
            .filter(|(_, path)| is_file_path(path))
            .ok_or_else(|| {
                "write node:/absolute/path, such as alpine-1:/root/data.jpg".to_owned()
            })?;
        Ok(Self {
            node: NodeName::parse(node)?,
            path: path.to_owned(),
        })
    }
}

impl Word for AnyFile {
    const NOUN: &'static str = "a file";
    const PATTERN: &'static str = ".+";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("write inputs/data.jpg, or node:/absolute/path for one in a node".to_owned()),
            text if text.contains(":/") => NodeFile::parse(text).map(Self::Node),
            text => Ok(Self::Here(PathBuf::from(text))),
        }
    }
}

impl Word for Copied {
    const NOUN: &'static str = "a file for a node";
    const PATTERN: &'static str = ".+:/.+";

    fn parse(text: &str) -> Result<Self, String> {
        let colon = text.rfind(":/").filter(|&at| at > 0);
        let (from, to) = colon
            .map(|at| (&text[..at], &text[at + 1..]))
            .filter(|(_, to)| is_file_path(to))
            .ok_or_else(|| {
                "write file:/absolute/path/in/the/node, such as inputs/send.py:/root/send.py"
                    .to_owned()
            })?;
        Ok(Self {
            from: PathBuf::from(from),
            to: to.to_owned(),
        })
    }
}

impl Word for Bound {
    const NOUN: &'static str = "a bind";
    const PATTERN: &'static str = ".+:/.+(:ro)?";

    fn parse(text: &str) -> Result<Self, String> {
        let without_mode = text.strip_suffix(":ro").unwrap_or(text);
        if without_mode.ends_with(":rw") {
            return Err("write `:ro`: what a node writes never reaches this machine".to_owned());
        }
        let copied = Copied::parse(without_mode).map_err(|_| {
            "write here:/absolute/path/in/the/node:ro, such as /opt/tool:/opt/tool:ro".to_owned()
        })?;
        let kernels = ["/dev", "/proc", "/sys"].map(Path::new);
        if kernels
            .iter()
            .any(|kernel| Path::new(&copied.to).starts_with(kernel))
        {
            return Err("choose a place outside of /dev, /proc and /sys".to_owned());
        }
        Ok(Self {
            from: copied.from,
            to: copied.to,
        })
    }
}

/// Whether the path is absolute, names a file and does not climb.
fn is_file_path(path: &str) -> bool {
    path.starts_with('/') && !path.ends_with('/') && !path.split('/').any(|part| part == "..")
}
