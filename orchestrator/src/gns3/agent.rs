//! Our agent in a container of GNS3's: where it is, and how GNS3 starts it.

/// Where the node binary is in an image of ours.
pub const NODE: &str = "/.orchestrator/node";

/// The agent's socket.
pub const SOCKET: &str = "/run/orchestrator/agent.sock";

/// What a node runs that waits for orders: its agent, beside a shell on its console.
pub const WAITING: &str =
    "/bin/sh -c '/.orchestrator/node agent --listen /run/orchestrator/agent.sock & exec /bin/sh'";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_has_its_agent_where_it_is_sought() {
        assert!(WAITING.contains(&format!("{NODE} agent --listen {SOCKET} ")));
    }
}
