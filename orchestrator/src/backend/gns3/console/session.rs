//! The life of a session until its end.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use protocol::console::line::{Kind, Side};
use protocol::console::scanner::Input;
use protocol::console::session::Session;
use tokio::time::timeout;

use super::channel::{Channel, Event};
use super::error::ConsoleErrorKind;
use super::streams::Streams;

/// Why a session ended; nothing as long as it has not.
pub(super) type Outcome = Arc<OnceLock<ConsoleErrorKind>>;

/// Why a conversation is over.
enum SessionEnd {
    /// All of ours is done.
    Here,
    There(ConsoleErrorKind),
}

/// Carries streams until nobody wants any or the node is gone, and closes the connection.
pub(super) async fn carry(
    mut channel: Channel,
    number: u64,
    mut streams: Streams,
    outcome: Outcome,
) {
    let mut session = Session::new(Side::Client, number);
    let over = run_session(&mut channel, &mut session, &mut streams).await;
    let taken_over = matches!(over, SessionEnd::There(ConsoleErrorKind::TakenOver));
    let kind = match over {
        SessionEnd::Here => ConsoleErrorKind::Ended,
        SessionEnd::There(kind) => {
            tracing::debug!(reason = %kind, "a console's session ended");
            kind
        }
    };
    // Before the streams end, so that they can say why. Nobody else sets it.
    let _ = outcome.set(kind);
    drop(streams);
    if !taken_over {
        // A node that does not hear it finds itself alone after a minute.
        let _ = timeout(CLOSE_PATIENCE, part(&mut channel, &session)).await;
    }
    channel.close().await;
}

async fn run_session(
    channel: &mut Channel,
    session: &mut Session,
    streams: &mut Streams,
) -> SessionEnd {
    let output = channel.output();
    loop {
        let room = session.room();
        tokio::select! {
            event = channel.next() => match event {
                Event::Input(Input::Line(line)) if line.session == session.number() => {
                    if line.kind == Kind::Bye {
                        return SessionEnd::There(ConsoleErrorKind::Ended);
                    }
                    if let Some(bytes) = session.receive(line) {
                        streams.incoming(&bytes).await;
                    }
                }
                Event::Input(Input::Line(line)) if line.kind == Kind::Welcome => {
                    return SessionEnd::There(ConsoleErrorKind::TakenOver);
                }
                Event::Input(Input::Damaged) => session.receive_damaged(),
                Event::Tick if session.tick() => return SessionEnd::There(ConsoleErrorKind::Silent),
                Event::Input(_) | Event::Tick => {}
                Event::Closed => return SessionEnd::There(ConsoleErrorKind::Closed),
            },
            bytes = streams.outgoing(room), if room > 0 => match bytes {
                Some(bytes) => session.send(bytes),
                None => return SessionEnd::Here,
            },
            permit = output.reserve(), if session.has_lines() => {
                let Ok(permit) = permit else {
                    return SessionEnd::There(ConsoleErrorKind::Closed);
                };
                let mut lines = Vec::new();
                session.say(&mut lines);
                permit.send(lines);
            }
        }
    }
}

/// Says bye and waits until the node does: then the shell has the console.
async fn part(channel: &mut Channel, session: &Session) {
    if channel.output().send(session.bye()).await.is_err() {
        return;
    }
    loop {
        match channel.next().await {
            Event::Input(Input::Line(line)) if line.kind == Kind::Bye => return,
            Event::Closed => return,
            Event::Input(_) | Event::Tick => {}
        }
    }
}

/// The longest time that a node may take to answer a bye.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
