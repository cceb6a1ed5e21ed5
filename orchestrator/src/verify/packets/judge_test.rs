//! The verdict over captures that are written as the node writes them.

use std::borrow::Cow;
use std::fs::File;
use std::time::Duration;

use etherparse::{IpFragOffset, IpNumber, Ipv4Header, PacketBuilder};
use pcap_file::DataLink;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionBlock;

use super::*;

const SENDER: [u8; 4] = [10, 0, 0, 3];
const EVERYONE: [u8; 4] = [255; 4];
const PORT: u16 = 5005;

/// A lab of captures in a folder of their own.
struct Captures {
    folder: tempfile::TempDir,
    reports: Vec<CaptureReport>,
    snap: usize,
}

impl Captures {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            reports: Vec::new(),
            snap: usize::MAX,
        }
    }

    /// Adds a node's capture; the first one is the sender's.
    fn add(&mut self, node: &str, frames: &[Vec<u8>]) -> &mut CaptureReport {
        let file = format!("{node}-eth0.pcapng");
        let path = self.folder.path().join(&file);
        let mut writer = PcapNgWriter::new(File::create(path).unwrap()).unwrap();
        let interface = InterfaceDescriptionBlock::new(DataLink::ETHERNET, 0);
        writer.write_pcapng_block(interface).unwrap();
        for frame in frames {
            let packet = EnhancedPacketBlock {
                interface_id: 0,
                timestamp: Duration::from_secs(1),
                original_len: u32::try_from(frame.len()).unwrap(),
                data: Cow::Borrowed(&frame[..frame.len().min(self.snap)]),
                options: Vec::new(),
            };
            writer.write_pcapng_block(packet).unwrap();
        }
        self.reports.push(CaptureReport {
            scenario: "broadcast".to_owned(),
            node: node.to_owned(),
            interface: "eth0".to_owned(),
            file,
            packets: frames.len() as u64,
            dropped: 0,
            cut_short: None,
        });
        self.reports.last_mut().unwrap()
    }

    fn judge(&self, delivery: Delivery) -> ProofReport {
        self.judge_each(&vec![delivery; self.reports.len() - 1])
    }

    /// Judges with a delivery for each receiver.
    fn judge_each(&self, deliveries: &[Delivery]) -> ProofReport {
        let receivers = self.reports[1..].iter().zip(deliveries);
        let receivers = receivers.map(|(capture, &delivery)| Receiver { capture, delivery });
        judge(&Broadcast {
            sender: &self.reports[0],
            receivers: receivers.collect(),
            folder: self.folder.path(),
            from: &["10.0.0.3/24".parse().unwrap()],
            port: PORT,
        })
    }

    fn texts(&self) -> (Outcome, Vec<String>) {
        let proof = self.judge(Delivery::Perfect);
        let texts = proof.findings.into_iter().map(|f| f.text).collect();
        (proof.outcome, texts)
    }
}

fn frame(hardware: u8, to: [u8; 4], port: u16, payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 3], [hardware; 6])
        .ipv4(SENDER, to, 64)
        .udp(port, port);
    let mut bytes = Vec::with_capacity(builder.size(payload.len()));
    builder.write(&mut bytes, payload).unwrap();
    bytes
}

fn broadcast(payload: &[u8]) -> Vec<u8> {
    frame(0xff, EVERYONE, PORT, payload)
}

fn payload(number: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| (number * 31 + i * 7 + i / 251).to_le_bytes()[0])
        .collect()
}

fn broadcasts(frames: usize) -> Vec<Vec<u8>> {
    (0..frames).map(|n| broadcast(&payload(n, 1_000))).collect()
}

#[test]
fn a_broadcast_that_all_saw_passes() {
    let mut captures = Captures::new();
    let mut frames = broadcasts(1_024);
    frames.push(frame(0xff, [10, 0, 0, 255], PORT, b"to the subnet"));
    captures.add("c", &frames);
    // Other traffic, another order and a copy too many change nothing.
    let mut there = frames.clone();
    there.reverse();
    there.push(frame(2, [10, 0, 0, 1], 80, b"something else"));
    there.push(frames[0].clone());
    captures.add("a", &there);
    captures.add("b", &frames);
    let proof = captures.judge(Delivery::Perfect);
    assert_eq!(proof.outcome, Outcome::Passed, "{proof:?}");
    assert_eq!(
        proof.summary,
        "every broadcast frame (1 025) reached both receivers"
    );
    assert_eq!(proof.findings, []);
}

