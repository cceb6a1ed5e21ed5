//! Any bytes as frames of a control connection.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::frame::Frame;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Ok(Some((frame, used))) = Frame::decode(rest) {
        let mut again = Vec::new();
        frame.encode(&mut again);
        assert_eq!(again, rest[..used]);
        rest = &rest[used..];
    }
});
