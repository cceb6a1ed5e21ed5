//! That what is limited ends in its node.

use protocol::control::{Command, Exit, Program};

use crate::support::{Raised, command, plan, run};
use crate::user::as_ordinary_user;

#[test]
fn a_memory_hog_and_a_fork_bomb_end_in_their_node() {
    run(async {
        let mut plan = plan("limited", 2);
        plan.nodes[0].memory = Some(64 << 20);
        plan.nodes[0].pids = Some(20);
        plan.nodes[0].milli_cpus = Some(500);
        let lab = Raised::new(plan).await;
        assert_eq!(lab.fabric.warnings(), Vec::<String>::new());
        let hog = lab
            .try_shell(0, "exec /usr/bin/python3 -c 'x = bytearray(256 << 20)'")
            .await;
        assert_eq!(hog.exit, Exit::Signal(9));
        let bomb = "for i in $(seq 100); do sleep 60 & done; echo all";
        let bomb = lab.try_shell(0, bomb).await;
        assert_ne!(String::from_utf8_lossy(&bomb.stdout), "all\n");
        // The agent goes on, and the neighbour noticed nothing.
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
            plan.nodes[0].pids = Some(pids);
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
        plan.nodes[0].memory = Some(64 << 20);
        plan.nodes[0].pids = Some(20);
        plan.nodes[0].milli_cpus = Some(500);
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
