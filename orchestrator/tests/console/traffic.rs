//! What streams carry, whatever else is on the console.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::shell_server::{ShellServer, bytes, come_back};

#[tokio::test]
async fn many_streams_carry_megabytes_both_ways() {
    let server = ShellServer::new().await;
    let console = server.connect().await;
    let mut streams = JoinSet::new();
    for seed in 0..6 {
        let stream = console.open().await.unwrap();
        streams.spawn(come_back(stream, bytes(seed, 1 << 20)));
    }
    assert!(streams.join_all().await.into_iter().all(|whole| whole));
    drop(console);
    server.pending_closes.finished().await;
}

#[tokio::test]
async fn a_stream_that_is_not_read_holds_up_no_other() {
    let server = ShellServer::new().await;
    let console = server.connect().await;
    let mut stuck = console.open().await.unwrap();
    // Written until nothing more fits into its window, the agent's and the way back.
    let piece = bytes(1, 64 << 10);
    stuck.write_all(&piece).await.unwrap();
    while let Ok(written) = timeout(PATIENCE, stuck.write_all(&piece)).await {
        written.unwrap();
    }
    let other = console.open().await.unwrap();
    assert!(come_back(other, bytes(2, 1 << 20)).await);
    let mut first = vec![0; 64 << 10];
    stuck.read_exact(&mut first).await.unwrap();
    assert!(first == piece);
}

#[tokio::test]
async fn noise_does_no_harm() {
    let server = ShellServer::new().await;
    let console = server.connect().await;
    let (mut shown, mut keyboard) = server.person().await.into_split();
    // Who does not read holds up everybody.
    let mut watching = JoinSet::new();
    watching.spawn(async move { copy(&mut shown, &mut sink()).await });
    let mut streams = JoinSet::new();
    for seed in 0..3 {
        let stream = console.open().await.unwrap();
        streams.spawn(come_back(stream, bytes(seed, 1 << 20)));
    }
    let mut noise = 0;
    loop {
        match timeout(NOISE, streams.join_next()).await {
            Ok(Some(whole)) => assert!(whole.unwrap()),
            Ok(None) => break,
            Err(_) => {
                keyboard.write_all(b"ls\r\x1b[A#>\x03").await.unwrap();
                server.print(b"kernel: #<AAAA \x1b[6n\r\n").await;
                noise += 1;
            }
        }
    }
    assert!(noise > 0);
}

/// How often there is noise.
const NOISE: Duration = Duration::from_millis(5);

/// Nothing waits for this to pass but a stream that is full.
const PATIENCE: Duration = Duration::from_secs(1);
