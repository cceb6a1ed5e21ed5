//! The role that gives the commands, one at a time.

use std::net::SocketAddr;

use protocol::control::Exit;
use protocol::conversation::{Order, ReplyRecord, Request};
use protocol::role::RoleEvent;

use crate::control::process::ProcessHandle;
use crate::scenario::context::{CellPlace, RunContext, ScenarioError};
use crate::scenario::role::{Role, RoleStep, ended};
use crate::topology::model::{Conversation, FileRequest};

/// A client that is ready.
#[derive(Debug)]
pub struct Client {
    role: Role,
    folder: String,
}

/// Why a client goes no further, in words.
#[derive(Debug)]
pub struct Broken(pub String);

impl Client {
    /// Starts a client of the server at this address.
    ///
    /// # Errors
    /// If the node cannot do its part.
    pub async fn start(
        cx: &RunContext<'_>,
        place: CellPlace<'_>,
        (conversation, address): (&Conversation, SocketAddr),
    ) -> Result<Self, ScenarioError> {
        let folder = place.folder("conversation");
        let words = ["converse", "--connection", conversation.connections.word()];
        let words = words.into_iter().map(str::to_owned);
        let more = ["--server".to_owned(), address.to_string()];
        let to = ["--directory".to_owned(), format!("{folder}/{CAME}")];
        let words = words.chain(more).chain(to).collect();
        let role = cx.role(&conversation.client, words).await?;
        Ok(Self { role, folder })
    }

    /// Returns a handle to control it.
    pub fn handle(&self) -> ProcessHandle {
        self.role.handle()
    }

    /// Where the file goes that a command uploads.
    pub fn upload_path(&self, number: u32) -> String {
        format!("{}/uploads/{number}", self.folder)
    }

    /// Where the content lies that came with a reply.
    pub fn came_path(&self, number: u32) -> String {
        format!("{}/{CAME}/{number}", self.folder)
    }

    /// Gives a command and waits for what came of it.
    ///
    /// # Errors
    /// If the node cannot do its part; the inner error if the client has ended.
    pub async fn ask(
        &mut self,
        number: u32,
        command: &crate::topology::model::Command,
    ) -> Result<Result<ReplyRecord, Broken>, ScenarioError> {
        let within_ms = u64::try_from(command.within.as_millis().max(1)).unwrap_or(u64::MAX);
        let order = Order {
            number,
            request: self.request(number, &command.said),
            within_ms,
        };
        let mut line = match serde_json::to_vec(&order) {
            Ok(line) => line,
            Err(error) => return Ok(Err(Broken(error.to_string()))),
        };
        line.push(b'\n');
        self.role.handle().write(line).await?;
        loop {
            match self.role.next().await? {
                RoleStep::Event(RoleEvent::Replied(record)) if record.number == number => {
                    return Ok(Ok(record));
                }
                RoleStep::Event(RoleEvent::Failed { reason }) => return Ok(Err(Broken(reason))),
                RoleStep::Event(_) => {}
                RoleStep::Ended(exit, complaints) => return Ok(Err(broken(exit, &complaints))),
            }
        }
    }

    /// Has it end.
    ///
    /// # Errors
    /// If its node is gone.
    pub async fn end(self) -> Result<(), ScenarioError> {
        Ok(self.role.end().await?)
    }

    fn request(&self, number: u32, said: &FileRequest) -> Request {
        match said {
            FileRequest::List => Request::List,
            FileRequest::Get(name) => Request::Get(name.clone()),
            FileRequest::Download(name) => Request::Download(name.clone()),
            FileRequest::Upload { name, .. } => Request::Upload {
                name: name.clone(),
                file: self.upload_path(number),
            },
            FileRequest::Delete(name) => Request::Delete(name.clone()),
            FileRequest::Raw { line, end } => Request::Raw(format!("{line}{}", end.text())),
        }
    }
}

fn broken(exit: Exit, complaints: &str) -> Broken {
    Broken(format!("the client {}", ended(exit, complaints)))
}

/// The folder of what came with replies, in the client's own.
const CAME: &str = "came";
