//! `docker`: nodes on one network in containers, until each is ready; the peers only start them.
//!
//! - [`race()`]: runs it.
//! - [`engine`]: what belongs to a peer on the engine, and how it is swept away.
//! - [`api`]: plain calls of the engine's API.
//! - [`compose`][]: docker-compose.

mod api;
mod compose;
mod engine;
mod race;

pub use race::race;
