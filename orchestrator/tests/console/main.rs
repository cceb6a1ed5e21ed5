//! Streams over a console: a shell on a terminal, served by telnet to whoever connects, as GNS3 does it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod clients;
mod shell_server;
mod traffic;
