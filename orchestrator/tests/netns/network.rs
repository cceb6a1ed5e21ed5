//! What nodes hear of each other.

use std::sync::Arc;

use orchestrator::backend::Backend;
use orchestrator::control::ProcessEvent;
use orchestrator::plan::{Plan, Segment};
use protocol::control::Stream;
use protocol::link::Port;
use protocol::settings::Route;

use crate::support::{Raised, command, greet, interface, plan, run};
use crate::user::as_ordinary_user;

/// Prints `ready` once it is bound, then the first datagram and who sent it.
const RECEIVER: &str = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); \
    s.bind(('', 5005)); print('ready', flush=True); d, a = s.recvfrom(99); print(d.decode(), a[0])";

const SENDER: &str = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); \
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1); \
    s.sendto(b'hello', ('255.255.255.255', 5005))";

fn python(script: &str) -> protocol::control::Command {
    command(&["/usr/bin/python3", "-c", script])
}

async fn a_broadcast_reaches_all(lab: &Raised) {
    let mut receivers = Vec::new();
    for control in &lab.controls[1..] {
        let mut receiver = control.start(python(RECEIVER)).await.unwrap();
        match receiver.next().await.unwrap() {
            ProcessEvent::Printed(Stream::Output, bytes) => assert_eq!(bytes, b"ready\n"),
            other => panic!("{other:?}"),
        }
        receivers.push(receiver);
    }
    let sent = lab.controls[0].start(python(SENDER)).await.unwrap();
    let sent = sent.collect().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&sent.stderr), "");
    for receiver in receivers {
        let heard = receiver.collect().await.unwrap().stdout;
        assert_eq!(String::from_utf8_lossy(&heard), "hello 10.0.0.1\n");
    }
}

async fn three_nodes_hear_each_other() {
    let lab = Raised::new(plan("hear", 3)).await;
    a_broadcast_reaches_all(&lab).await;
    let addresses = lab.shell(
        1,
        "cat /etc/hosts; hostname; cat /sys/class/net/eth0/address",
    );
    let addresses = addresses.await;
    assert!(addresses.contains("10.0.0.3\tn3"), "{addresses}");
    assert!(addresses.ends_with("n2\n02:00:0a:00:00:02"), "{addresses}");
    lab.remove().await;
}

#[test]
fn three_nodes_of_root_hear_each_other() {
    run(three_nodes_hear_each_other());
}

#[test]
fn three_nodes_of_a_user_hear_each_other() {
    as_ordinary_user("network::for_a_user_three_nodes_hear_each_other");
}

#[test]
#[ignore = "run as an ordinary user by the test above"]
fn for_a_user_three_nodes_hear_each_other() {
    run(three_nodes_hear_each_other());
}

#[test]
fn two_labs_with_equal_subnets_do_not_hear_each_other() {
    run(async {
        let (one, two) = tokio::join!(Raised::new(plan("one", 3)), Raised::new(plan("two", 3)));
        let mut receiver = two.controls[1].start(python(RECEIVER)).await.unwrap();
        receiver.next().await.unwrap();
        a_broadcast_reaches_all(&one).await;
        a_broadcast_reaches_all_but_second(&two).await;
        // It heard its own lab's datagram and not the other's, which came first.
        let heard = receiver.collect().await.unwrap().stdout;
        assert_eq!(String::from_utf8_lossy(&heard), "second 10.0.0.1\n");
        one.remove().await;
        a_broadcast_reaches_all(&two).await;
        two.remove().await;
    });
}

async fn a_broadcast_reaches_all_but_second(lab: &Raised) {
    let sender = SENDER.replace("hello", "second");
    let sent = lab.controls[0].start(python(&sender)).await.unwrap();
    sent.collect().await.unwrap();
}

/// `n1` and `n3` are joined by a wire each to `n2`, which forwards.
fn wired() -> Plan {
    let mut plan = plan("wired", 3);
    let wire = |name: &str, ends: [(&str, &str); 2]| Segment {
        name: name.parse().unwrap(),
        wire: true,
        ports: ends
            .map(|(node, interface)| Port {
                node: node.parse().unwrap(),
                interface: interface.parse().unwrap(),
            })
            .to_vec(),
    };
    plan.segments = vec![
        wire("link-1", [("n1", "left0"), ("n2", "eth0")]),
        wire("link-2", [("n2", "eth1"), ("n3", "right0")]),
    ];
    let interfaces = [
        vec![interface("left0", [10, 1, 0, 1])],
        vec![
            interface("eth0", [10, 1, 0, 2]),
            interface("eth1", [10, 2, 0, 2]),
        ],
        vec![interface("right0", [10, 2, 0, 3])],
    ];
    for (node, interfaces) in plan.nodes.iter_mut().zip(interfaces) {
        node.settings.interfaces = interfaces;
    }
    plan.nodes[1].settings.forward = true;
    for (node, to, via) in [
        (0, "10.2.0.0/24", "10.1.0.2"),
        (2, "10.1.0.0/24", "10.2.0.2"),
    ] {
        plan.nodes[node].settings.routes.push(Route {
            to: to.parse().unwrap(),
            via: via.parse().unwrap(),
        });
    }
    plan
}

#[test]
fn wires_join_nodes_directly_and_a_forwarding_node_joins_wires() {
    run(async {
        let lab = Raised::new(wired()).await;
        let mut receiver = lab.controls[2].start(python(RECEIVER)).await.unwrap();
        receiver.next().await.unwrap();
        let sender = SENDER.replace("255.255.255.255", "10.2.0.3");
        let sent = lab.controls[0].start(python(&sender)).await.unwrap();
        sent.collect().await.unwrap();
        let heard = receiver.collect().await.unwrap().stdout;
        assert_eq!(String::from_utf8_lossy(&heard), "hello 10.1.0.1\n");
        lab.remove().await;
    });
}

#[test]
fn a_kept_lab_is_found_again() {
    run(async {
        let lab = Raised::new(plan("kept", 2)).await;
        let hold = lab.fabric.keep().await.unwrap();
        // The process that raised it goes: its end of the keeper's socket closes.
        drop((lab.fabric, lab.controls));
        let backend: Arc<dyn Backend> = Arc::new(lab.backend);
        let fabric = backend.attach(&hold).await.unwrap();
        let controls = greet(&lab.plan, fabric.as_ref()).await;
        assert_eq!(controls.len(), 2);
        let survey = backend.survey().await.unwrap();
        assert!(survey.iter().any(|owned| owned.lab == lab.plan.lab));
        let resources = lab.ledger.0.lock().unwrap().clone();
        for resource in &resources {
            backend.remove(resource).await.unwrap();
        }
        let survey = backend.survey().await.unwrap();
        assert!(survey.iter().all(|owned| owned.lab != lab.plan.lab));
        assert!(fabric.open(&lab.plan.nodes[0].name).await.is_err());
    });
}