#[test]
fn a_loss_is_a_fault_on_a_perfect_path_alone() {
    let mut captures = Captures::new();
    captures.add("c", &broadcasts(10));
    captures.add("a", &broadcasts(9));
    captures.add("b", &broadcasts(10));
    let [perfect, impaired] = [Delivery::Perfect, Delivery::Impaired];
    let proof = captures.judge_each(&[impaired, perfect]);
    assert_eq!(proof.outcome, Outcome::Passed, "{proof:?}");
    let proof = captures.judge_each(&[perfect, impaired]);
    assert_eq!(proof.outcome, Outcome::Failed);
    assert_eq!(proof.findings.len(), 1, "{proof:?}");
}

#[test]
fn a_receiver_that_saw_less_is_named_with_the_counts() {
    let mut captures = Captures::new();
    let mut frames = broadcasts(10);
    frames.push(frames[3].clone());
    captures.add("c", &frames);
    captures.add("a", &frames);
    // A repetition that was seen once only is missing too.
    captures.add("b", &frames[..10]);
    let (outcome, texts) = captures.texts();
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(
        texts,
        ["b's eth0 saw 10 of 11 broadcast frames that c's eth0 sent"]
    );
    let proof = captures.judge(Delivery::Impaired);
    assert_eq!(proof.outcome, Outcome::Passed);
    assert_eq!(
        proof.summary,
        "of 11 broadcast frames over links that may lose some, a saw 11, b saw 10"
    );
}

#[test]
fn a_changed_byte_is_a_frame_that_was_not_seen() {
    let mut captures = Captures::new();
    let frames = broadcasts(3);
    captures.add("c", &frames);
    let mut changed = frames.clone();
    *changed[1].last_mut().unwrap() ^= 1;
    captures.add("a", &changed);
    assert_eq!(captures.texts().0, Outcome::Failed);
}

#[test]
fn a_filled_in_checksum_is_the_same_frame() {
    let mut captures = Captures::new();
    let frames = broadcasts(3);
    captures.add("c", &frames);
    let mut filled = frames.clone();
    // Ethernet 14, IPv4 20, UDP checksum at 6.
    filled[1][40] ^= 0xa5;
    captures.add("a", &filled);
    assert_eq!(captures.texts().0, Outcome::Passed);
}

#[test]
fn a_frame_that_is_not_for_everyone_fails() {
    let mut captures = Captures::new();
    let frames = vec![
        broadcast(b"well"),
        frame(0x02, EVERYONE, PORT, b"wrong hardware address"),
        frame(0xff, [10, 0, 0, 1], PORT, b"wrong address"),
    ];
    captures.add("c", &frames);
    captures.add("a", &frames);
    let (outcome, texts) = captures.texts();
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(
        texts,
        [
            "1 frame to port 5005 left c's eth0 for 255.255.255.255 at 02:02:02:02:02:02, not for everyone",
            "1 frame to port 5005 left c's eth0 for 10.0.0.1 at ff:ff:ff:ff:ff:ff, not for everyone",
        ]
    );
}

#[test]
fn silence_is_not_success() {
    let mut captures = Captures::new();
    captures.add("c", &[frame(0xff, EVERYONE, 9, b"another port")]);
    captures.add("a", &[]);
    let (outcome, texts) = captures.texts();
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(texts, ["no datagram to port 5005 left c's eth0"]);
}

/// Makes a capture one that cannot be relied on.
type Spoil = fn(&mut CaptureReport);

#[test]
fn an_incomplete_capture_gives_no_verdict() {
    let frames = broadcasts(3);
    let limit: Spoil = |c| c.cut_short = Some("size limit".to_owned());
    let spoil: [(&str, Spoil); 3] = [
        ("the kernel dropped 7 frames", |c| c.dropped = 7),
        ("size limit", limit),
        ("its file holds 2 of 3 frames", |c| c.packets = 3),
    ];
    for (why, spoil) in spoil {
        let mut captures = Captures::new();
        captures.add("c", &frames);
        spoil(captures.add("a", &frames[..2]));
        let (outcome, texts) = captures.texts();
        assert_eq!(outcome, Outcome::Incomplete, "{why}");
        assert!(texts[0].ends_with(why), "{texts:?}");
    }
}

