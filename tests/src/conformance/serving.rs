//! A file server and hundreds of clients, while workers are killed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use orchestrator::control::{Collected, Control, Process, ProcessEvent};
use orchestrator::lab::Lab;
use protocol::content::Content;
use protocol::control::{Condition, Stream, Transport};
use protocol::conversation::{Order, ReplyRecord, Request};
use protocol::role::RoleEvent;
use protocol::stress::{ClientRecord, ServerRecord};

use super::Site;
use super::site::{control, print, role};

/// On two nodes, 100 clients that each store a file of their own, 50 that fetch one that stays, and 50
/// that store, fetch and remove files under names that they share.
pub(super) async fn nothing_is_lost_though_workers_are_killed(site: &Site) {
    let lab = site.raise_three().await;
    let node = control(&lab, "a");
    fill(node).await;
    let serve = ["serve", "--directory", FOLDER, "--model", "process"];
    let more = ["--workers", "8", "--port", "46666"];
    let server = node
        .start(role(&[&serve[..], &more].concat()))
        .await
        .unwrap();
    let (pid, handle) = (server.pid(), server.handle());
    let told = tokio::spawn(server.collect());
    let listens = Condition::Port {
        transport: Transport::Tcp,
        port: 46_666,
    };
    node.wait_for(listens, Duration::from_secs(20))
        .await
        .unwrap();
    let over = AtomicBool::new(false);
    let clients = async {
        let did = join_all(["b", "c"].map(|name| clients(&lab, name))).await;
        over.store(true, Ordering::Relaxed);
        did
    };
    let (did, killed) = tokio::join!(clients, kill_workers(node, pid, &over));
    handle.signal(15).await.unwrap();
    let record = server_record(&told.await.unwrap().unwrap());
    assert!(
        (1..=killed).contains(&record.workers_failed) && record.workers_ok == 8,
        "{killed} were killed, {record:?}"
    );
    let acknowledged = did.into_iter().flatten().collect();
    judge_files(node, &acknowledged, killed).await;
    site.destroy(lab).await;
}

/// What may lie under a name, by hash.
type Stored = BTreeMap<String, String>;

/// Makes the file that stays.
async fn fill(node: &Control) {
    let words = [
        "fill",
        "--directory",
        FOLDER,
        "--size",
        SIZE,
        "--seed",
        "5",
        "stays.bin",
    ];
    let made = node.start(role(&words)).await.unwrap().collect().await;
    assert!(matches!(events(&made.unwrap())[..], [RoleEvent::Digest(_)]));
}

/// Kills one worker after the other until it is over, or enough; says how many.
async fn kill_workers(node: &Control, server: u32, over: &AtomicBool) -> u32 {
    let mut killed = 0;
    let mut dice = 12_345_u32;
    while killed < KILLED && !over.load(Ordering::Relaxed) {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let place = 1 + (dice >> 16) % 8;
        // It may have died meanwhile, but its number is not given again so soon.
        let script = format!(
            "set -- $(cat /proc/{server}/task/{server}/children); \
             shift {}; kill -9 ${{1:-none}} 2>/dev/null; :",
            place - 1
        );
        print(node, &script).await;
        killed += 1;
    }
    killed
}

/// The clients of a node, all at once. The files whose storing was acknowledged, by hash.
async fn clients(lab: &Lab, name: &str) -> Stored {
    let node = control(lab, name);
    let server = format!("{}:46666", address(lab));
    let stress = |operation: &'static str, workers: &'static str, prefix: String| {
        let words = ["stress", "--server", &server, "--operation", operation];
        let more = ["--workers", workers, "--size", SIZE, "--seed", "5"];
        let last = ["--prefix", &prefix, "--model", "async"];
        let words = [&words[..], &more, &last].concat();
        let command = role(&words);
        async move {
            let ended = node.start(command).await.unwrap().collect().await.unwrap();
            let client = |event| match event {
                RoleEvent::Client(record) => Some(record),
                _ => None,
            };
            let records: Vec<ClientRecord> =
                events(&ended).into_iter().filter_map(client).collect();
            assert_eq!(records.len().to_string(), workers, "{ended:?}");
            records
        }
    };
    let stored = stress("upload", "50", format!("own-{name}"));
    let fetched = stress("download", "25", "stays".to_owned());
    let hashes = shared_hashes();
    let shared = (0..SHARING).map(|number| share(node, &server, (name, number), &hashes));
    let shared = join_all(shared);
    let (stored, fetched, _) = tokio::join!(stored, fetched, shared);
    for record in fetched {
        // What came whole was right; a worker that was killed breaks off.
        let failure = record.failure.unwrap_or_default();
        assert!(!failure.contains("the content"), "{failure}");
    }
    let stored = stored.into_iter().filter(|record| record.failure.is_none());
    stored
        .map(|record| (record.name.to_string(), record.blake3))
        .collect()
}

