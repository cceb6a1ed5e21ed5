//! Feeds any bytes to whatever reads bytes from the network. Nothing may panic: the fuzz targets in
//! `fuzz/` and the test `roles/tests/decoders.rs` see to that.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use protocol::broadcast::{Datagram, FileEntry, HEADER, Layout, Seal, manifest};

use super::{Expected, Receiver, ReceiverSettings, Sender, SenderSettings};

/// Reads them as a datagram, as they are and with the checksum set right.
pub fn datagram(bytes: &[u8]) {
    for seal in [Seal::default(), Seal::with_secret(b"secret")] {
        // What it says does not matter, nor whether it is refused.
        let _ = Datagram::decode(bytes, &seal);
        let _ = Datagram::decode(&sealed(bytes, &seal), &seal);
    }
}

/// Reads them as a manifest and looks at every place of a layout of those files.
pub fn manifest(bytes: &[u8]) {
    let Ok(files) = manifest::decode(bytes) else {
        return;
    };
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let Ok(layout) = Layout::new(1456, length, &files) else {
        return;
    };
    for number in [
        0,
        1,
        2,
        layout.blocks() / 2,
        layout.blocks().saturating_sub(1),
        u32::MAX,
    ] {
        if let Some(block) = layout.block(number) {
            for symbol in [
                0,
                1,
                block.source(),
                block.source() + block.parity(),
                u16::MAX,
            ] {
                let _ = block.symbol_length(symbol);
            }
        }
    }
}

/// Gives them, cut into datagrams, to a receiver.
pub fn receiver(bytes: &[u8]) {
    let now = Instant::now();
    let settings = ReceiverSettings {
        receiver: 1,
        buffer: 1 << 20,
        seal: Seal::default(),
        sessions: 2,
        patience: Duration::from_secs(1),
        deadline: None,
    };
    let mut receiver = Receiver::new(settings, now);
    for (after, datagram) in (0..).zip(datagrams(bytes)) {
        let now = now + Duration::from_millis(after);
        receiver.on_datagram(now, address(), &datagram);
        receiver.on_timer(now);
        while receiver.poll_action().is_some() {}
        while receiver.poll_event().is_some() {}
    }
}

/// Gives them, cut into datagrams, to a sender that is at work.
pub fn sender(bytes: &[u8]) {
    let now = Instant::now();
    let Ok(name) = "file".parse() else { return };
    let files = [FileEntry {
        name,
        length: 3_000_000,
    }];
    let settings = SenderSettings {
        session: SESSION,
        symbol_size: 1456,
        seal: Seal::default(),
        expected: Expected::Count(2),
        patience: Duration::from_secs(1),
        deadline: Duration::from_secs(9),
        rate: None,
    };
    let Ok(mut sender) = Sender::new(settings, &files, now) else {
        return;
    };
    for (after, datagram) in (0..).zip(datagrams(bytes)) {
        let now = now + Duration::from_millis(after);
        while sender.poll_transmit(now, 44).is_some() {}
        sender.on_datagram(now, address(), &datagram);
        sender.on_timer(now);
        while sender.poll_event().is_some() {}
    }
}

/// Pieces, each with its length before it in a byte, with right checksums.
fn datagrams(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while let Some((&length, rest)) = bytes.split_first() {
        let (piece, rest) = rest.split_at(usize::from(length).min(rest.len()));
        pieces.push(sealed(piece, &Seal::default()));
        bytes = rest;
    }
    pieces
}

fn sealed(bytes: &[u8], seal: &Seal) -> Vec<u8> {
    let Some((header, body)) = bytes.split_first_chunk::<HEADER>() else {
        return bytes.to_vec();
    };
    let mut header = *header;
    let code = seal.close(&mut header, body);
    let parts = header.iter().chain(body).chain(code.iter().flatten());
    parts.copied().collect()
}

fn address() -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 5005)
}

/// The session of [`sender`].
pub const SESSION: u32 = 7;
