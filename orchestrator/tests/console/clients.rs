//! One client after another, and the shell after them.

use orchestrator::backend::gns3::console::{ConsoleErrorKind, PendingCloses};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};

use crate::shell_server::{OPENING, ShellServer, bytes, come_back, connect};

#[tokio::test]
async fn a_killed_client_is_followed_by_another() {
    let server = ShellServer::new().await;
    let (port, command) = (server.address.port(), server.command());
    // Its runtime ends without a word, as a killed process does.
    let killed = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let held = runtime.block_on(async {
            let console = connect(port, &command, &PendingCloses::default()).await;
            let console = console.unwrap();
            let mut stream = console.open().await.unwrap();
            stream.write_all(&bytes(1, 200_000)).await.unwrap();
            (stream, console)
        });
        runtime.shutdown_background();
        drop(held);
    });
    tokio::task::spawn_blocking(|| killed.join())
        .await
        .unwrap()
        .unwrap();
    let console = server.connect().await;
    let stream = console.open().await.unwrap();
    assert!(come_back(stream, bytes(2, 1 << 20)).await);
}

#[tokio::test]
async fn who_is_taken_over_is_told_so() {
    let server = ShellServer::new().await;
    let first = server.connect().await;
    let mut stream = first.open().await.unwrap();
    stream.write_all(b"a").await.unwrap();
    stream.read_exact(&mut [0]).await.unwrap();
    let second = server.connect().await;
    let broken = stream.read(&mut [0]).await.unwrap_err();
    assert!(broken.to_string().contains("taken it over"), "{broken}");
    let refused = first.open().await.unwrap_err();
    assert!(
        matches!(refused.kind, ConsoleErrorKind::TakenOver),
        "{refused}"
    );
    let stream = second.open().await.unwrap();
    assert!(come_back(stream, bytes(3, 100_000)).await);
}

#[tokio::test]
async fn the_shell_has_the_console_again() {
    let server = ShellServer::new().await;
    for round in 0..3 {
        let console = server.connect().await;
        let stream = console.open().await.unwrap();
        assert!(come_back(stream, bytes(round, 10_000)).await);
        drop(console);
        server.pending_closes.finished().await;
        let mut person = server.person().await;
        person
            .write_all(b"echo $((40+2)); stty -a\n")
            .await
            .unwrap();
        let shown = until(&mut person, " echoe ").await;
        assert!(
            shown.contains("42\r\n") && shown.contains(" icanon "),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn the_end_of_the_server_is_the_streams_end() {
    let mut server = ShellServer::new().await;
    let console = server.connect().await;
    let mut stream = console.open().await.unwrap();
    stream.write_all(b"a").await.unwrap();
    stream.read_exact(&mut [0]).await.unwrap();
    server.stop_serving();
    let broken = stream.read(&mut [0]).await.unwrap_err();
    assert!(
        broken.to_string().contains("the server closed it"),
        "{broken}"
    );
}

#[tokio::test]
async fn a_server_that_passes_nothing_on_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = async {
        let (mut client, _) = listener.accept().await.unwrap();
        client.write_all(&OPENING).await.unwrap();
        copy(&mut client, &mut sink()).await.unwrap();
    };
    let pending_closes = PendingCloses::default();
    let connecting = connect(port, "node console", &pending_closes);
    let (refused, ()) = tokio::join!(connecting, serving);
    let refused = refused.unwrap_err();
    assert!(matches!(refused.kind, ConsoleErrorKind::Mute), "{refused}");
}

#[tokio::test]
async fn a_closed_port_is_named() {
    let server = ShellServer::new().await;
    let free = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let refused = connect(free, &server.command(), &server.pending_closes).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused.kind, ConsoleErrorKind::Unreachable(_)));
    assert!(
        refused
            .to_string()
            .contains(&format!("console of a at 127.0.0.1:{free}"))
    );
}

async fn until(person: &mut TcpStream, awaited: &str) -> String {
    let mut shown = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&shown).into_owned();
        if text.contains(awaited) {
            return text;
        }
        let count = person.read_buf(&mut shown).await.unwrap();
        assert!(count > 0, "{text}");
    }
}
