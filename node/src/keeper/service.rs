//! The answers to requests: the keeper's own part, without sockets.

use protocol::keeper::channel::{Call, Message, Refusal, Reply, Request, VERSION, frame};
use protocol::link::{Change, LinkTable};
use serde::Deserialize;

/// Everything about a lab that clients read and change.
#[derive(Debug)]
pub(super) struct Service {
    links: LinkTable,
}

/// An answer, as bytes.
#[derive(Debug)]
pub(super) struct Answer {
    /// The frame to send.
    pub(super) frame: Vec<u8>,
    /// Set if the client counts as greeted from now on. One that does not is to go.
    pub(super) greeted: bool,
}

/// The number of a request that cannot be read otherwise.
#[derive(Debug, Deserialize)]
struct Numbered {
    id: u32,
}

impl Service {
    /// Returns the service of a lab with these links.
    pub(super) fn new(links: LinkTable) -> Self {
        Self { links }
    }

    /// Answers a message of a client that has said hello, or is yet to. `None` if it is no request.
    pub(super) fn answer(&mut self, json: &[u8], greeted: bool) -> Option<Answer> {
        let (id, result) = match serde_json::from_slice::<Call>(json) {
            Ok(Call { id, request }) => (id, self.carry_out(request, greeted)),
            Err(error) => {
                let Numbered { id } = serde_json::from_slice(json).ok()?;
                let reason = error.to_string();
                (id, Err(Refusal::Invalid { reason }))
            }
        };
        let greeted = match result {
            Ok(Reply::Ready { .. }) => true,
            Err(Refusal::Version { .. }) => false,
            _ => greeted,
        };
        let told = frame(&Message::Reply { id, result });
        let told = told.or_else(|too_long| {
            let result = Err(too_long.into());
            frame(&Message::Reply { id, result })
        });
        Some(Answer {
            frame: told.ok()?,
            greeted,
        })
    }

    fn carry_out(&mut self, request: Request, greeted: bool) -> Result<Reply, Refusal> {
        match request {
            Request::Hello { version: VERSION } => Ok(Reply::Ready { version: VERSION }),
            Request::Hello { version } => Err(Refusal::Version {
                keeper: VERSION,
                client: version,
            }),
            _ if !greeted => Err(Refusal::NotGreeted),
            Request::Conditions => Ok(Reply::Conditions(self.links.held().clone())),
            Request::Change(change) => self.change(change),
        }
    }

    /// Makes a change, unless what it leads to could not be told in one message.
    fn change(&mut self, change: Change) -> Result<Reply, Refusal> {
        let mut changed = self.links.clone();
        let revision = changed.change(change)?;
        frame(&Message::Reply {
            id: u32::MAX,
            result: Ok(Reply::Conditions(changed.held().clone())),
        })?;
        self.links = changed;
        Ok(Reply::Changed { revision })
    }
}
