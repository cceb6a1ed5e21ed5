//! The conditions of one direction of a link.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::unit::{ByteSize, Percent, Rate, Time};

/// The conditions of one direction. The default is a perfect one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conditions {
    /// One-way delay.
    pub delay: Duration,
    /// Deviation of the delay.
    pub jitter: Duration,
    /// Frames lost.
    pub loss: Percent,
    /// Frames delivered twice.
    pub duplicate: Percent,
    /// Frames with a changed bit.
    pub corrupt: Percent,
    /// Frames sent before their turn.
    pub reorder: Percent,
    /// The most that gets through.
    pub rate: Option<Rate>,
    /// The bytes that may wait for their turn where there is a rate.
    pub queue: Option<ByteSize>,
}

/// Conditions that cannot hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Contradiction {
    /// Frames would arrive before they are sent.
    #[error("the jitter {} is more than the delay {}", Time(*jitter), Time(*delay))]
    Jitter {
        /// The jitter.
        jitter: Duration,
        /// The delay.
        delay: Duration,
    },
    /// There is nothing to overtake.
    #[error("frames cannot be reordered without a delay")]
    Reorder,
    /// There is nothing to wait for.
    #[error("nothing waits in a queue without a rate")]
    Queue,
}

impl Conditions {
    /// Returns whether nothing is done to a frame.
    pub fn is_perfect(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the conditions that cannot hold together.
    pub fn contradictions(&self) -> impl Iterator<Item = Contradiction> + use<> {
        let Self { delay, jitter, .. } = *self;
        let jitter = (jitter > delay).then_some(Contradiction::Jitter { jitter, delay });
        let reorder = (self.reorder.0 > 0.0 && delay.is_zero()).then_some(Contradiction::Reorder);
        let queue = (self.queue.is_some() && self.rate.is_none()).then_some(Contradiction::Queue);
        [jitter, reorder, queue].into_iter().flatten()
    }
}
