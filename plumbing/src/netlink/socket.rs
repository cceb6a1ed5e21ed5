//! A blocking route socket.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_ACK_TLVS, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NlasIterator,
};
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::{LinkAttribute, LinkExtentMask, LinkMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::batch::Request;
use super::{Address, Batch, Link, NetlinkError};

/// A blocking route socket. It acts on the network namespace that it was opened in, wherever its
/// thread goes afterwards.
#[derive(Debug)]
pub struct RouteSocket {
    socket: Socket,
    sequence: u32,
}

impl RouteSocket {
    /// Opens a socket in the thread's network namespace.
    ///
    /// # Errors
    /// The system's.
    pub fn open() -> Result<Self, NetlinkError> {
        let failed = |source| NetlinkError::Socket {
            action: "opening a netlink route socket",
            source,
        };
        let mut socket = Socket::new(NETLINK_ROUTE).map_err(failed)?;
        socket.bind_auto().map_err(failed)?;
        socket.connect(&SocketAddr::new(0, 0)).map_err(failed)?;
        // Errors come with the kernel's own words, and without a copy of the request.
        socket.set_ext_ack(true).map_err(failed)?;
        socket.set_cap_ack(true).map_err(failed)?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    /// Sends the requests in few system calls and waits until all are carried out. The kernel goes
    /// on past a request that it refuses.
    ///
    /// # Errors
    /// [`NetlinkError::Refused`] names the first request that the kernel refused.
    pub fn carry_out(&mut self, batch: Batch) -> Result<(), NetlinkError> {
        let mut first_error = None;
        let mut requests = batch.requests.into_iter();
        loop {
            let chunk: Vec<Request> = requests.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return first_error.map_or(Ok(()), Err);
            }
            let refused = self.carry_out_chunk(chunk)?;
            first_error = first_error.or(refused);
        }
    }

    /// All links.
    ///
    /// # Errors
    /// The system's.
    pub fn links(&mut self) -> Result<Vec<Link>, NetlinkError> {
        let mut message = LinkMessage::default();
        // Its counters are most of a link's description, and the slowest to gather.
        let without_counters = vec![LinkExtentMask::SkipStats];
        message.attributes = vec![LinkAttribute::ExtMask(without_counters)];
        let answers = self.dump("listing links", RouteNetlinkMessage::GetLink(message))?;
        Ok(answers
            .into_iter()
            .filter_map(|answer| match answer {
                RouteNetlinkMessage::NewLink(link) => Some(Link::from_message(link)),
                _ => None,
            })
            .collect())
    }

    /// All IPv4 and IPv6 addresses.
    ///
    /// # Errors
    /// The system's.
    pub fn addresses(&mut self) -> Result<Vec<Address>, NetlinkError> {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Unspec;
        let answers = self.dump(
            "listing addresses",
            RouteNetlinkMessage::GetAddress(message),
        )?;
        Ok(answers
            .into_iter()
            .filter_map(|answer| match answer {
                RouteNetlinkMessage::NewAddress(message) => Address::from_message(&message),
                _ => None,
            })
            .collect())
    }

    /// Only the last request asks for an acknowledgement: the kernel works through a datagram in
    /// order and answers every error in any case, so one acknowledgement ends them all.
    fn carry_out_chunk(
        &mut self,
        chunk: Vec<Request>,
    ) -> Result<Option<NetlinkError>, NetlinkError> {
        let first = self.sequence.wrapping_add(1);
        let last = chunk.len() - 1;
        let mut actions = Vec::with_capacity(chunk.len());
        let mut bytes = Vec::new();
        for (number, request) in chunk.into_iter().enumerate() {
            let acknowledge = if number == last { NLM_F_ACK } else { 0 };
            self.append(&mut bytes, request.flags | acknowledge, request.message);
            actions.push(request.action);
        }
        self.send(&bytes)?;
        let mut first_error = None;
        loop {
            for answer in self.receive()? {
                let number = answer.header.sequence_number.wrapping_sub(first) as usize;
                let NetlinkPayload::Error(error) = &answer.payload else {
                    continue;
                };
                if let (Some(code), Some(action)) = (error.code, actions.get_mut(number)) {
                    let refused = NetlinkError::Refused {
                        action: std::mem::take(action),
                        source: io::Error::from_raw_os_error(-code.get()),
                        explanation: explanation(answer.header.flags, &error.header),
                    };
                    first_error = first_error.or(Some(refused));
                }
                if number == last {
                    return Ok(first_error);
                }
            }
        }
    }

    fn dump(
        &mut self,
        action: &'static str,
        request: RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, NetlinkError> {
        let mut bytes = Vec::new();
        self.append(&mut bytes, NLM_F_DUMP, request);
        self.send(&bytes)?;
        let mut answers = Vec::new();
        loop {
            for answer in self.receive()? {
                if answer.header.sequence_number != self.sequence {
                    continue;
                }
                match answer.payload {
                    NetlinkPayload::InnerMessage(message) => answers.push(message),
                    NetlinkPayload::Done(_) => return Ok(answers),
                    NetlinkPayload::Error(error) => {
                        return Err(NetlinkError::Refused {
                            action: action.to_owned(),
                            source: error.to_io(),
                            explanation: explanation(answer.header.flags, &error.header),
                        });
                    }
                    _ => {}
                }
            }
        }
    }

    fn append(&mut self, bytes: &mut Vec<u8>, flags: u16, message: RouteNetlinkMessage) {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
        message.finalize();
        let start = bytes.len();
        bytes.resize(start + message.buffer_len().next_multiple_of(ALIGNMENT), 0);
        message.serialize(&mut bytes[start..]);
    }

    fn send(&self, bytes: &[u8]) -> Result<(), NetlinkError> {
        let sent = self.socket.send(bytes, 0);
        sent.map(drop).map_err(|source| NetlinkError::Socket {
            action: "sending to the kernel over netlink",
            source,
        })
    }

    fn receive(&self) -> Result<Vec<NetlinkMessage<RouteNetlinkMessage>>, NetlinkError> {
        let (bytes, _) = self
            .socket
            .recv_from_full()
            .map_err(|source| NetlinkError::Socket {
                action: "receiving from the kernel over netlink",
                source,
            })?;
        let mut messages = Vec::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let message = NetlinkMessage::deserialize(rest)?;
            let length = (message.header.length as usize).next_multiple_of(ALIGNMENT);
            messages.push(message);
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(messages)
    }
}

/// The kernel's own words, which follow the header of the refused request (`NLMSGERR_ATTR_MSG`,
/// linux/netlink.h).
fn explanation(flags: u16, header_and_attributes: &[u8]) -> Option<String> {
    if flags & NLM_F_ACK_TLVS == 0 {
        return None;
    }
    let attributes = header_and_attributes.get(HEADER_LENGTH..)?;
    NlasIterator::new(attributes)
        .filter_map(Result::ok)
        .find(|attribute| attribute.kind() == MESSAGE_ATTRIBUTE)
        .and_then(|attribute| {
            let text = attribute.value().split(|&b| b == 0).next()?;
            Some(String::from_utf8_lossy(text).into_owned())
        })
}

/// Requests sent in one system call. Even if the kernel refused all of them, its answers would fit
/// the default receive buffer.
const CHUNK: usize = 128;

/// Messages begin at multiples of this many bytes (`NLMSG_ALIGNTO`, linux/netlink.h).
const ALIGNMENT: usize = 4;

/// `NLMSG_HDRLEN`, linux/netlink.h.
const HEADER_LENGTH: usize = 16;

/// `NLMSGERR_ATTR_MSG`, linux/netlink.h.
const MESSAGE_ATTRIBUTE: u16 = 1;
