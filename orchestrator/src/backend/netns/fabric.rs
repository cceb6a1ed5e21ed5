//! A netns lab that is up.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use protocol::name::NodeName;
use tokio::net::UnixStream;
use tokio::sync::Mutex;

use crate::backend::{BackendError, BackendErrorKind, BackendKind, ByteStream, Fabric, LabHandle};
use crate::plan::LabId;

use super::keeper::Keeper;

/// A lab that is up.
#[derive(Debug)]
pub(super) struct NetnsFabric {
    pub(super) lab: LabId,
    /// The path of each node's agent's socket.
    pub(super) sockets: BTreeMap<NodeName, PathBuf>,
    /// The keeper, where this process raised the lab.
    pub(super) keeper: Option<Mutex<Keeper>>,
    pub(super) warnings: Vec<String>,
}

#[async_trait]
impl Fabric for NetnsFabric {
    async fn open(&self, node: &NodeName) -> Result<Box<dyn ByteStream>, BackendError> {
        let failed = |reason: String| {
            let node = node.to_string();
            BackendErrorKind::Node { node, reason }.at(BackendKind::Netns, "reaching an agent")
        };
        let Some(path) = self.sockets.get(node) else {
            return Err(failed("the lab has no such node".to_owned()));
        };
        match connect(path).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(failed(format!(
                "its agent does not answer at {}: {error}",
                path.display()
            ))),
        }
    }

    /// Each node has set itself up before its keeper calls the lab raised.
    fn is_configured(&self) -> bool {
        true
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }

    async fn keep(&self) -> Result<LabHandle, BackendError> {
        if let Some(keeper) = &self.keeper {
            let kept = keeper.lock().await.keep().await;
            kept.map_err(|error| {
                BackendErrorKind::system(error).at(BackendKind::Netns, "keeping the lab")
            })?;
        }
        let text = |(node, path): (&NodeName, &PathBuf)| {
            (node.clone(), path.to_string_lossy().into_owned())
        };
        Ok(LabHandle {
            lab: self.lab.clone(),
            backend: BackendKind::Netns,
            nodes: self.sockets.iter().map(text).collect(),
        })
    }
}

/// Connects to a Unix socket, also where its path is longer than an address may be.
async fn connect(path: &Path) -> io::Result<UnixStream> {
    if path.as_os_str().as_bytes().len() <= LONGEST_ADDRESS {
        return UnixStream::connect(path).await;
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = File::open(folder)?;
    let short = format!("/proc/self/fd/{}", folder.as_raw_fd());
    UnixStream::connect(Path::new(&short).join(name)).await
}

/// Bytes of `sun_path`, without its final zero (unix(7)).
const LONGEST_ADDRESS: usize = 107;
