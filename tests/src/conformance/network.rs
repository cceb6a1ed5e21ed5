//! What moves between nodes.

use orchestrator::control::ProcessEvent;
use orchestrator::control::transfer::Captured;
use orchestrator::lab::Lab;
use protocol::control::{Capture, Exit, Stream};
use protocol::role::RoleEvent;

use super::Site;
use super::site::{control, noise, print, role, run};

pub(super) async fn a_broadcast_arrives(site: &Site) {
    let lab = site.raise_three().await;
    let body = noise(200_000);
    broadcast(&lab, &body, &["a", "b"]).await;
    for node in ["a", "b"] {
        assert!(received(&lab, node).await == body, "{node} has other bytes");
    }
    site.destroy(lab).await;
}

pub(super) async fn interfaces_are_as_planned(site: &Site) {
    let plan = Site::plan(ROUTED);
    let lab = site.raise(&plan).await;
    for node in &plan.nodes {
        let control = control(&lab, node.name.as_str());
        let host = print(control, "read h < /proc/sys/kernel/hostname; echo $h").await;
        assert_eq!(host.trim(), node.name.as_str());
        let device = print(
            control,
            "while read l; do echo \"$l\"; done < /proc/net/dev",
        )
        .await;
        for interface in &node.settings.interfaces {
            assert!(device.contains(&format!("{}:", interface.name)), "{device}");
            let mac = format!(
                "read m < /sys/class/net/{}/address; echo $m",
                interface.name
            );
            assert_eq!(print(control, &mac).await.trim(), interface.mac.to_string());
        }
        let forward = print(control, "read f < /proc/sys/net/ipv4/ip_forward; echo $f").await;
        assert_eq!(
            forward.trim() == "1",
            node.settings.forward,
            "{}",
            node.name
        );
    }
    site.destroy(lab).await;
}

pub(super) async fn names_resolve(site: &Site) {
    let plan = Site::plan(ROUTED);
    let lab = site.raise(&plan).await;
    for node in ["left", "router", "right"] {
        let hosts = print(control(&lab, node), "/bin/cat /etc/hosts").await;
        let resolves = |name: &str, address: &str| {
            hosts.lines().any(|line| {
                let mut words = line.split_whitespace();
                words.next() == Some(address) && words.any(|word| word == name)
            })
        };
        assert!(resolves("left", "10.1.0.11"), "{hosts}");
        assert!(resolves("left", "fd01::11"), "{hosts}");
        assert!(resolves("right", "10.2.0.11"), "{hosts}");
        assert!(resolves("localhost", "127.0.0.1"), "{hosts}");
    }
    site.destroy(lab).await;
}

pub(super) async fn a_wire_joins_two_nodes(site: &Site) {
    let lab = site.raise(&Site::plan(WIRED)).await;
    let body = noise(50_000);
    broadcast_on(&lab, &body, "near", "eth0", &["far"]).await;
    assert!(received(&lab, "far").await == body);
    site.destroy(lab).await;
}

