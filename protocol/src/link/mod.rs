//! Links: which there are, the conditions of their directions, and how those are kept and changed.
//!
//! - [`identity`]: the identity of a direction of a link.
//! - [`conditions`]: what happens to frames on their way.
//! - [`table`]: the conditions of all links of a lab.

pub mod conditions;
pub mod identity;
pub mod table;

pub use conditions::{Conditions, Contradiction};
pub use identity::{Direction, LinkId, NoLinkId, Port};
pub use table::{Change, ChangeError, HeldConditions, LinkTable};
