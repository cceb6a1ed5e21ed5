//! Files over HTTP/1.1 (RFC 9110, RFC 9112): the role that serves them inside a lab, and the one that
//! fetches them before it sends them on.
//!
//! What is served is plain HTTP, for inside a lab there is nobody to hide from; what is fetched may come
//! over TLS, from servers of the user's own and from the world where a node reaches it.

mod client;
mod content_type;
mod download;
mod error;
mod origin;
mod tls;

pub use download::{DownloadArguments, download};
pub use origin::{OriginArguments, serve};
