//! Any bytes as a manifest, and the layout of what it names.

#![no_main]

use libfuzzer_sys::fuzz_target;
use roles::broadcast::probe;

fuzz_target!(|bytes: &[u8]| probe::manifest(bytes));
