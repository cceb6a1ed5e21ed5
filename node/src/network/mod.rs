//! Gives a node its interfaces, addresses, routes and names, the same way on every backend.
//!
//! - [`configure`]: all of it, in order.
//! - [`interface`]: finds the links that the settings mean and makes them as they shall be.
//! - [`arrival`]: waits until interfaces are there.
//! - [`tunnel`]: makes interfaces that are tunnels over those of an engine.
//! - [`settling`]: waits until links pass frames.
//! - [`hosts`]: the node's own name and those that resolve in it.

pub mod arrival;
pub mod configure;
pub mod hosts;
pub mod interface;
pub mod settling;
pub mod tunnel;

pub use configure::{configure, configure_interfaces};
