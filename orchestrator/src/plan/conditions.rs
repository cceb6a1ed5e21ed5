//! The conditions of one direction of a link, as plan data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::topology::model::Impairment;
use crate::topology::unit::{ByteSize, Percent, Rate};

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

/// The means by which a backend carries the frames of a link without conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// The kernel, which delivers every frame.
    Kernel,
    /// A program between sockets, which loses frames when more come than it can take.
    Program,
}

impl Conditions {
    /// Returns whether nothing is done to a frame.
    pub fn is_perfect(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether every frame arrives as it was sent, once or more, early or late. A rate loses what its
    /// queue cannot hold.
    pub fn is_lossless(&self, carrier: Carrier) -> bool {
        carrier == Carrier::Kernel
            && self.loss.0 == 0.0
            && self.corrupt.0 == 0.0
            && self.rate.is_none()
    }
}

impl From<&Impairment> for Conditions {
    fn from(impairment: &Impairment) -> Self {
        let Impairment {
            delay,
            jitter,
            loss,
            duplicate,
            corrupt,
            reorder,
            rate,
            queue,
        } = *impairment;
        Self {
            delay,
            jitter,
            loss,
            duplicate,
            corrupt,
            reorder,
            rate,
            queue,
        }
    }
}
