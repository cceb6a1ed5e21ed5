//! The messages to and from a netns lab's keeper.
//!
//! - [`raising`]: those of the process that raises the lab, until it is up or kept.
//! - [`channel`]: those of any process, as long as the lab is up.

pub mod channel;
pub mod raising;

pub use raising::{
    Bind, FromKeeper, KeeperFailure, LabSpec, MARK, NodeSpec, PortSpec, SegmentSpec, ToKeeper,
};
