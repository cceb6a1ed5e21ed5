//! What a node sees of this machine, and that nothing it does reaches it.

use std::path::Path;

use crate::support::{Raised, plan, run};
use crate::user::as_ordinary_user;

/// Places for files: with and without existing folders, in and beside this machine's own.
const TARGETS: [&str; 7] = [
    "/netns-test-data/deep/file",
    "/opt/netns-test/file",
    "/usr/local/bin/netns-test",
    "/etc/netns-test.d/file",
    "/root/netns-test/file",
    "/var/lib/netns-test/file",
    "/tmp/netns-test/file",
];

async fn a_node_is_a_world_of_its_own() {
    let mut plan = plan("world", 2);
    plan.nodes[0].file_targets = TARGETS.map(str::to_owned).to_vec();
    let lab = Raised::new(plan).await;
    for target in TARGETS {
        let put = lab.controls[0].put(target, 0o755, &b"#!/bin/sh\necho ours\n"[..]);
        put.await
            .unwrap_or_else(|error| panic!("{target}: {error}"));
        assert_eq!(lab.shell(0, target).await, "ours");
        assert!(!Path::new(target).exists(), "{target} is on this machine");
        let other = lab.try_shell(1, &format!("test -e {target}")).await;
        assert_ne!(other.exit, protocol::control::Exit::Code(0), "{target}");
    }
    // Its own processes only: the shell, ls and the agent.
    let processes = lab.shell(0, "ls -d /proc/[0-9]* | wc -l").await;
    assert!(processes.parse::<u32>().unwrap() <= 4, "{processes}");
    assert_eq!(lab.shell(0, "cat /proc/1/comm").await, "node n1");
    assert_eq!(lab.shell(0, "ls /sys/class/net").await, "eth0\nlo");
    assert_eq!(
        lab.shell(0, "echo $HOME; id -u; pwd").await,
        "/root\n0\n/root"
    );
    // Devices, shared memory, terminals.
    lab.shell(
        0,
        "echo x > /dev/null; head -c 8 /dev/zero /dev/urandom > /dev/shm/x",
    )
    .await;
    let terminal = "import os; m, s = os.openpty(); print(os.ttyname(s))";
    let terminal = lab
        .shell(0, &format!("/usr/bin/python3 -c '{terminal}'"))
        .await;
    assert_eq!(terminal, "/dev/pts/0");
    // The machine's settings are out of reach, the node's own are not.
    let before = std::fs::read_to_string("/proc/sys/kernel/domainname").unwrap();
    lab.try_shell(0, "echo netns-test > /proc/sys/vm/swappiness")
        .await;
    lab.try_shell(0, "echo netns-test > /proc/sys/kernel/core_pattern")
        .await;
    lab.shell(0, "echo 1 > /proc/sys/net/ipv4/ip_forward").await;
    let after = std::fs::read_to_string("/proc/sys/kernel/domainname").unwrap();
    assert_eq!(before, after);
    let core = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    assert!(!core.contains("netns-test"));
    // The user's folder cannot be seen.
    let here = std::env::current_dir().unwrap();
    let here = here.display();
    lab.shell(0, &format!("test ! -e {here}/Cargo.toml")).await;
    // What a node removes is still there.
    lab.try_shell(0, "rm -rf /etc/passwd /usr/bin/env /home/*")
        .await;
    assert!(Path::new("/etc/passwd").exists() && Path::new("/usr/bin/env").exists());
    lab.remove().await;
}

#[test]
fn a_node_of_root_is_a_world_of_its_own() {
    run(a_node_is_a_world_of_its_own());
}

#[test]
fn a_node_of_a_user_is_a_world_of_its_own() {
    as_ordinary_user("isolation::for_a_user_a_node_is_a_world_of_its_own");
}

#[test]
#[ignore = "run as an ordinary user by the test above"]
fn for_a_user_a_node_is_a_world_of_its_own() {
    run(a_node_is_a_world_of_its_own());
}
