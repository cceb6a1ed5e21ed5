//! A file server on its node, from its readiness to its end.
//!
//! - [`server`]: starts it, waits until it listens, ends it.
//! - [`served`]: what it told of itself.
//! - [`address`]: where its clients find it.

pub mod address;
pub mod served;
pub mod server;

pub use served::Served;
pub use server::Serving;
