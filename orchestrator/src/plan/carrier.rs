//! The means by which a backend carries frames, and what it loses of them.

use protocol::link::Conditions;

/// The means by which a backend carries the frames of a link without conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// The kernel, which delivers every frame.
    Kernel,
    /// A program between sockets, which loses frames when more come than it can take.
    Program,
}

impl Carrier {
    /// Returns whether every frame arrives under these conditions as it was sent, once or more, early or late. A
    /// rate loses what its queue cannot hold.
    pub fn is_lossless(self, conditions: &Conditions) -> bool {
        self == Self::Kernel
            && conditions.loss.0 == 0.0
            && conditions.corrupt.0 == 0.0
            && conditions.rate.is_none()
    }
}
