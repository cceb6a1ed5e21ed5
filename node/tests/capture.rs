//! Captures on a wire in a network namespace that each test makes. Needs root; the oracle is tshark.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::net::UdpSocket;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{setsockopt, sockopt};
use node::capture::{self, Running};
use pcap_file::pcapng::{Block, PcapNgReader};
use plumbing::netlink::{Batch, Link, LinkMonitor, RouteSocket, VethEnd};
use protocol::control::{Capture, CaptureSummary, FailureKind};
use protocol::frame::DATA_CHUNK;

#[test]
fn tshark_reads_every_frame_with_interface_direction_and_nanoseconds() {
    if !tshark_is_there() {
        return;
    }
    on_a_wire(|| {
        let far = Recording::start("right", None, u64::MAX);
        let near = Recording::start("left", None, u64::MAX);
        let sender = broadcaster();
        for number in 0..1000_u16 {
            sender.send_to(&payload(number), "10.0.0.255:9").unwrap();
        }
        let home = tempfile::tempdir().unwrap();
        for (recording, interface, direction) in [(far, "right", "1"), (near, "left", "2")] {
            let (summary, bytes) = recording.stop();
            assert_eq!((summary.dropped, &summary.cut_short), (0, &None));
            let file = home.path().join(interface);
            fs::write(&file, bytes).unwrap();
            let fields = [
                "frame.interface_name",
                "frame.packet_flags_direction",
                "frame.time_epoch",
                "data.data",
            ];
            let lines = tshark(&file, &fields);
            assert_eq!(lines.len(), 1000);
            let mut last = String::new();
            for (number, line) in (0..).zip(lines) {
                assert_eq!(line[0], interface);
                assert_eq!(line[1].trim_start_matches("0x0000000"), direction);
                let (_, nanoseconds) = line[2].split_once('.').unwrap();
                assert_eq!(nanoseconds.len(), 9);
                assert!(line[2] >= last, "stamps go back at {number}");
                last.clone_from(&line[2]);
                assert_eq!(line[3], hexadecimal(&payload(number)));
            }
        }
    });
}

#[test]
fn superframes_are_captured_whole_and_chunks_stay_small() {
    on_a_wire(|| {
        let recording = Recording::start("right", None, u64::MAX);
        let sender = broadcaster();
        setsockopt(&sender, sockopt::UdpGsoSegment, &1000).unwrap();
        for _ in 0..20 {
            sender.send_to(&vec![b'x'; 60_000], "10.0.0.255:9").unwrap();
        }
        let (_, bytes) = recording.stop();
        let frames = frames(&bytes);
        assert_eq!(
            frames
                .iter()
                .filter(|frame| **frame == (60_042, 60_042))
                .count(),
            20
        );
    });
}

#[test]
fn only_the_beginning_of_frames_is_kept_where_asked() {
    on_a_wire(|| {
        let recording = Recording::start("right", Some(64), u64::MAX);
        broadcaster().send_to(&[0; 1000], "10.0.0.255:9").unwrap();
        let (_, bytes) = recording.stop();
        assert!(frames(&bytes).contains(&(64, 1042)));
    });
}

#[test]
fn the_size_limit_ends_a_capture_that_stays_readable() {
    on_a_wire(|| {
        let recording = Recording::start("right", None, 10_000);
        let sender = broadcaster();
        for _ in 0..100 {
            sender.send_to(&[0; 1000], "10.0.0.255:9").unwrap();
        }
        let (summary, bytes) = recording.stop();
        assert!(
            bytes.len() <= 10_000 && bytes.len() > 8_000,
            "{}",
            bytes.len()
        );
        assert_eq!(frames(&bytes).len() as u64, summary.packets);
        assert!(summary.cut_short.unwrap().contains("limit"));
    });
}

#[test]
fn an_interface_that_goes_away_cuts_the_capture_short() {
    on_a_wire(|| {
        let recording = Recording::start("right", None, u64::MAX);
        broadcaster().send_to(b"before", "10.0.0.255:9").unwrap();
        let mut socket = RouteSocket::open().unwrap();
        let left = socket
            .links()
            .unwrap()
            .into_iter()
            .find(|link| link.name == "left")
            .unwrap();
        let mut batch = Batch::new();
        batch.delete_link(left.index);
        socket.carry_out(batch).unwrap();
        let (summary, bytes) = recording.stop();
        assert!(frames(&bytes).contains(&(48, 48)));
        assert!(summary.cut_short.unwrap().contains("removed"));
    });
}

