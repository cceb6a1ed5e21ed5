//! What needs a shell in the node.

use orchestrator::control::{Control, ProcessEvent};
use protocol::control::{CommandState, Exit, Lifetime, Stream};

use super::Site;
use super::site::{THREE, control, own, print, run, shell};

pub(super) async fn input_reaches_a_program(site: &Site) {
    let lab = site.raise_three().await;
    let echoing = control(&lab, "a").start(own(&["/bin/cat"])).await.unwrap();
    let handle = echoing.handle();
    let body = super::site::noise(300_000);
    let sent = body.clone();
    let writing = tokio::spawn(async move {
        for chunk in sent.chunks(50_000) {
            handle.write(chunk.to_vec()).await.unwrap();
        }
        handle.close_input().await.unwrap();
    });
    let ended = echoing.collect().await.unwrap();
    writing.await.unwrap();
    assert_eq!(ended.exit, Exit::Code(0));
    assert!(
        ended.stdout == body,
        "{} bytes came back",
        ended.stdout.len()
    );
    site.destroy(lab).await;
}

pub(super) async fn output_error_and_code_are_told_apart(site: &Site) {
    let lab = site.raise_three().await;
    let ended = run(control(&lab, "a"), shell("echo out; echo err >&2; exit 7")).await;
    assert_eq!(ended.stdout, b"out\n");
    assert_eq!(ended.stderr, b"err\n");
    assert_eq!(ended.exit, Exit::Code(7));
    let killed = run(control(&lab, "a"), shell("kill -9 $$")).await;
    assert_eq!(killed.exit, Exit::Signal(9));
    site.destroy(lab).await;
}

pub(super) async fn a_flood_is_read_to_its_end(site: &Site) {
    let lab = site.raise_three().await;
    // 1 KiB doubled thirteen times and printed: 8 MiB, more than is kept.
    let flood = "x=0123456789abcdef; i=0; while [ $i -lt 19 ]; do x=$x$x; i=$((i+1)); done; \
                 printf %s \"$x\"";
    let ended = run(control(&lab, "a"), shell(flood)).await;
    let kept = ended.stdout.len() as u64;
    assert_eq!(ended.exit, Exit::Code(0));
    assert_eq!(kept + ended.dropped, 16 << 19);
    assert_eq!(kept, orchestrator::control::process::COLLECT_LIMIT as u64);
    site.destroy(lab).await;
}

pub(super) async fn environment_and_folder_are_as_asked(site: &Site) {
    let lab = site.raise_three().await;
    let mut command = shell("echo $GREETING; pwd");
    command
        .env
        .insert("GREETING".to_owned(), "good day".to_owned());
    command.directory = Some("/".to_owned());
    let ended = run(control(&lab, "a"), command).await;
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "good day\n/\n");
    site.destroy(lab).await;
}

pub(super) async fn a_program_ends_with_its_connection(site: &Site) {
    let made = site.make(&Site::plan(THREE)).await;
    let node = made.open("a").await;
    let before = node.status().await.unwrap().processes;
    let survivor = node.start(shell("exec /bin/sleep 1000")).await.unwrap();
    let other = made.open("a").await;
    // Its whole group ends, the shell and the child.
    let script = "/bin/sleep 1000 & echo $!; wait";
    let mut doomed = other.start(shell(script)).await.unwrap();
    let ProcessEvent::Printed(Stream::Output, pid) = doomed.next().await.unwrap() else {
        panic!("it printed no number");
    };
    drop((doomed, other));
    until_gone(&node, &String::from_utf8(pid).unwrap()).await;
    assert_eq!(node.status().await.unwrap().processes, before + 1);
    drop(survivor);
    site.remove(made).await;
}

pub(super) async fn a_nodes_own_command_outlives_its_connection_and_is_logged(site: &Site) {
    let made = site.make(&Site::plan(THREE)).await;
    let launcher = made.open("a").await;
    let script = "echo begun; echo trouble >&2; \
                  until [ -e /root/go ]; do /bin/sleep 0.01; done; echo gone on; exit 5";
    let mut command = shell(script);
    command.lifetime = Lifetime::Node;
    launcher.launch(command).await.unwrap();
    drop(launcher);
    let node = made.open("a").await;
    let state = node.status().await.unwrap().command;
    assert!(
        matches!(state, Some(CommandState::Running { .. })),
        "{state:?}"
    );
    let mut log = node.logs(true).await.unwrap();
    node.put("/root/go", 0o644, &b""[..]).await.unwrap();
    let mut text = Vec::new();
    while let Some(bytes) = log.next().await.unwrap() {
        text.extend_from_slice(&bytes);
    }
    assert_eq!(String::from_utf8_lossy(&text), "begun\ntrouble\ngone on\n");
    let state = node.status().await.unwrap().command;
    assert_eq!(state, Some(CommandState::Ended(Exit::Code(5))));
    // Told again from its start to whoever asks later.
    let again = node.logs(false).await.unwrap().all(1 << 10).await.unwrap();
    assert_eq!(again, text);
    site.remove(made).await;
}

pub(super) async fn orphans_are_reaped(site: &Site) {
    let lab = site.raise_three().await;
    let node = control(&lab, "a");
    let before = node.status().await.unwrap().processes;
    // A grandchild that loses its parent, and ends.
    let pid = print(node, "/bin/sleep 0.02 >/dev/null & echo $!").await;
    until_gone(node, &pid).await;
    assert_eq!(node.status().await.unwrap().processes, before);
    site.destroy(lab).await;
}

/// Returns as soon as there is no such process in the node, or at the case's own deadline.
async fn until_gone(node: &Control, pid: &str) {
    let pid = pid.trim();
    print(
        node,
        &format!("while kill -0 {pid} 2>/dev/null; do /bin/sleep 0.01; done"),
    )
    .await;
}
