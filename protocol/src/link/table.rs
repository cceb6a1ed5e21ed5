//! The conditions of all links of a lab, kept while it is up and changed by one process after the other.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Conditions, Contradiction, LinkId, Port};

/// The conditions that a lab's links have at a time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldConditions {
    /// The number of changes so far. It grows with each, so that a reader knows what it saw.
    pub revision: u64,
    /// The directions that are not perfect.
    pub conditions: BTreeMap<LinkId, Conditions>,
}

/// A change of conditions. It is made whole or not at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// These directions get these conditions, the others keep theirs.
    Merge(BTreeMap<LinkId, Conditions>),
    /// These directions get these conditions, the others become perfect.
    Replace(BTreeMap<LinkId, Conditions>),
}

/// The reason why a change was not made. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ChangeError {
    /// There is no such link.
    #[error("the lab has no link at {}, so nothing was changed; name an interface of its topology", .0.port)]
    NoSuchLink(LinkId),
    /// Its conditions cannot hold together.
    #[error("{link}: {contradiction}, so nothing was changed; give it conditions that can")]
    Contradiction {
        /// The direction.
        link: LinkId,
        /// The contradiction.
        contradiction: Contradiction,
    },
}

/// The links of a lab with the conditions that they have.
#[derive(Debug, Clone, Default)]
pub struct LinkTable {
    links: BTreeSet<LinkId>,
    held: HeldConditions,
}

impl LinkTable {
    /// Returns the table of a lab with these ports, whose links are perfect.
    pub fn new<'a>(ports: impl IntoIterator<Item = &'a Port>) -> Self {
        Self {
            links: ports.into_iter().flat_map(LinkId::both).collect(),
            held: HeldConditions::default(),
        }
    }

    /// Returns the conditions as they are.
    pub fn held(&self) -> &HeldConditions {
        &self.held
    }

    /// Makes a change and returns the revision that it leads to.
    ///
    /// # Errors
    /// If a link of it does not exist or cannot have its conditions.
    pub fn change(&mut self, change: Change) -> Result<u64, ChangeError> {
        let (Change::Merge(new) | Change::Replace(new)) = &change;
        for (link, conditions) in new {
            self.check(link, conditions)?;
        }
        match change {
            Change::Merge(new) => self.held.conditions.extend(new),
            Change::Replace(new) => self.held.conditions = new,
        }
        self.held.conditions.retain(|_, kept| !kept.is_perfect());
        self.held.revision += 1;
        Ok(self.held.revision)
    }

    fn check(&self, link: &LinkId, conditions: &Conditions) -> Result<(), ChangeError> {
        if !self.links.contains(link) {
            return Err(ChangeError::NoSuchLink(link.clone()));
        }
        match conditions.contradictions().next() {
            None => Ok(()),
            Some(contradiction) => Err(ChangeError::Contradiction {
                link: link.clone(),
                contradiction,
            }),
        }
    }
}

#[cfg(test)]
#[path = "table_test.rs"]
mod tests;
