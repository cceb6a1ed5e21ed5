//! Links, addresses and routes of the current network namespace, over rtnetlink(7).
//!
//! - [`socket`]: a blocking route socket that carries out batches and lists what there is.
//! - [`batch`]: requests that go to the kernel together, each with words for its error.
//! - [`link`]: bridges, veth pairs and what can be changed of a link.
//! - [`address`]: addresses of links.
//! - [`monitor`]: waits for changes of links.
//! - [`route`]: routes beyond those that addresses bring.
//! - [`error`]: why the kernel refused.

pub mod address;
pub mod batch;
pub mod error;
pub mod link;
pub mod monitor;
pub mod route;
pub mod socket;

pub use address::Address;
pub use batch::Batch;
pub use error::NetlinkError;
pub use link::{Link, LinkIndex, NetworkNamespace, Tunnel, VethEnd};
pub use monitor::LinkMonitor;
pub use route::Route;
pub use socket::RouteSocket;
