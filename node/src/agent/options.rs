//! The agent's options: how it is reached, and the environment of its processes.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use plumbing::enclosure::Enclosure;
use plumbing::own_limits::OwnLimits;
use protocol::settings::Sandbox;

use super::limits::NodeGroup;

/// The options of an agent that is a node's first process.
#[derive(Debug, Default)]
pub struct AgentOptions {
    /// Where connections are accepted, any number at once.
    pub listener: Option<UnixListener>,
    /// Serves standard input and output as one more connection. Without a listener the agent ends
    /// with it.
    pub stdio: bool,
    /// The room that its programs run in.
    pub room: Room,
    /// The effect of SIGTERM and SIGINT.
    pub on_terminate: OnTerminate,
}

/// The room that a node's programs run in.
#[derive(Debug, Default)]
pub struct Room {
    /// The environment of each.
    pub environment: Environment,
    /// The control group that each joins before it runs.
    pub group: Option<NodeGroup>,
    /// The limits that each takes upon itself.
    pub limits: OwnLimits,
    /// Their user namespace, if they have one of their own. New files and folders of the node belong to its root.
    pub enclosure: Option<Enclosure>,
    /// Their confinement, if it is known already.
    pub sandbox: Option<Sandbox>,
    /// They have the right over the network (`NET_ADMIN`). It reaches to all networks of the user namespace that
    /// owns this one, by their numbers (`IFLA_TARGET_NETNSID`, `linux/if_link.h`): in a container to the machine's.
    pub owns_network: bool,
}

/// The environment that a node's processes start from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Environment {
    /// The agent's own (in a container: the image's).
    #[default]
    Inherited,
    /// These variables and no others.
    Only(BTreeMap<String, String>),
}

/// The reaction of an agent to SIGTERM and SIGINT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnTerminate {
    /// Nothing: only the end of its namespace ends it.
    #[default]
    Ignore,
    /// Ends every process of the node and then itself, as a container engine expects.
    End,
}

/// Arguments of `node agent`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Accepts connections on a Unix socket made at this path.
    #[arg(long, value_name = "PATH")]
    listen: Option<PathBuf>,
    /// Serves standard input and output as one more connection.
    #[arg(long, required_unless_present = "listen")]
    stdio: bool,
}

impl Arguments {
    /// Makes the socket and the folder that it lies in.
    ///
    /// # Errors
    /// [`ListenError`] if it cannot be made there.
    pub fn options(self) -> Result<AgentOptions, ListenError> {
        Ok(AgentOptions {
            listener: self.listen.map(listen).transpose()?,
            stdio: self.stdio,
            on_terminate: OnTerminate::End,
            ..AgentOptions::default()
        })
    }
}

/// The agent's socket could not be made.
#[derive(Debug, thiserror::Error)]
#[error("no socket at {path}: {source}", path = path.display())]
pub struct ListenError {
    path: PathBuf,
    source: io::Error,
}

/// The socket has its name only once it accepts connections, so whoever sees it can connect. One
/// left over from an earlier start of the same container is replaced.
fn listen(path: PathBuf) -> Result<UnixListener, ListenError> {
    let bind = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let unready = path.with_added_extension("unready");
        match std::fs::remove_file(&unready) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&unready)?;
        std::fs::rename(&unready, &path)?;
        Ok(listener)
    };
    bind().map_err(|source| ListenError { path, source })
}
