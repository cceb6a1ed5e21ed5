//! The channel to a keeper, over the Unix socket [`SOCKET`] beside those of the agents: JSON in
//! [`Frame::Message`].
//!
//! A client sends [`Call`]s. The keeper answers each with one [`Message::Reply`] that carries its number, in the
//! order of the calls. The first is [`Request::Hello`], which has the same form in every version. Any number
//! of clients may be connected at once; a change that one of them makes is whole before the next is looked at.

use serde::{Deserialize, Serialize};

use crate::frame::{Frame, MAX_FRAME};
use crate::link::{Change, ChangeError, HeldConditions};

/// The name of the socket in the folder of the agents' sockets.
pub const SOCKET: &str = "keeper";

/// Version of the channel. Both ends name theirs in the greeting and refuse another.
pub const VERSION: u32 = 1;

/// A request with its number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The number, chosen by the client and echoed by the reply.
    pub id: u32,
    /// The request.
    pub request: Request,
}

/// A request to a keeper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Opens the connection. Replied to with [`Reply::Ready`], or refused if versions differ.
    Hello {
        /// The client's [`VERSION`].
        version: u32,
    },
    /// Reads the conditions of all links. Replied to with [`Reply::Conditions`].
    Conditions,
    /// Changes conditions of links. Replied to with [`Reply::Changed`].
    Change(Change),
}

/// A message from a keeper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The answer to a request.
    Reply {
        /// The request's number.
        id: u32,
        /// The result.
        result: Result<Reply, Refusal>,
    },
}

/// The answers to requests that succeed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The keeper is there.
    Ready {
        /// Its [`VERSION`].
        version: u32,
    },
    /// The conditions of all links.
    Conditions(HeldConditions),
    /// The change was made.
    Changed {
        /// The revision that it led to.
        revision: u64,
    },
}

/// The reason why a request failed. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The ends speak different versions. The connection ends.
    #[error(
        "the lab's keeper speaks version {keeper} of its channel and this orchestrator version {client}: use the \
         orchestrator that raised the lab, or take the lab down and raise it again"
    )]
    Version {
        /// The keeper's.
        keeper: u32,
        /// The client's.
        client: u32,
    },
    /// Something came before the greeting. The connection ends.
    #[error("a connection to a keeper opens with a hello; greet it first")]
    NotGreeted,
    /// The request cannot be read.
    #[error("the lab's keeper cannot read the request: {reason}")]
    Invalid {
        /// The place and the mistake, in words.
        reason: String,
    },
    /// The change cannot be made.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The conditions that would result cannot be told any more.
    #[error("{0}; impair fewer links")]
    TooLong(#[from] TooLong),
}

/// A message is longer than a frame may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{length} bytes do not fit into a message of the keeper's channel, which has {MAX_FRAME}")]
pub struct TooLong {
    /// Its length in bytes.
    pub length: usize,
}

/// Returns the frame of a [`Call`] or a [`Message`].
///
/// # Errors
/// If it would be refused for its length.
pub fn frame(message: &impl Serialize) -> Result<Vec<u8>, TooLong> {
    // A value of names and numbers alone always becomes JSON.
    let json = serde_json::to_vec(message).unwrap_or_default();
    let length = json.len() + 1;
    if length > MAX_FRAME {
        return Err(TooLong { length });
    }
    let mut bytes = Vec::with_capacity(length + 4);
    Frame::Message(json).encode(&mut bytes);
    Ok(bytes)
}
