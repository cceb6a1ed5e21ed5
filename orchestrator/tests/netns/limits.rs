//! That what is limited ends in its node.

use protocol::control::{Command, Exit, Program};

use crate::support::{Raised, command, plan, run};
use crate::user::as_ordinary_user;

#[test]
fn a_memory_hog_and_a_fork_bomb_end_in_their_node() {
    run(async {
        let mut plan = plan("limited", 2);
        plan.nodes[0].limits.memory = Some(64 << 20);
        plan.nodes[0].limits.pids = Some(20);
        plan.nodes[0].limits.milli_cpus = Some(500);
        let lab = Raised::new(plan).await;
        assert_eq!(lab.fabric.warnings(), Vec::<String>::new());
        let hog = lab
            .try_shell(0, "exec /usr/bin/python3 -c 'x = bytearray(256 << 20)'")
            .await;
        assert_eq!(hog.exit, Exit::Signal(9));
        let bomb = "for i in $(seq 100); do sleep 60 & done; echo all";
        let bomb = lab.try_shell(0, bomb).await;
        assert_ne!(String::from_utf8_lossy(&bomb.stdout), "all\n");
        // The agent goes on and knows why, and the neighbour noticed nothing.
        let reached = lab.controls[0].status().await.unwrap().reached;
        assert!(
            reached.killed_for_memory > 0 && reached.refused_pids > 0,
            "{reached:?}"
        );
        let status = lab.controls[0].status().await.unwrap();
        assert!(status.processes <= 22, "{status:?}");
        assert_eq!(
            lab.shell(1, "/usr/bin/python3 -c 'print(len(bytearray(256 << 20)))'")
                .await,
            "268435456"
        );
        lab.remove().await;
    });
}

#[test]
fn a_sender_that_lacks_threads_fails_at_once() {
    run(async {
        // The sender's own thread, and some of its four workers, or none.
        for pids in [1, 2, 4] {
            let mut plan = plan("lacking", 1);
            plan.nodes[0].limits.pids = Some(pids);
            let lab = Raised::new(plan).await;
            let words = "send --model multi-thread-async --framing datagram --deadline 3600s \
                         --task /etc/hosts=10.0.0.1:5005";
            let words = words.split_whitespace().map(str::to_owned).collect();
            let role = Command {
                program: Program::Role(words),
                ..command(&[])
            };
            let sender = lab.controls[0].start(role).await.unwrap();
            let ended = sender.collect().await.unwrap();
            let told = String::from_utf8(ended.stdout).unwrap();
            assert_eq!(ended.exit, Exit::Code(1), "{told}");
            assert!(told.contains("the node's `pids`"), "{told}");
            lab.remove().await;
        }
    });
}

#[test]
fn a_memory_hog_and_a_fork_bomb_of_a_user_end_in_their_lab() {
    as_ordinary_user("limits::for_a_user_limits_hold_too");
}

#[test]
#[ignore = "run as an ordinary user by the test above"]
fn for_a_user_limits_hold_too() {
    run(async {
        let mut plan = plan("named", 1);
        plan.nodes[0].limits.memory = Some(64 << 20);
        plan.nodes[0].limits.pids = Some(20);
        plan.nodes[0].limits.milli_cpus = Some(500);
        let lab = Raised::new(plan).await;
        let warnings = lab.fabric.warnings();
        let hog = lab
            .try_shell(0, "exec /usr/bin/python3 -c 'x = bytearray(256 << 20)'")
            .await;
        assert_ne!(hog.exit, Exit::Code(0));
        let bomb = "for i in $(seq 100); do sleep 60 & done; echo all";
        let bomb = lab.try_shell(0, bomb).await;
        assert_ne!(String::from_utf8_lossy(&bomb.stdout), "all\n");
        let status = lab.controls[0].status().await.unwrap();
        assert!(status.processes <= 40, "{status:?}");
        // Three where no control group can be made, and none where systemd lets this user.
        assert!(
            warnings.iter().all(|warning| warning.contains("node n1")),
            "{warnings:?}"
        );
        lab.remove().await;
    });
}

async fn a_disk_and_open_files_end_in_their_node() {
    let mut plan = plan("small", 2);
    plan.nodes[0].limits.disk = Some(1 << 20);
    plan.nodes[0].limits.open_files = Some(40);
    let lab = Raised::new(plan).await;
    let write = "head -c 3000000 /dev/zero > /root/big; stat -c %s /root/big";
    let written: u32 = lab.shell(0, write).await.parse().unwrap();
    assert!(written < 1 << 20, "{written}");
    assert!(lab.controls[0].status().await.unwrap().reached.disk_full);
    // A file that is put into it finds no room, and that is told.
    let put = lab.controls[0]
        .put("/root/more", 0o644, &vec![0; 100_000][..])
        .await;
    assert!(
        put.unwrap_err().to_string().contains("No space left"),
        "put"
    );
    assert_eq!(lab.shell(1, write).await, "3000000");
    let open =
        "/usr/bin/python3 -c 'import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE))'";
    assert_eq!(lab.shell(0, open).await, "(40, 40)");
    lab.remove().await;
}

#[test]
fn a_disk_and_open_files_of_root_end_in_their_node() {
    run(a_disk_and_open_files_end_in_their_node());
}

#[test]
fn a_disk_and_open_files_of_a_user_end_in_their_node() {
    as_ordinary_user("limits::for_a_user_a_disk_and_open_files_end_in_their_node");
}

#[test]
#[ignore = "run as an ordinary user by the test above"]
fn for_a_user_a_disk_and_open_files_end_in_their_node() {
    run(a_disk_and_open_files_end_in_their_node());
}

/// Prints the most processes that there were.
const BOMB: &str = r"
import os, signal
started = 0
try:
    while started < 5000:
        if os.fork() == 0:
            signal.pause()
        started += 1
except OSError:
    pass
print(started)
";

/// Without any word of the file.
async fn a_fork_bomb_ends_in_its_node() {
    let lab = Raised::new(plan("bomb", 2)).await;
    let bomb = format!("exec /usr/bin/python3 -c '{BOMB}'");
    let started: u32 = lab.shell(0, &bomb).await.parse().unwrap();
    assert!((4000..4096).contains(&started), "{started}");
    assert_eq!(lab.shell(1, "echo there").await, "there");
    lab.remove().await;
}

#[test]
fn a_fork_bomb_of_root_ends_in_its_node_without_any_word() {
    run(a_fork_bomb_ends_in_its_node());
}

#[test]
fn a_fork_bomb_of_a_user_ends_in_its_node_without_any_word() {
    as_ordinary_user("limits::for_a_user_a_fork_bomb_ends_in_its_node");
}

#[test]
#[ignore = "run as an ordinary user by the test above"]
fn for_a_user_a_fork_bomb_ends_in_its_node() {
    run(a_fork_bomb_ends_in_its_node());
}