/// Stores, fetches and removes files under names that others use too.
async fn share(
    node: &Control,
    server: &str,
    (name, number): (&str, u32),
    hashes: &BTreeSet<String>,
) {
    let folder = format!("/root/sharing-{name}-{number}");
    let file = format!("{folder}/mine");
    node.put(&file, 0o644, &shared_content(name, number)[..])
        .await
        .unwrap();
    let words = ["converse", "--server", server, "--directory", &folder];
    let mut client = node.start(role(&words)).await.unwrap();
    let mut printed = Vec::new();
    let ready = next_event(&mut client, &mut printed).await;
    assert_eq!(ready, RoleEvent::Ready);
    for round in 0..6 {
        let name = format!("shared {}.bin", (number + round) % 10);
        let request = match (number + round) % 3 {
            0 => Request::Get(name),
            1 => Request::Delete(name),
            _ => Request::Upload {
                name,
                file: file.clone(),
            },
        };
        let reply = ask(&mut client, round, request, &mut printed).await;
        if let Some(content) = reply.content.filter(|_| reply.failure.is_none()) {
            assert!(
                hashes.contains(&content.blake3),
                "a mixed file: {content:?}"
            );
        }
    }
    client.handle().close_input().await.unwrap();
    client.collect().await.unwrap();
}

async fn ask(
    client: &mut Process,
    number: u32,
    request: Request,
    printed: &mut Vec<u8>,
) -> ReplyRecord {
    let order = Order {
        number,
        request,
        within_ms: 60_000,
    };
    let line = serde_json::to_string(&order).unwrap() + "\n";
    client.handle().write(line.into_bytes()).await.unwrap();
    match next_event(client, printed).await {
        RoleEvent::Replied(record) => record,
        other => panic!("it printed {other:?}"),
    }
}

async fn next_event(client: &mut Process, printed: &mut Vec<u8>) -> RoleEvent {
    loop {
        if let Some(end) = printed.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = printed.drain(..=end).collect();
            return serde_json::from_slice(&line).unwrap();
        }
        match client.next().await.unwrap() {
            ProcessEvent::Printed(Stream::Output, bytes) => printed.extend(bytes),
            other => panic!("a client ended: {other:?}"),
        }
    }
}

/// Each file at the end is whole, and one that some client has stored.
async fn judge_files(node: &Control, acknowledged: &Stored, killed: u32) {
    let hashes = shared_hashes();
    let mut found = BTreeSet::new();
    for entry in node.list(FOLDER).await.unwrap() {
        let path = format!("{FOLDER}/{}", entry.name);
        let bytes = node.get(&path).await.unwrap().all(4 << 20).await.unwrap();
        let hash = blake3_of(&bytes);
        if entry.name.starts_with("shared ") {
            assert!(hashes.contains(&hash), "{} is nobody's", entry.name);
        } else if entry.name != "stays.bin" {
            let own = entry.name.trim_end_matches(".bin").rsplit('-').next();
            let client: u32 = own
                .and_then(|number| number.parse().ok())
                .unwrap_or_else(|| panic!("{} is nobody's", entry.name));
            let mut expected = vec![0; bytes.len()];
            Content::new(5, client + 1).fill(0, &mut expected);
            assert!(bytes == expected, "{} is another's", entry.name);
            assert_eq!(bytes.len().to_string(), SIZE, "{} is cut", entry.name);
        }
        found.insert(entry.name);
    }
    for name in acknowledged.keys() {
        assert!(found.contains(name), "{name} was acknowledged and is lost");
    }
    // With each worker one connection dies at most.
    let stored = u32::try_from(acknowledged.len()).unwrap();
    assert!(stored + killed >= 100, "{stored} stored, {killed} killed");
}

/// The server's address.
fn address(lab: &Lab) -> IpAddr {
    let mut nodes = lab.plan().nodes.iter();
    let node = nodes.find(|node| node.name.as_str() == "a").unwrap();
    node.settings.interfaces[0].addresses[0].addr()
}

fn server_record(printed: &Collected) -> ServerRecord {
    let served = events(printed).into_iter().find_map(|event| match event {
        RoleEvent::Served(record) => Some(record),
        _ => None,
    });
    served.unwrap_or_else(|| panic!("the server broke off: {printed:?}"))
}

fn events(printed: &Collected) -> Vec<RoleEvent> {
    let text = String::from_utf8_lossy(&printed.stdout);
    let event = |line| serde_json::from_str(line).unwrap();
    text.lines().map(event).collect()
}

/// What a client stores under names that it shares.
fn shared_content(name: &str, number: u32) -> Vec<u8> {
    let client = number + if name == "b" { 1000 } else { 2000 };
    let mut bytes = vec![0; 200_000 + number as usize * 1000];
    Content::new(6, client).fill(0, &mut bytes);
    bytes
}

fn shared_hashes() -> BTreeSet<String> {
    let of = |name| (0..SHARING).map(move |number| shared_content(name, number));
    let contents = ["b", "c"].into_iter().flat_map(of);
    contents.map(|bytes| blake3_of(&bytes)).collect()
}

fn blake3_of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_string()
}

const FOLDER: &str = "/root/files";

/// The length of files that nobody shares, in bytes.
const SIZE: &str = "500000";

/// Clients on each node that share names.
const SHARING: u32 = 25;

/// The most workers that are killed: fewer than there are clients whose files must be there.
const KILLED: u32 = 40;
