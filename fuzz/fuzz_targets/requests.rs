//! Any bytes, in any pieces, at a file server's session.

#![no_main]

use libfuzzer_sys::fuzz_target;
use roles::serve::probe;

fuzz_target!(|bytes: &[u8]| {
    let directory = tempfile::tempdir().expect("there is room for a folder");
    probe::session(directory.path(), bytes).expect("every answer is a reply");
});
