//! The program on the console. It serves one session after another, until a client says that it is done.

use std::fmt;
use std::path::Path;

use protocol::console::line::{Kind, Line, Side};
use protocol::console::scanner::Input;
use protocol::console::session::Session;
use tokio::sync::mpsc;

use super::events::{Event, Events};
use super::streams::Streams;

/// The program.
#[derive(Debug)]
pub(super) struct Program<'a> {
    pub(super) events: Events,
    pub(super) output: mpsc::Sender<Vec<u8>>,
    /// The agent's.
    pub(super) socket: &'a Path,
    /// The last words, said once the terminal is the shell's again.
    pub(super) last: Vec<u8>,
}

/// Why it ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The client said so, or a signal.
    AsAsked,
    /// Nobody was heard for long.
    Alone,
    /// The terminal is gone.
    HungUp,
}

/// The next state.
enum Next {
    Session(u64),
    Wait,
    End(Ended),
}

impl Program<'_> {
    /// Serves clients, the newest alone, until one is done or none is there. Nothing is read from then on. Returns
    /// where the last words are to be said, and these.
    pub(super) async fn run(mut self) -> (Ended, mpsc::Sender<Vec<u8>>, Vec<u8>) {
        let mut next = Next::Wait;
        loop {
            next = match next {
                Next::Session(number) => self.attend(number).await,
                Next::Wait => self.wait().await,
                Next::End(ended) => return (ended, self.output, self.last),
            };
        }
    }

    /// Says that the terminal is taken and waits for a hello.
    async fn wait(&mut self) -> Next {
        let mut ready = Vec::new();
        Line::bare(Kind::Ready, 0).encode(Side::Node, &mut ready);
        if self.output.send(ready).await.is_err() {
            return Next::End(Ended::HungUp);
        }
        let mut patience = PATIENCE;
        loop {
            match self.events.next().await {
                Event::Input(Input::Line(line)) if line.kind == Kind::Hello => {
                    return Next::Session(line.session);
                }
                Event::Tick if patience == 0 => return Next::End(Ended::Alone),
                Event::Tick => patience -= 1,
                // Of sessions that are over.
                Event::Input(_) => {}
                Event::Signal => return Next::End(Ended::AsAsked),
                Event::HangUp => return Next::End(Ended::HungUp),
            }
        }
    }

    /// Attends to a session until its end. Bye comes last of all, but for where the program goes on.
    async fn attend(&mut self, number: u64) -> Next {
        let mut session = Session::new(Side::Node, number);
        let mut streams = Streams::serve(self.socket);
        let next = self.run_session(&mut session, &mut streams).await;
        match next {
            // The welcome to another says enough.
            Next::Session(_) => {}
            // Where the terminal is gone, so is who would hear it.
            Next::Wait => drop(self.output.send(session.bye()).await),
            Next::End(_) => self.last = session.bye(),
        }
        next
    }

    async fn run_session(&mut self, session: &mut Session, streams: &mut Streams) -> Next {
        loop {
            let room = session.room();
            tokio::select! {
                event = self.events.next() => {
                    if let Some(next) = take_in(event, session, streams).await {
                        return next;
                    }
                }
                bytes = streams.outgoing(room), if room > 0 => match bytes {
                    Some(bytes) => session.send(bytes),
                    // What came was no yamux: the session is of no use.
                    None => return Next::Wait,
                },
                permit = self.output.reserve(), if session.has_lines() => {
                    let Ok(permit) = permit else {
                        return Next::End(Ended::HungUp);
                    };
                    let mut lines = Vec::new();
                    session.say(&mut lines);
                    permit.send(lines);
                }
            }
        }
    }
}

/// Takes in what happened; returns what comes next, where it ends the session.
async fn take_in(event: Event, session: &mut Session, streams: &mut Streams) -> Option<Next> {
    match event {
        Event::Input(Input::Line(line)) if line.session == session.number() => {
            if line.kind == Kind::Bye {
                return Some(Next::End(Ended::AsAsked));
            }
            if let Some(bytes) = session.receive(line) {
                streams.incoming(&bytes).await;
            }
        }
        Event::Input(Input::Line(line)) if line.kind == Kind::Hello => {
            return Some(Next::Session(line.session));
        }
        Event::Input(Input::Damaged) => session.receive_damaged(),
        Event::Tick if session.tick() => return Some(Next::End(Ended::Alone)),
        // What is heard is an earlier client's, or somebody's at a keyboard.
        Event::Input(_) | Event::Tick => {}
        Event::Signal => return Some(Next::End(Ended::AsAsked)),
        Event::HangUp => return Some(Next::End(Ended::HungUp)),
    }
    None
}

impl fmt::Display for Ended {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::AsAsked => "the console is free again",
            Self::Alone => "nobody was heard on the console for a minute: it is the shell's again",
            Self::HungUp => "the console is gone",
        })
    }
}

/// Ticks without a hello after which the shell has the console again.
const PATIENCE: u32 = 60;
