//! The capabilities of a backend's links.

use crate::plan::{Carrier, LinkConditions};

/// The capabilities of a backend's links: known before anything is raised, and the same as long as it lives.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities {
    /// The carrier of frames where there are no conditions.
    pub carrier: Carrier,
    /// Set if a lab keeps the conditions that it is given, so that every process reads and changes the same ones.
    pub keeps_conditions: bool,
    unsupported: fn(&LinkConditions) -> Vec<String>,
}

impl Capabilities {
    /// Links of the kernel, which take no conditions.
    pub const KERNEL: Self = Self::new(Carrier::Kernel, none_supported);

    /// Describes links that `carrier` carries. `unsupported` names the conditions that they cannot be given.
    pub const fn new(carrier: Carrier, unsupported: fn(&LinkConditions) -> Vec<String>) -> Self {
        Self {
            carrier,
            keeps_conditions: false,
            unsupported,
        }
    }

    /// The same, of labs that keep the conditions that they are given.
    #[must_use]
    pub const fn keeping_conditions(self) -> Self {
        Self {
            keeps_conditions: true,
            ..self
        }
    }

    /// Names the conditions that links cannot be given, one sentence each; empty if they can have all.
    pub fn unsupported(&self, conditions: &LinkConditions) -> Vec<String> {
        (self.unsupported)(conditions)
    }
}

/// Names the first end that is not perfect.
fn none_supported(conditions: &LinkConditions) -> Vec<String> {
    let mut ends = conditions.ends();
    let bad = ends.find(|end| !end.egress.is_perfect() || !end.ingress.is_perfect());
    let told = bad.map(|end| {
        let port = &end.port;
        format!("impairments, here of {port}, are carried out by a later version")
    });
    told.into_iter().collect()
}

#[cfg(test)]
#[path = "capability_test.rs"]
mod tests;
