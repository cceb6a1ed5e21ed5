//! Nodes with an image of somebody's own, which has no agent: it comes to them as a file of GNS3's,
//! in a folder that outlives the container.

use crate::gns3::container::{SOCKET, waiting};
use crate::gns3::device::Docker;

use super::error::ServerError;
use super::server::Server;

/// Has a node's container start the agent, and gives it the folder that the agent will lie in. What
/// GNS3 brings into every container has a shell, which the image may not have.
pub(super) fn prepare(container: &mut Docker) {
    container.extra_volumes = vec![FOLDER.to_owned()];
    container.start_command = Some(START.to_owned());
}

/// Puts the agent where [`prepare`] has it looked for, before the node's first start.
///
/// # Errors
/// The server's.
pub(super) async fn deliver(server: &Server, node: &str, binary: &[u8]) -> Result<(), ServerError> {
    let files = format!("{node}/files{FOLDER}");
    server.upload(&format!("{files}/node"), binary).await?;
    // What GNS3 does with its own files at each start: it is a list of their rights and owners, without
    // which the agent could not be executed.
    let rights = format!("755:0:0:{NODE}\n");
    server
        .upload(&format!("{files}/.gns3_perms"), rights.as_bytes())
        .await
}

/// Returns the command that reaches the agent in such a container. The file may be executed only once GNS3's
/// own first process has looked at the list, so this does not wait for it.
pub(super) fn connect(patience: &str) -> Vec<String> {
    let node = format!("/gns3volumes{NODE}");
    let line =
        format!("{BUSYBOX} chmod 755 {node} && exec {node} connect --wait {patience} {SOCKET}");
    [BUSYBOX, "sh", "-c", &line].map(str::to_owned).to_vec()
}

/// The folder that the agent lies in. Servers take no files whose path begins with a dot.
const FOLDER: &str = "/opt/orchestrator";

/// The agent.
pub(super) const NODE: &str = "/opt/orchestrator/node";

const BUSYBOX: &str = "/gns3/bin/busybox";
const START: &str = waiting!("/gns3/bin/busybox sh", "/opt/orchestrator/node");
