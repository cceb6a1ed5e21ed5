//! The shape of our nodes on a GNS3 server: image, start command, variables.

/// The image of nodes that have none of their own; `orchestrator image` makes it.
pub const IMAGE: &str = concat!("orchestrator-node:", env!("CARGO_PKG_VERSION"));

/// Where the node binary is in that image.
pub const NODE: &str = "/.orchestrator/node";

/// Where a node's agent listens.
pub const SOCKET: &str = "/run/orchestrator/agent.sock";

/// The command of a node that waits for orders, where `$shell` and `$node` are the shell and the node binary
/// of its image: its agent, beside a shell on its console. The agent is the first process, for a shell would
/// not hear that the container shall stop, and GNS3 would wait five seconds for it.
macro_rules! waiting {
    ($shell:literal, $node:literal) => {
        concat!(
            $shell,
            " -c 'exec 3<&0; while :; do ",
            $shell,
            " <&3; done & exec ",
            $node,
            " agent --listen /run/orchestrator/agent.sock'"
        )
    };
}
pub(crate) use waiting;

/// The command of a node of our image that waits for orders.
pub const WAITING: &str = waiting!("/bin/sh", "/.orchestrator/node");

/// The same where the image is somebody's own and has no agent.
pub const SHELL: &str = "/bin/sh";

/// Why GNS3 would not give a node this variable as it is.
pub fn unfit(name: &str, value: &str) -> Option<&'static str> {
    if name.starts_with("GNS3_") {
        return Some("GNS3 keeps names that begin with GNS3_ for itself");
    }
    if value.contains('\n') {
        return Some("GNS3 has a variable a line, and this one has several");
    }
    if value.trim() != value {
        return Some("GNS3 cuts blanks at its ends");
    }
    let replaced = ["%vm-name%", "%vm-id%", "%project-id%", "%project-path%"];
    let holds = replaced.iter().any(|word| value.contains(word));
    holds.then_some("GNS3 replaces %…% in it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_has_its_agent_where_it_is_sought() {
        assert!(WAITING.contains(&format!("{NODE} agent --listen {SOCKET}'")));
    }
}
