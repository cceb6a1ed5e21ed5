//! Files over HTTP/1.1 (RFC 9110, RFC 9112): the role that serves them inside a lab, and the one that
//! fetches them before it sends them on.
//!
//! Files are served over plain HTTP, for inside a lab there is nobody to hide from. They are fetched over TLS
//! too, from the user's own servers and from the internet, where a node can reach it.

mod client;
mod content_type;
mod download;
mod error;
mod origin;
mod tls;

pub use download::{DownloadArguments, download};
pub use origin::{OriginArguments, serve};
