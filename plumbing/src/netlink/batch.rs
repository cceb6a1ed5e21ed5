//! Requests that go to the kernel together.

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::RouteNetlinkMessage;

/// Requests that go to the kernel together, in order, each with words for its error.
///
/// The verbs are in [`super::link`], [`super::address`] and [`super::route`];
/// [`super::RouteSocket::carry_out`] sends it.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) requests: Vec<Request>,
}

/// One request of a batch.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) action: String,
    pub(super) flags: u16,
    pub(super) message: RouteNetlinkMessage,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of requests it holds.
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether it holds no request at all.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Adds a request for something that must not exist yet.
    pub(super) fn create(&mut self, action: String, message: RouteNetlinkMessage) {
        self.push(action, NLM_F_CREATE | NLM_F_EXCL, message);
    }

    /// Adds a request for something that may exist already.
    pub(super) fn replace(&mut self, action: String, message: RouteNetlinkMessage) {
        self.push(action, NLM_F_CREATE | NLM_F_REPLACE, message);
    }

    /// Adds a request that changes or removes what exists.
    pub(super) fn change(&mut self, action: String, message: RouteNetlinkMessage) {
        self.push(action, 0, message);
    }

    fn push(&mut self, action: String, flags: u16, message: RouteNetlinkMessage) {
        self.requests.push(Request {
            action,
            flags,
            message,
        });
    }
}
