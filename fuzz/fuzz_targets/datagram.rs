//! Any bytes as a datagram, with their checksum as it is and with a right one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use roles::broadcast::probe;

fuzz_target!(|bytes: &[u8]| probe::datagram(bytes));
