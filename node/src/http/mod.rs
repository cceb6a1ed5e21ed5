//! Files over HTTP/1.1 (RFC 9110, RFC 9112): the role that serves them inside a lab, and the one that
//! fetches them before it sends them on.
//!
//! Plain HTTP only: a lab's nodes reach nothing outside of it, and inside there is nobody to hide from.

mod client;
mod content_type;
mod download;
mod error;
mod origin;

pub use download::{DownloadArguments, download};
pub use origin::{OriginArguments, serve};