#[test]
fn a_file_that_ends_in_the_middle_gives_no_verdict() {
    let mut captures = Captures::new();
    let frames = broadcasts(3);
    captures.add("c", &frames);
    captures.add("a", &frames);
    let path = captures.folder.path().join("a-eth0.pcapng");
    let length = std::fs::metadata(&path).unwrap().len();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(length - 10).unwrap();
    assert_eq!(captures.texts().0, Outcome::Incomplete);
    std::fs::remove_file(path).unwrap();
    let (outcome, texts) = captures.texts();
    assert_eq!(outcome, Outcome::Incomplete);
    assert!(texts[0].contains("a's eth0"), "{texts:?}");
}

#[test]
fn a_superframe_and_its_pieces_are_the_same() {
    let segment = 1_448;
    let whole: Vec<Vec<u8>> = [40_000, 9_000].map(|l| payload(l, l)).into();
    let cut: Vec<Vec<u8>> = whole
        .iter()
        .flat_map(|w| w.chunks(segment))
        .map(broadcast)
        .collect();
    let whole: Vec<Vec<u8>> = whole.iter().map(|w| broadcast(w)).collect();
    for (sent, seen) in [(&whole, &cut), (&cut, &whole)] {
        let mut captures = Captures::new();
        captures.add("c", sent);
        captures.add("a", seen);
        let proof = captures.judge(Delivery::Perfect);
        assert_eq!(proof.outcome, Outcome::Passed, "{proof:?}");
    }
    let mut captures = Captures::new();
    captures.add("c", &whole);
    captures.add("a", &cut[1..]);
    let (_, texts) = captures.texts();
    assert!(texts[0].contains("saw 1 of 2"), "{texts:?}");
}

#[test]
fn frames_of_which_only_headers_were_kept_are_matched_by_them() {
    let mut captures = Captures::new();
    captures.snap = 128;
    let frames: Vec<_> = (0..5).map(|n| broadcast(&payload(n, 1_400))).collect();
    captures.add("c", &frames);
    captures.add("a", &frames);
    captures.add("b", &frames[1..]);
    let (outcome, texts) = captures.texts();
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(
        texts,
        ["b's eth0 saw 4 of 5 broadcast frames that c's eth0 sent"]
    );
}

/// The frames of one datagram to `port` in fragments, as RFC 791 §3.2 makes them.
fn fragments(identification: u16, port: u16, payload: &[u8]) -> Vec<Vec<u8>> {
    let whole = frame(0xff, EVERYONE, port, payload);
    let (ethernet, udp) = (&whole[..14], &whole[34..]);
    let pieces: Vec<&[u8]> = udp.chunks(1_480).collect();
    let last = pieces.len() - 1;
    let fragment = |(place, piece): (usize, &&[u8])| {
        let length = u16::try_from(piece.len()).unwrap();
        let mut header = Ipv4Header::new(length, 64, IpNumber::UDP, SENDER, EVERYONE).unwrap();
        header.identification = identification;
        header.more_fragments = place != last;
        let offset = u16::try_from(place * 1_480 / 8).unwrap();
        header.fragment_offset = IpFragOffset::try_new(offset).unwrap();
        let mut bytes = ethernet.to_vec();
        header.write(&mut bytes).unwrap();
        bytes.extend_from_slice(piece);
        bytes
    };
    pieces.iter().enumerate().map(fragment).collect()
}

#[test]
fn every_fragment_counts_and_those_of_others_do_not() {
    let ours = fragments(1, PORT, &payload(1, 5_000));
    let others = fragments(2, 9, &payload(2, 5_000));
    assert_eq!(ours.len(), 4);
    let mut captures = Captures::new();
    captures.add("c", &[ours.clone(), others].concat());
    // In another order, so that later fragments come before the first.
    let mut reversed = ours.clone();
    reversed.reverse();
    captures.add("a", &reversed);
    captures.add("b", &ours[..3]);
    let (outcome, texts) = captures.texts();
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(
        texts,
        ["b's eth0 saw 3 of 4 broadcast frames that c's eth0 sent"]
    );
}
