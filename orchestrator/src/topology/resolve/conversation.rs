//! A scripted conversation with a file server: what earlier commands store, later ones may fetch.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use protocol::name::FileName;
use protocol::unit::Time;

use super::context::Context;
use super::scenarios::Stage;
use super::server;
use crate::topology::document::conversation::{
    CommandEntry, CommandKeys, FileServerEntry, ReplyEntry,
};
use crate::topology::document::word::{Filled, Flag, Text, Word};
use crate::topology::document::{At, Written};
use crate::topology::model::{Answer, Command, Conversation, FileRequest, Reply, Work};

/// Reads a conversation.
pub(super) fn read(
    stage: &Stage<'_>,
    entry: &FileServerEntry,
    span: &Range<usize>,
) -> Option<Work> {
    let cx = stage.cx;
    let server = server::read(stage, &entry.server, span, PORT);
    if entry.client.is_absent() {
        cx.missing(span, "client");
    }
    let client = stage.names.node(cx, &entry.client);
    let client = server::beside(stage, server.as_ref(), client, &entry.client.span());
    let mut reader = Reader {
        cx,
        held: BTreeMap::new(),
    };
    let files = reader.files(entry);
    let commands = reader.commands(entry, span);
    Some(Work::Conversation(Box::new(Conversation {
        server: server?,
        client: client?,
        connections: cx.get(&entry.connection).unwrap_or_default(),
        files,
        commands,
    })))
}

/// The state after the commands so far.
struct Reader<'a> {
    cx: &'a Context<'a>,
    /// The server's file under each name, as far as the script tells.
    held: BTreeMap<String, PathBuf>,
}

