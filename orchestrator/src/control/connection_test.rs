//! An agent that has greeted and says nothing more, as one does whose node is paused.

use protocol::control::{FromNode, Reply, ToNode};
use protocol::frame::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::Control;
use super::error::ControlErrorKind;

#[tokio::test(start_paused = true)]
async fn it_is_not_waited_for_without_end() {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let peer = tokio::spawn(greet_and_fall_silent(theirs));
    let control = Control::greet(ours, "a".parse().unwrap()).await.unwrap();
    let error = control.status().await.unwrap_err();
    assert!(
        matches!(error.kind, ControlErrorKind::Deadline { seconds: 30, .. }),
        "{error}"
    );
    drop(control);
    peer.await.unwrap();
}

async fn greet_and_fall_silent(mut stream: DuplexStream) {
    let mut input = Vec::new();
    let id = loop {
        assert!(stream.read_buf(&mut input).await.unwrap() > 0);
        if let Some((Frame::Message(json), _)) = Frame::decode(&input).unwrap() {
            let ToNode { id, .. } = serde_json::from_slice(&json).unwrap();
            break id;
        }
    };
    let version = protocol::VERSION;
    let result = Ok(Reply::Ready { version });
    let json = serde_json::to_vec(&FromNode::Reply { id, result }).unwrap();
    let mut bytes = Vec::new();
    Frame::Message(json).encode(&mut bytes);
    stream.write_all(&bytes).await.unwrap();
    // All that comes is read, until nobody is there.
    while stream.read_buf(&mut input).await.unwrap() > 0 {}
}
