//! Feeds any bytes to what a client reads replies with. Nothing may panic, and where the stream is cut
//! may not matter: the fuzz targets in `fuzz/` and the test `node/tests/decoders.rs` see to that.

use protocol::file_service::answer::ReplyError;
use protocol::file_service::base64::NotBase64;

use super::incoming::Incoming;
use crate::buffer::Buffer;

/// A client's reading of a stream: each reply in words with its content, and the reason why no more came.
type Understood = (Vec<(String, Vec<u8>)>, Option<String>);

/// Reads the bytes after the first two as replies, at once and in pieces as long as these say.
///
/// # Errors
/// If it makes a difference.
pub fn replies(bytes: &[u8]) -> Result<(), String> {
    let Some((&[first, then], stream)) = bytes.split_first_chunk::<2>() else {
        return Ok(());
    };
    let whole = understood([stream]);
    let first = usize::from(first).min(stream.len());
    let (start, rest) = stream.split_at(first);
    let pieces = rest.chunks(usize::from(then).max(1));
    let cut = understood([start].into_iter().chain(pieces));
    if whole == cut {
        Ok(())
    } else {
        Err(format!("{whole:?} at once, {cut:?} in pieces"))
    }
}

fn understood<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Understood {
    let mut incoming = Incoming::new(LIMIT);
    let (mut replies, mut content) = (Vec::new(), Vec::new());
    for piece in pieces {
        let mut input = Buffer::new(0);
        input.push(piece);
        while !input.is_empty() {
            let read = incoming.read(&mut input, |portion| {
                content.extend_from_slice(portion);
                Ok::<(), Wrong>(())
            });
            match read {
                Ok(None) => {}
                Ok(Some(reply)) => {
                    let whole = incoming.is_whole().is_ok();
                    replies.push((format!("{reply:?} {whole}"), std::mem::take(&mut content)));
                    incoming = Incoming::new(LIMIT);
                }
                Err(Wrong(why)) => return (replies, Some(why)),
            }
        }
    }
    let end = incoming.end().map(|reply| format!("{reply:?}"));
    replies.extend(end.as_ref().ok().map(|reply| (reply.clone(), content)));
    (replies, end.err().map(|error| error.to_string()))
}

/// Why a stream is no reply, in words.
struct Wrong(String);

impl From<ReplyError> for Wrong {
    fn from(error: ReplyError) -> Self {
        Self(error.to_string())
    }
}

impl From<NotBase64> for Wrong {
    fn from(_: NotBase64) -> Self {
        // What is wrong first may differ by how much is decoded at once.
        Self("not base64".to_owned())
    }
}

const LIMIT: usize = 512;