pub(super) async fn a_capture_sees_a_broadcast(site: &Site) {
    let lab = site.raise_three().await;
    let capture = |snap_length| Capture {
        interface: "eth0".parse().unwrap(),
        snap_length,
        limit: u64::MAX,
    };
    let mut whole = control(&lab, "a").capture(capture(None)).await.unwrap();
    let mut headers = control(&lab, "b")
        .capture(capture(Some(128)))
        .await
        .unwrap();
    let body = noise(100_000);
    broadcast(&lab, &body, &["a", "b"]).await;
    let mut sizes = Vec::new();
    for capture in [&mut whole, &mut headers] {
        capture.stopper().stop().await.unwrap();
        let mut bytes = Vec::new();
        let summary = loop {
            match capture.next().await.unwrap() {
                Captured::Bytes(more) => bytes.extend_from_slice(&more),
                Captured::Ended(summary) => break summary,
            }
        };
        // The section header block that opens every pcapng file.
        assert_eq!(bytes[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
        assert_eq!((summary.dropped, &summary.cut_short), (0, &None));
        // Dozens of datagrams may cross as one frame.
        assert!(summary.packets > 5, "{summary:?}");
        sizes.push(bytes.len());
    }
    assert!(
        sizes[0] > body.len() && sizes[1] < body.len() / 2,
        "{sizes:?}"
    );
    drop((whole, headers));
    let nowhere = Capture {
        interface: "eth9".parse().unwrap(),
        ..capture(None)
    };
    let refused = control(&lab, "a")
        .capture(nowhere)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("eth9"), "{refused}");
    site.destroy(lab).await;
}

/// Two labs of the same names, addresses and MACs: what is sent in one is not heard in the other.
pub(super) async fn labs_do_not_hear_each_other(site: &Site) {
    let (one, other) = (site.raise_three().await, site.raise_three().await);
    let capture = Capture {
        interface: "eth0".parse().unwrap(),
        snap_length: None,
        limit: u64::MAX,
    };
    let mut listening = control(&other, "a").capture(capture).await.unwrap();
    let body = noise(20_000);
    broadcast(&one, &body, &["a", "b"]).await;
    listening.stopper().stop().await.unwrap();
    let mut heard = Vec::new();
    while let Captured::Bytes(more) = listening.next().await.unwrap() {
        heard.extend_from_slice(&more);
    }
    let sent = &body[1000..1064];
    assert!(!heard.windows(sent.len()).any(|part| part == sent));
    drop(listening);
    site.destroy(one).await;
    site.destroy(other).await;
}

async fn broadcast(lab: &Lab, body: &[u8], to: &[&str]) {
    broadcast_on(lab, body, "c", "eth0", to).await;
}

/// Broadcasts a file with the node's own programs.
async fn broadcast_on(lab: &Lab, body: &[u8], from: &str, interface: &str, to: &[&str]) {
    let sender = control(lab, from);
    sender.put("/root/sent.bin", 0o644, body).await.unwrap();
    let mut receivers = Vec::new();
    for node in to {
        let receive = role(&[
            "broadcast-receive",
            "--port",
            "5005",
            "--interface",
            "eth0",
            "--directory",
            "/root/in",
            "--deadline",
            "60s",
        ]);
        let mut receiver = control(lab, node).start(receive).await.unwrap();
        let ready = receiver.next().await.unwrap();
        let ProcessEvent::Printed(Stream::Output, line) = ready else {
            panic!("{node}: {ready:?}");
        };
        assert_eq!(
            serde_json::from_slice::<RoleEvent>(&line).unwrap(),
            RoleEvent::Ready
        );
        receivers.push(receiver);
    }
    let count = to.len().to_string();
    let send = role(&[
        "broadcast-send",
        "--to",
        "255.255.255.255",
        "--port",
        "5005",
        "--interface",
        interface,
        "--receivers",
        &count,
        "--file",
        "/root/sent.bin",
        "--deadline",
        "60s",
    ]);
    let sent = run(sender, send).await;
    assert_eq!(sent.exit, Exit::Code(0), "{sent:?}");
    for receiver in receivers {
        let ended = receiver.collect().await.unwrap();
        assert_eq!(ended.exit, Exit::Code(0), "{ended:?}");
    }
}

async fn received(lab: &Lab, node: &str) -> Vec<u8> {
    let file = control(lab, node).get("/root/in/sent.bin").await.unwrap();
    file.all(1 << 20).await.unwrap()
}

/// Two networks and what forwards between them.
const ROUTED: &str = r#"
name = "routed"
[network.west]
subnet = ["10.1.0.0/24", "fd01::/64"]
[network.east]
subnet = ["10.2.0.0/24", "fd02::/64"]
[node.left.interface.eth0]
network = "west"
address = ["10.1.0.11", "fd01::11"]
mac = "32:39:f0:0c:49:79"
[node.router]
networks = ["west", "east"]
forward = true
[node.right.interface.eth0]
network = "east"
address = ["10.2.0.11", "fd02::11"]
"#;

/// A wire and no switch.
const WIRED: &str = r#"
name = "wired"
[node.near]
[node.far]
[[link]]
ends = ["near:eth0", "far:eth0"]
subnet = "10.7.0.0/30"
"#;
