//! A file and its request on a stream that is full.

use std::io;
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::Duration;

use protocol::control::{FromNode, Reply, Request, Stream, ToNode};
use protocol::frame::Frame;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::watch;

use super::Control;

/// A body whose first byte comes once what waited to be sent is on its way.
struct Late {
    drain: watch::Sender<bool>,
    drained: mpsc::Receiver<()>,
    body: &'static [u8],
}

impl AsyncRead for Late {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.drain.send_replace(true) {
            // As a disk that takes its time: nothing else of this task goes on meanwhile.
            let drained = self.drained.recv_timeout(Duration::from_secs(20));
            drained.expect("what was sent is read");
        }
        Pin::new(&mut self.body).poll_read(cx, buffer)
    }
}

/// Greets, waits until it is to read, and then answers for each file that has come whole. Says when
/// some of it has come.
async fn peer(
    mut stream: DuplexStream,
    mut drain: watch::Receiver<bool>,
    drained: mpsc::Sender<()>,
) {
    let mut input = Vec::new();
    let mut open: Vec<(u32, u32)> = Vec::new();
    let (mut frames, mut ended) = (0, 0);
    while ended < 2 {
        while let Some((frame, length)) = Frame::decode(&input).unwrap() {
            input.drain(..length);
            frames += 1;
            if frames == FILLING {
                drained.send(()).unwrap();
            }
            match frame {
                Frame::Message(json) => match serde_json::from_slice(&json).unwrap() {
                    ToNode {
                        id,
                        request: Request::Put { channel, .. },
                    } => open.push((channel, id)),
                    ToNode { id, .. } => {
                        let version = protocol::VERSION;
                        answer(&mut stream, id, Reply::Ready { version }).await;
                        drain.wait_for(|drain| *drain).await.unwrap();
                    }
                },
                Frame::Data {
                    channel,
                    stream: Stream::Input,
                    bytes,
                } => {
                    let put = open.iter().find(|(number, _)| *number == channel);
                    let (_, id) = put.expect("a body comes after its request");
                    if bytes.is_empty() {
                        answer(&mut stream, *id, Reply::Done).await;
                        ended += 1;
                    }
                }
                Frame::Data { .. } => panic!("a node's output came"),
            }
        }
        if ended < 2 {
            assert!(stream.read_buf(&mut input).await.unwrap() > 0);
        }
    }
}

async fn answer(stream: &mut DuplexStream, id: u32, reply: Reply) {
    let result = Ok(reply);
    let json = serde_json::to_vec(&FromNode::Reply { id, result }).unwrap();
    let mut bytes = Vec::new();
    Frame::Message(json).encode(&mut bytes);
    stream.write_all(&bytes).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_files_request_comes_before_its_body() {
    let (ours, theirs) = tokio::io::duplex(1 << 10);
    let (drain, draining) = watch::channel(false);
    let (told, drained) = mpsc::channel();
    let peer = tokio::spawn(peer(theirs, draining, told));
    let control = Control::greet(ours, "a".parse().unwrap()).await.unwrap();
    let filling = control.put("/a", 0o644, tokio::io::repeat(7).take(4 << 20));
    let late = Late {
        drain: drain.clone(),
        drained,
        body: b"late",
    };
    let late = control.put("/b", 0o644, late);
    // Once both wait for room.
    let read = async move { drain.send_replace(true) };
    let (filled, came, _) = tokio::join!(biased; filling, late, read);
    filled.unwrap();
    came.unwrap();
    peer.await.unwrap();
}

/// Less than can wait to be sent, more than are sent at once.
const FILLING: u32 = 12;
