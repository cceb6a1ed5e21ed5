//! Whatever reads bytes from the network, over mutated samples of what is sent there.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use protocol::broadcast::{
    Datagram, FileEntry, Message, Poll, Report, Seal, State, SymbolSet, Want, manifest,
};
use roles::broadcast::probe;
use roles::{file_client, serve};

#[test]
fn no_datagram_makes_a_decoder_panic() {
    over_mutations(&samples(), probe::datagram);
}

#[test]
fn no_manifest_makes_a_receiver_panic() {
    let entry = |name: &str, length| FileEntry {
        name: name.parse().unwrap(),
        length,
    };
    let files = [
        entry("data.jpg", 150_000),
        entry("nothing", 0),
        entry("big", 1 << 40),
    ];
    over_mutations(&[manifest::encode(&files).unwrap()], probe::manifest);
}

#[test]
fn no_datagrams_make_a_receiver_panic() {
    over_mutations(&[conversation()], probe::receiver);
}

#[test]
fn no_datagrams_make_a_sender_panic() {
    over_mutations(&[conversation()], probe::sender);
}

#[test]
fn no_requests_make_a_server_panic_or_answer_other_than_in_replies() {
    let home = tempfile::tempdir().unwrap();
    let requests: [&[u8]; 8] = [
        b"LIST\r\n",
        b"UPLOAD 'a b.txt' Zm9vYmFyCg==\r\nGET 'a b.txt'\r\n",
        b"DELETE \"a b.txt\"\n",
        b"UPLOAD b.bin ",
        b"AAECAwQF",
        b"BgcICQ==\r\n\r\n",
        b"",
        b"download b.bin",
    ];
    let mut sample = Vec::new();
    for request in requests {
        sample.push(u8::try_from(request.len()).unwrap());
        sample.extend(request);
    }
    over_mutations(&[sample], |bytes| {
        serve::probe::session(home.path(), bytes).unwrap();
    });
}

#[test]
fn no_replies_make_a_client_panic_or_differ_by_where_they_are_cut() {
    let replies = [
        "\u{7}\u{3}{\"status\": \"OK\", \"data\": [\"a.txt\", \"\\u00fc\"]}\r\n\r\n",
        "\u{40}\u{1}{\"status\": \"OK\", \"data_namafile\": \"a\", \"data_file\": \"Zm9vYg==\"}\r\n\r\n",
        "\u{2}\u{9}{\"status\":\"ERROR\",\"data\":\"no \\\" file\"}\n\n{\"status\":\"OK\"}",
    ];
    let samples = replies.map(|reply| reply.as_bytes().to_vec());
    over_mutations(&samples, |bytes| {
        file_client::probe::replies(bytes).unwrap();
    });
}

/// A datagram of each kind.
fn samples() -> Vec<Vec<u8>> {
    let manifest = manifest::encode(&[FileEntry {
        name: "f".parse().unwrap(),
        length: 5,
    }]);
    let mut block = manifest.unwrap();
    let poll = Poll {
        round: 0,
        upto: 1,
        symbol_size: 256,
        open: 16,
        manifest_length: u32::try_from(block.len()).unwrap(),
        manifest_hash: *blake3::hash(&block).as_bytes(),
    };
    block.extend(blake3::hash(&block).as_bytes());
    let content = [&b"bytes"[..], blake3::hash(b"bytes").as_bytes()].concat();
    let missing = [1, 2, 3, 90, 500].into_iter().collect::<SymbolSet>();
    let want = |block| Want {
        block,
        need: 3,
        missing: missing.clone(),
    };
    let report = Report {
        state: State::Receiving,
        receiver: 9,
        buffer: 1 << 20,
        known: 4,
        base: 1,
        wants: vec![want(1), want(3)],
        ..Report::leaving()
    };
    let data = |block, bytes| Message::Data {
        block,
        symbol: 0,
        bytes,
    };
    let messages = [
        Message::Poll(poll),
        data(0, &block),
        data(1, &content),
        Message::Report(report),
        Message::End,
    ];
    let session = probe::SESSION;
    let encode = |message| Datagram { session, message }.encode(&Seal::default(), usize::MAX);
    messages.into_iter().map(encode).collect()
}

/// All of them one after the other, as the probes cut them up again.
fn conversation() -> Vec<u8> {
    let mut bytes = Vec::new();
    for sample in samples() {
        bytes.push(u8::try_from(sample.len()).unwrap());
        bytes.extend(sample);
    }
    bytes
}

/// Calls it with each sample as it is and in thousands of variations, the same every time.
fn over_mutations(samples: &[Vec<u8>], probe: impl Fn(&[u8])) {
    let mut state = 7_u64;
    let mut random = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(limit.max(1)).unwrap()).unwrap()
    };
    for sample in samples {
        probe(sample);
        for _variation in 0..4_000 {
            let mut bytes = sample.clone();
            for _change in 0..=random(4) {
                let place = random(bytes.len());
                let value = [0, 1, 0x7f, 0x80, 0xff, random(256)][random(6)];
                match random(4) {
                    0 => bytes.truncate(place),
                    1 => bytes.insert(place, u8::try_from(value).unwrap()),
                    _ if place < bytes.len() => bytes[place] = u8::try_from(value).unwrap(),
                    _ => {}
                }
            }
            probe(&bytes);
        }
    }
}
