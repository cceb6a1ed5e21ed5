//! The netns backend on this machine's kernel, with root's rights and without. Needs root, which it
//! gives up where an ordinary user is meant, and `/usr/bin/python3`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod escapes;
mod isolation;
mod leftovers;
mod limits;
mod network;
mod preflight;
mod program;
mod rooms;
mod support;
mod user;
