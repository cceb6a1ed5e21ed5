//! One client after another, and the shell after them.

use orchestrator::backend::gns3::console::{ConsoleErrorKind, Farewells};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};

use crate::site::{OPENING, Site, bytes, come_back, connect};

#[tokio::test]
async fn a_killed_client_is_followed_by_another() {
    let site = Site::new().await;
    let (port, command) = (site.address.port(), site.command());
    // Its runtime ends without a word, as a killed process does.
    let killed = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let held = runtime.block_on(async {
            let console = connect(port, &command, &Farewells::default()).await;
            let console = console.unwrap();
            let mut wire = console.open().await.unwrap();
            wire.write_all(&bytes(1, 200_000)).await.unwrap();
            (wire, console)
        });
        runtime.shutdown_background();
        drop(held);
    });
    tokio::task::spawn_blocking(|| killed.join())
        .await
        .unwrap()
        .unwrap();
    let console = site.connect().await;
    let wire = console.open().await.unwrap();
    assert!(come_back(wire, bytes(2, 1 << 20)).await);
}

#[tokio::test]
async fn who_is_taken_over_is_told_so() {
    let site = Site::new().await;
    let first = site.connect().await;
    let mut wire = first.open().await.unwrap();
    wire.write_all(b"a").await.unwrap();
    wire.read_exact(&mut [0]).await.unwrap();
    let second = site.connect().await;
    let broken = wire.read(&mut [0]).await.unwrap_err();
    assert!(broken.to_string().contains("taken it over"), "{broken}");
    let refused = first.open().await.unwrap_err();
    assert!(
        matches!(refused.kind, ConsoleErrorKind::TakenOver),
        "{refused}"
    );
    let wire = second.open().await.unwrap();
    assert!(come_back(wire, bytes(3, 100_000)).await);
}

#[tokio::test]
async fn the_shell_has_the_console_again() {
    let site = Site::new().await;
    for round in 0..3 {
        let console = site.connect().await;
        let wire = console.open().await.unwrap();
        assert!(come_back(wire, bytes(round, 10_000)).await);
        drop(console);
        site.farewells.said().await;
        let mut person = site.person().await;
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
    let mut site = Site::new().await;
    let console = site.connect().await;
    let mut wire = console.open().await.unwrap();
    wire.write_all(b"a").await.unwrap();
    wire.read_exact(&mut [0]).await.unwrap();
    site.stop_serving();
    let broken = wire.read(&mut [0]).await.unwrap_err();
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
    let farewells = Farewells::default();
    let connecting = connect(port, "node console", &farewells);
    let (refused, ()) = tokio::join!(connecting, serving);
    let refused = refused.unwrap_err();
    assert!(matches!(refused.kind, ConsoleErrorKind::Mute), "{refused}");
}

#[tokio::test]
async fn a_closed_port_is_named() {
    let site = Site::new().await;
    let free = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let refused = connect(free, &site.command(), &site.farewells).await;
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
