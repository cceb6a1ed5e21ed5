//! Feeds any bytes to a connection's session. Nothing may panic, and every answer must be a reply: the
//! fuzz targets in `fuzz/` and the tests of this crate see to that.

use std::io;
use std::path::Path;
use std::time::Duration;

use protocol::file_service::answer::{ReplyEvent, ReplyParser};

use super::options::{Service, Sync};
use super::session::Session;
use super::storage::Storage;

/// Returns the answers of a session in this directory to a stream that comes in these pieces and then ends.
/// An empty piece stands for a silence.
///
/// # Errors
/// If the directory cannot be opened.
pub fn answers<'a>(
    directory: &Path,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> io::Result<Vec<u8>> {
    let service = Service {
        sync: Sync::None,
        report: true,
        compat: false,
        max_file: 4096,
        max_line: 256,
        idle: Duration::from_secs(1),
        slowest: 16,
        silence: Duration::from_millis(1),
        buffer: 4 << 10,
    };
    let mut session = Session::new(Storage::open(directory, &service)?, &service);
    session.restart();
    let mut answers = Vec::new();
    for piece in pieces {
        for part in piece.chunks(service.buffer) {
            answer(&mut session, &mut answers);
            if session.is_over() {
                break;
            }
            session.room()[..part.len()].copy_from_slice(part);
            session.read(part.len());
        }
        answer(&mut session, &mut answers);
        if piece.is_empty() && !session.is_over() {
            session.lapse();
        }
    }
    answer(&mut session, &mut answers);
    if !session.is_over() {
        session.read(0);
        answer(&mut session, &mut answers);
    }
    session.finish();
    Ok(answers)
}

/// Gives a session in this directory the bytes, cut into pieces that each have their length before them.
///
/// # Errors
/// If what it answers is more than replies, or unfinished files are left.
pub fn session(directory: &Path, bytes: &[u8]) -> Result<(), String> {
    let answers = answers(directory, pieces(bytes)).map_err(|error| error.to_string())?;
    let mut parser = ReplyParser::new(1 << 20);
    let mut rest = &answers[..];
    let mut between = true;
    while !rest.is_empty() {
        let (taken, event) = parser.parse(rest).map_err(|error| error.to_string())?;
        between = matches!(event, Some(ReplyEvent::Whole(_)));
        rest = &rest[taken..];
    }
    if !between {
        return Err("the last reply is not whole".to_owned());
    }
    let entries = std::fs::read_dir(directory).map_err(|error| error.to_string())?;
    for entry in entries {
        let name = entry.map_err(|error| error.to_string())?.file_name();
        if name.to_string_lossy().starts_with(".upload-") {
            return Err(format!("{} is left", name.display()));
        }
    }
    Ok(())
}

fn answer(session: &mut Session, answers: &mut Vec<u8>) {
    loop {
        session.advance();
        // What is stored is to be reported before the session goes on.
        let stored = session.stored().is_some();
        let count = session.output().len();
        answers.extend_from_slice(session.output());
        session.written(count);
        if count == 0 && !stored {
            return;
        }
    }
}

/// Pieces, each with its length before it in a byte.
fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while let Some((&length, after)) = rest.split_first() {
        let (piece, after) = after.split_at(usize::from(length).min(after.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}