impl Reader<'_> {
    fn files(&mut self, entry: &FileServerEntry) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for written in &entry.files.0 {
            let Some(Filled(path)) = self.cx.get(written) else {
                continue;
            };
            let file = self.cx.input(Path::new(&path), &written.span());
            let Some(name) = base_name(self.cx, &file, &written.span()) else {
                continue;
            };
            if self.held.insert(name.clone(), file.clone()).is_some() {
                let message = format!("there are two files called {name}");
                let remedy = "they lie in one folder: write one of them, or rename it";
                self.cx.mistake(&written.span(), message, remedy);
            }
            files.push(file);
        }
        files
    }

    fn commands(&mut self, entry: &FileServerEntry, span: &Range<usize>) -> Vec<Command> {
        let entries = &entry.command.0;
        if entries.is_empty() {
            let remedy = "add [[scenario.command]] with list, get, upload, delete, …";
            self.cx
                .mistake(span, "a conversation without commands", remedy);
        }
        if entries.len() > MOST_COMMANDS {
            let message = format!("the conversation has {} commands", entries.len());
            let remedy = format!("write at most {MOST_COMMANDS}");
            self.cx.mistake(span, message, remedy);
            return Vec::new();
        }
        entries
            .iter()
            .filter_map(|entry| self.command(entry))
            .collect()
    }

    fn command(&mut self, entry: &At<CommandEntry>) -> Option<Command> {
        let (keys, said) = match &entry.value {
            CommandEntry::List(list) => (list.common(), self.list(&list.list)),
            CommandEntry::Get(get) => {
                let name = self.line(&get.get);
                (get.common(), name.map(FileRequest::Get))
            }
            CommandEntry::Download(download) => {
                let name = self.line(&download.download);
                (download.common(), name.map(FileRequest::Download))
            }
            CommandEntry::Upload(upload) => {
                let said = self.upload(&upload.upload, &upload.called);
                (upload.common(), said)
            }
            CommandEntry::Delete(delete) => {
                let name = self.line(&delete.delete);
                (delete.common(), name.map(FileRequest::Delete))
            }
            CommandEntry::Raw(raw) => {
                let line = self.line(&raw.raw);
                let end = self.cx.get(&raw.end).unwrap_or_default();
                (
                    raw.common(),
                    line.map(|line| FileRequest::Raw { line, end }),
                )
            }
            CommandEntry::Wrong => return None,
        };
        self.finished(keys, said)
    }

    fn finished(&mut self, keys: CommandKeys<'_>, said: Option<FileRequest>) -> Option<Command> {
        let cx = self.cx;
        let within = cx.get(keys.within).map_or(WITHIN, |Time(time)| time);
        if within.is_zero() {
            let remedy = "write a longer one, or leave it out for 10s";
            cx.mistake(
                &keys.within.span(),
                "nothing can be done in no time",
                remedy,
            );
        }
        let name = cx.get(keys.name).map(|Filled(name)| name);
        let said = said?;
        let expect = self.expectation(keys.expect, &said);
        self.note(&said, &expect);
        Some(Command {
            name: name.unwrap_or_else(|| in_words(&said)),
            said,
            expect,
            within,
        })
    }

    fn list(&self, list: &Written<Flag>) -> Option<FileRequest> {
        let Flag(list_is_asked_for) = self.cx.get(list)?;
        if !list_is_asked_for {
            let remedy = "write list = true, or another command";
            self.cx
                .mistake(&list.span(), "a list that is not asked for", remedy);
        }
        Some(FileRequest::List)
    }

    fn upload(&self, upload: &Written<Filled>, called: &Written<Text>) -> Option<FileRequest> {
        let Filled(path) = self.cx.get(upload)?;
        let file = self.cx.input(Path::new(&path), &upload.span());
        let name = if called.is_absent() {
            base_name(self.cx, &file, &upload.span())
        } else {
            self.line(called)
        };
        Some(FileRequest::Upload { file, name: name? })
    }

    /// A text that goes to the server within a line.
    fn line(&self, written: &Written<Text>) -> Option<String> {
        let Text(text) = self.cx.get(written)?;
        if text.contains(['\n', '\r', '\0']) || text.len() > LONGEST {
            let message = "a command cannot say this: it is one line, and no long one";
            let remedy = format!("write at most {LONGEST} bytes, without line breaks");
            self.cx.mistake(&written.span(), message, remedy);
        }
        Some(text)
    }

    fn expectation(&self, keys: &ReplyEntry, said: &FileRequest) -> Reply {
        let cx = self.cx;
        let reason = cx.get(&keys.reason).map(|Filled(reason)| reason);
        let status = cx.get(&keys.status);
        let may_fetch = matches!(
            said,
            FileRequest::Get(_) | FileRequest::Download(_) | FileRequest::Raw { .. }
        );
        let may_list = matches!(said, FileRequest::List | FileRequest::Raw { .. });
        let is_error = status == Some(Answer::Error) || (status.is_none() && reason.is_some());
        let named = !keys.names.span.is_empty();
        for (wrong, span, message, remedy) in [
            (
                reason.is_some() && !is_error,
                keys.reason.span(),
                "a reason where nothing is refused",
                "write status = \"error\", or leave the reason out",
            ),
            (
                named && (is_error || !may_list),
                keys.names.span.clone(),
                "names where no list comes",
                "expect names of a list that is to be ok, or leave them out",
            ),
            (
                !keys.equal.is_absent() && (is_error || !may_fetch),
                keys.equal.span(),
                "a file where none comes along",
                "expect one of a get or download that is to be ok; an upload is compared anyway",
            ),
        ] {
            if wrong {
                cx.mistake(&span, message, remedy);
            }
        }
        if is_error {
            return Reply::Error { reason };
        }
        let equal = cx
            .get(&keys.equal)
            .map(|Filled(path)| cx.input(Path::new(&path), &keys.equal.span()));
        let names = keys.names.value.0.iter();
        let names = names.filter_map(|name| cx.get(name).map(|Text(name)| name));
        Reply::Ok {
            names: named.then(|| names.collect()),
            equal: equal.or_else(|| self.fetched(said)),
        }
    }

    /// Returns the server's file under a name that is fetched.
    fn fetched(&self, said: &FileRequest) -> Option<PathBuf> {
        match said {
            FileRequest::Get(name) | FileRequest::Download(name) => self.held.get(name).cloned(),
            _ => None,
        }
    }

    /// Keeps in mind what the command changes at the server.
    fn note(&mut self, said: &FileRequest, expect: &Reply) {
        if let Reply::Error { .. } = expect {
            return;
        }
        match said {
            FileRequest::Upload { file, name } => {
                self.held.insert(name.clone(), file.clone());
            }
            FileRequest::Delete(name) => {
                self.held.remove(name);
            }
            // It may be any of these.
            FileRequest::Raw { .. } => self.held.clear(),
            FileRequest::List | FileRequest::Get(_) | FileRequest::Download(_) => {}
        }
    }
}

fn base_name(cx: &Context<'_>, path: &Path, span: &Range<usize>) -> Option<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.map(FileName::parse);
    match name {
        Some(Ok(name)) => Some(name.to_string()),
        Some(Err(remedy)) => {
            let message = format!("{} has a name that cannot be sent", path.display());
            cx.mistake(span, message, remedy);
            None
        }
        None => {
            let message = format!("{} is no file", path.display());
            cx.mistake(span, message, "write a file's path");
            None
        }
    }
}

fn in_words(said: &FileRequest) -> String {
    match said {
        FileRequest::List => "LIST".to_owned(),
        FileRequest::Get(name) => format!("GET {name}"),
        FileRequest::Download(name) => format!("DOWNLOAD {name}"),
        FileRequest::Upload { name, .. } => format!("UPLOAD {name}"),
        FileRequest::Delete(name) => format!("DELETE {name}"),
        FileRequest::Raw { line, .. } => format!("raw {line}"),
    }
}

/// The port, where the file does not say: that of the original lab.
const PORT: u16 = 46_666;

/// The time limit of a command, where the file does not say.
const WITHIN: Duration = Duration::from_secs(10);

/// The most commands of a conversation.
const MOST_COMMANDS: usize = 1000;

/// The longest name or line, in bytes: longer than servers take.
const LONGEST: usize = 16 << 10;