#[test]
fn a_link_that_goes_down_and_up_does_not_end_a_capture() {
    on_a_wire(|| {
        let recording = Recording::start("right", None, u64::MAX);
        let mut socket = RouteSocket::open().unwrap();
        let right = socket
            .links()
            .unwrap()
            .into_iter()
            .find(|link| link.name == "right")
            .unwrap();
        for up in [false, true] {
            let mut batch = Batch::new();
            if up {
                batch.bring_up(right.index);
            } else {
                batch.take_down(right.index);
            }
            socket.carry_out(batch).unwrap();
        }
        settle(&mut socket);
        broadcaster().send_to(b"after", "10.0.0.255:9").unwrap();
        let (summary, bytes) = recording.stop();
        assert!(frames(&bytes).contains(&(47, 47)));
        assert_eq!(summary.cut_short, None);
    });
}

#[test]
fn an_interface_that_is_not_there_is_not_found() {
    let capture = Capture {
        interface: "none-such".parse().unwrap(),
        snap_length: None,
        limit: 1,
    };
    let failure = capture::start(capture, |_| ControlFlow::Continue(())).unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound, "{failure}");
}

/// A capture into memory.
struct Recording {
    running: Running,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Recording {
    fn start(interface: &str, snap_length: Option<u32>, limit: u64) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&bytes);
        let capture = Capture {
            interface: interface.parse().unwrap(),
            snap_length,
            limit,
        };
        let sink = move |chunk: Vec<u8>| {
            assert!(chunk.len() <= DATA_CHUNK);
            into.lock().unwrap().extend(chunk);
            ControlFlow::Continue(())
        };
        Self {
            running: capture::start(capture, sink).unwrap(),
            bytes,
        }
    }

    fn stop(self) -> (CaptureSummary, Vec<u8>) {
        let summary = self.running.stop();
        let bytes = std::mem::take(&mut *self.bytes.lock().unwrap());
        (summary, bytes)
    }
}

/// Captured and original length of each frame.
fn frames(bytes: &[u8]) -> Vec<(usize, u32)> {
    let mut reader = PcapNgReader::new(bytes).unwrap();
    let mut frames = Vec::new();
    while let Some(block) = reader.next_block() {
        if let Block::EnhancedPacket(packet) = block.unwrap() {
            frames.push((packet.data.len(), packet.original_len));
        }
    }
    frames
}

/// Runs `body` in a new network namespace with a wire between `left`, which has 10.0.0.1/24, and
/// `right`, which has no address.
fn on_a_wire(body: impl FnOnce() + Send) {
    let work = move || {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let mut socket = RouteSocket::open().unwrap();
        let mut batch = Batch::new();
        let end = |name| VethEnd {
            name,
            index: None,
            mac: None,
            namespace: None,
        };
        batch.create_veth(&end("left"), &end("right"), None);
        socket.carry_out(batch).unwrap();
        let mut batch = Batch::new();
        for link in socket.links().unwrap() {
            batch.bring_up(link.index);
            if link.name == "left" {
                batch.add_address(link.index, "10.0.0.1/24".parse().unwrap());
            }
        }
        socket.carry_out(batch).unwrap();
        settle(&mut socket);
        body();
    };
    thread::scope(|scope| scope.spawn(work).join().unwrap());
}

/// Waits until the kernel lets the wire pass frames, which it does a moment after both ends are up.
fn settle(socket: &mut RouteSocket) {
    let mut monitor = LinkMonitor::open().unwrap();
    let down = |link: &Link| !link.operational && link.name != "lo";
    while socket.links().unwrap().iter().any(down) {
        assert!(monitor.wait(Duration::from_secs(10)).unwrap());
    }
}

fn broadcaster() -> UdpSocket {
    let socket = UdpSocket::bind("10.0.0.1:0").unwrap();
    socket.set_broadcast(true).unwrap();
    socket
}

fn payload(number: u16) -> Vec<u8> {
    number.to_be_bytes().repeat(1 + usize::from(number % 700))
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Fields of the datagrams to port 9 in a file.
fn tshark(file: &Path, fields: &[&str]) -> Vec<Vec<String>> {
    let output = Command::new("tshark")
        .args([
            "-n",
            "-Y",
            "udp.dstport == 9",
            "-d",
            "udp.port==9,data",
            "-T",
            "fields",
        ])
        .args(fields.iter().flat_map(|field| ["-e", field]))
        .arg("-r")
        .arg(file)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

/// Whether tshark can be run. Where nothing may be left out, it must.
fn tshark_is_there() -> bool {
    let there = Command::new("tshark").arg("--version").output().is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "install tshark");
    there
}
