//! A scripted conversation as a part of the file again.

use std::fmt;

use protocol::unit::Time;

use super::writer::{Writer, escaped};
use crate::topology::model::{Command, Conversation, FileRequest, Reply};

impl Writer<'_> {
    /// Writes the settings of a conversation, without its commands.
    pub(super) fn conversation(&mut self, conversation: &Conversation) -> fmt::Result {
        self.server(&conversation.server)?;
        self.text("client", conversation.client.as_str())?;
        self.text("connection", conversation.connections.word())?;
        let files: Vec<_> = conversation.files.iter().map(|f| self.path(f)).collect();
        self.list("files", &files)
    }

    /// A command.
    pub(super) fn command(&mut self, command: &Command) -> fmt::Result {
        self.line("\n[[scenario.command]]")?;
        match &command.said {
            FileRequest::List => self.line("list = true")?,
            FileRequest::Get(name) => self.text("get", &escaped(name))?,
            FileRequest::Download(name) => self.text("download", &escaped(name))?,
            FileRequest::Upload { file, name } => {
                self.text("upload", &self.path(file))?;
                self.text("as", &escaped(name))?;
            }
            FileRequest::Delete(name) => self.text("delete", &escaped(name))?,
            FileRequest::Raw { line, end } => {
                self.text("raw", &escaped(line))?;
                self.text("end", end.word())?;
            }
        }
        self.text("name", &escaped(&command.name))?;
        self.text("within", &Time(command.within).to_string())?;
        match &command.expect {
            Reply::Error { reason } => {
                self.text("expect.status", "error")?;
                if let Some(reason) = reason {
                    self.text("expect.reason", &escaped(reason))?;
                }
            }
            Reply::Ok { names, equal } => {
                self.text("expect.status", "ok")?;
                if let Some(names) = names {
                    let names: Vec<_> = names.iter().map(|name| escaped(name)).collect();
                    self.list("expect.names", &names)?;
                }
                if let Some(equal) = equal {
                    self.text("expect.equal", &self.path(equal))?;
                }
            }
        }
        Ok(())
    }
}
