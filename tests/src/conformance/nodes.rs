//! Programs, files and waiting, the same on every backend.

use std::time::Duration;

use futures_util::future::join_all;
use orchestrator::control::Control;
use protocol::control::{Condition, Exit, FailureKind, Transport};

use super::Site;
use super::site::{THREE, control, noise, own, role, run};

pub(super) async fn programs_print_and_exit(site: &Site) {
    let lab = site.raise_three().await;
    let greeting = run(control(&lab, "a"), said(site, "hello there", 0)).await;
    assert_eq!(String::from_utf8_lossy(&greeting.stdout), "hello there\n");
    assert_eq!((greeting.exit, greeting.dropped), (Exit::Code(0), 0));
    let failed = run(control(&lab, "b"), said(site, "", 1)).await;
    assert_eq!(failed.exit, Exit::Code(1));
    site.destroy(lab).await;
}

pub(super) async fn an_unknown_program_is_refused(site: &Site) {
    let lab = site.raise_three().await;
    let refused = control(&lab, "a")
        .start(own(&["no-such-program"]))
        .await
        .unwrap_err();
    assert_eq!(refused.failure(), Some(FailureKind::NotFound), "{refused}");
    assert!(refused.to_string().contains("node a"), "{refused}");
    site.destroy(lab).await;
}

pub(super) async fn a_signal_ends_a_program(site: &Site) {
    let lab = site.raise_three().await;
    let waiting = control(&lab, "a").start(wait()).await.unwrap();
    let handle = waiting.handle();
    handle.signal(15).await.unwrap();
    assert_eq!(waiting.collect().await.unwrap().exit, Exit::Signal(15));
    // What has ended takes no more signals.
    handle.signal(15).await.unwrap_err();
    site.destroy(lab).await;
}

pub(super) async fn files_come_back_as_they_went(site: &Site) {
    let lab = site.raise_three().await;
    let node = control(&lab, "a");
    for length in [0, 1, 65_536, (5 << 20) + 17] {
        let body = noise(length);
        let path = format!("/root/deep/er/file-{length}");
        node.put(&path, 0o644, body.as_slice()).await.unwrap();
        let back = node.get(&path).await.unwrap();
        assert_eq!(back.length, Some(length as u64));
        assert!(
            back.all(length).await.unwrap() == body,
            "{length} bytes differ"
        );
    }
    // The newest wins, whole.
    for body in [&b"a longer first one"[..], b"second"] {
        node.put("/root/twice", 0o644, body).await.unwrap();
        assert_eq!(read(node, "/root/twice").await, body);
    }
    // Each node has files of its own.
    let elsewhere = control(&lab, "b").get("/root/twice").await.unwrap_err();
    assert_eq!(elsewhere.failure(), Some(FailureKind::NotFound));
    site.destroy(lab).await;
}

pub(super) async fn files_that_go_at_once_come_back_as_they_went(site: &Site) {
    let lab = site.raise_three().await;
    let node = control(&lab, "a");
    let body = noise(100_000);
    // More than may wait to be sent, so that they wait for each other.
    let puts = (0..60).map(|number| {
        let body = &body[number..];
        async move {
            let path = format!("/root/at-once/{number}");
            node.put(&path, 0o644, body).await.unwrap();
            let back = node.get(&path).await.unwrap().all(body.len()).await;
            assert!(back.unwrap() == body, "{number} differs");
        }
    });
    join_all(puts).await;
    site.destroy(lab).await;
}

pub(super) async fn a_folder_is_listed(site: &Site) {
    let lab = site.raise_three().await;
    let node = control(&lab, "a");
    for (name, length) in [("b", 2), ("a", 70_000), ("c", 0)] {
        let path = format!("/root/listed/{name}");
        node.put(&path, 0o600, noise(length).as_slice())
            .await
            .unwrap();
    }
    let entries = node.list("/root/listed").await.unwrap();
    let entries: Vec<_> = entries
        .iter()
        .map(|e| (e.name.as_str(), e.length, e.folder))
        .collect();
    assert_eq!(
        entries,
        [("a", 70_000, false), ("b", 2, false), ("c", 0, false)]
    );
    site.destroy(lab).await;
}

pub(super) async fn a_missing_file_is_named(site: &Site) {
    let lab = site.raise_three().await;
    let refused = control(&lab, "c").get("/root/nowhere").await.unwrap_err();
    assert_eq!(refused.failure(), Some(FailureKind::NotFound));
    let text = refused.to_string();
    assert!(
        text.contains("node c") && text.contains("/root/nowhere"),
        "{text}"
    );
    site.destroy(lab).await;
}

pub(super) async fn a_file_is_awaited(site: &Site) {
    let lab = site.raise_three().await;
    let node = control(&lab, "a");
    let path = "/root/awaited".to_owned();
    let condition = Condition::File { path };
    let late = node
        .wait_for(condition.clone(), Duration::from_millis(1))
        .await
        .unwrap_err();
    assert_eq!(late.failure(), Some(FailureKind::Deadline), "{late}");
    assert!(late.to_string().contains("/root/awaited"), "{late}");
    node.put("/root/awaited", 0o644, &b"here"[..])
        .await
        .unwrap();
    node.wait_for(condition, Duration::from_secs(30))
        .await
        .unwrap();
    site.destroy(lab).await;
}

pub(super) async fn connections_are_independent(site: &Site) {
    let made = site.make(&Site::plan(THREE)).await;
    let first = made.open("a").await;
    let others = [made.open("a").await, made.open("a").await];
    first
        .put("/root/seen", 0o644, &b"by all"[..])
        .await
        .unwrap();
    drop(first);
    for connection in &others {
        assert_eq!(read(connection, "/root/seen").await, b"by all");
    }
    drop(others);
    site.remove(made).await;
}

pub(super) async fn permission_bits_are_kept(site: &Site) {
    let lab = site.raise_three().await;
    let node = control(&lab, "a");
    for mode in [0o600, 0o644, 0o755] {
        node.put("/root/moded", mode, &b"x"[..]).await.unwrap();
        assert_eq!(node.get("/root/moded").await.unwrap().mode & 0o777, mode);
    }
    site.destroy(lab).await;
}

pub(super) async fn a_port_is_awaited(site: &Site) {
    let lab = site.raise_three().await;
    let node = control(&lab, "a");
    let condition = Condition::Port {
        transport: Transport::Udp,
        port: 5005,
    };
    let late = node
        .wait_for(condition.clone(), Duration::from_millis(1))
        .await
        .unwrap_err();
    assert_eq!(late.failure(), Some(FailureKind::Deadline), "{late}");
    let receiver = role(&[
        "broadcast-receive",
        "--port",
        "5005",
        "--directory",
        "/root/in",
    ]);
    let listening = node.start(receiver).await.unwrap();
    node.wait_for(condition, Duration::from_secs(30))
        .await
        .unwrap();
    drop(listening);
    site.destroy(lab).await;
}

async fn read(node: &Control, path: &str) -> Vec<u8> {
    node.get(path).await.unwrap().all(1 << 20).await.unwrap()
}

/// A program that says something and ends with a code.
fn said(site: &Site, text: &str, code: i32) -> protocol::control::Command {
    if site.offers(&[super::Needs::Shell]) {
        own(&["/bin/sh", "-c", &format!("echo {text}; exit {code}")])
    } else if code == 0 {
        own(&["echo", text])
    } else {
        own(&["false"])
    }
}

/// A program that goes on for ever: a receiver that waits for its sender.
fn wait() -> protocol::control::Command {
    role(&[
        "broadcast-receive",
        "--port",
        "5007",
        "--directory",
        "/root/never",
    ])
}
