//! Any bytes, in any pieces, as a file server's replies.

#![no_main]

use libfuzzer_sys::fuzz_target;
use roles::file_client::probe;

fuzz_target!(|bytes: &[u8]| probe::replies(bytes).expect("the pieces make no difference"));
