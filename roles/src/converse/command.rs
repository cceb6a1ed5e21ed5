//! `node converse`: orders in, replies out.

use std::fs;
use std::io::{self, BufRead, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use protocol::conversation::{Connections, LONGEST_ORDER, Order};
use protocol::role::RoleEvent;

use super::dialogue::Dialogue;
use crate::lines;

/// Arguments of `node converse`.
#[derive(Debug, clap::Args)]
pub struct ConverseArguments {
    /// The server's address and port.
    #[arg(long)]
    pub server: SocketAddr,
    /// Whether all commands share a connection, or each has its own.
    #[arg(long, default_value_t)]
    pub connection: Connections,
    /// Where contents that come along go, named by their orders' numbers; made if it is not there.
    #[arg(long)]
    pub directory: PathBuf,
}

/// Runs `node converse`: carries out an order from each line of standard input and prints what came of
/// it. The code is 0 at the input's end, whatever they came to; 1 if a line is no order.
pub fn converse(arguments: &ConverseArguments) -> ExitCode {
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let reason = format!("cannot talk to {}: {error}", arguments.server);
            lines::fail(reason)
        }
    }
}

fn run(arguments: &ConverseArguments) -> io::Result<()> {
    fs::create_dir_all(&arguments.directory)?;
    let mut dialogue = Dialogue::new(
        arguments.server,
        arguments.connection,
        arguments.directory.clone(),
    );
    lines::print(&RoleEvent::Ready)?;
    let mut input = io::stdin().lock();
    while let Some(order) = next_order(&mut input)? {
        lines::print(&RoleEvent::Replied(dialogue.carry_out(&order)))?;
    }
    Ok(())
}

/// The next order; none at the input's end.
fn next_order(input: &mut impl BufRead) -> io::Result<Option<Order>> {
    let mut line = Vec::new();
    let longest = LONGEST_ORDER as u64;
    input.take(longest + 1).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.len() > LONGEST_ORDER {
        let message = format!("an order is longer than {LONGEST_ORDER} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let order = serde_json::from_slice(&line).map_err(io::Error::from)?;
    Ok(Some(order))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_lines_of_bounded_length() {
        let order = r#"{"number":1,"request":"list","within_ms":5}"#;
        let text = format!("{order}\n{order}");
        let mut input = text.as_bytes();
        for _ in 0..2 {
            assert_eq!(next_order(&mut input).unwrap().unwrap().number, 1);
        }
        assert!(next_order(&mut input).unwrap().is_none());
        assert!(next_order(&mut &b"list\n"[..]).is_err());
        let endless = vec![b' '; LONGEST_ORDER + 1];
        let error = next_order(&mut &endless[..]).unwrap_err();
        assert!(error.to_string().contains("longer than"), "{error}");
    }
}
