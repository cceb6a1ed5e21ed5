//! Any datagrams at a sender.

#![no_main]

use libfuzzer_sys::fuzz_target;
use roles::broadcast::probe;

fuzz_target!(|bytes: &[u8]| probe::sender(bytes));
