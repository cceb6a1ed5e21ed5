//! UUIDs that follow from names (RFC 9562 §5.5), so that the same lab gives the same bytes.

use uuid::Uuid;

/// The source of all of a project's UUIDs.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    project: Uuid,
}

impl Identity {
    /// Of the project with this name.
    pub fn new(name: &str) -> Self {
        let space = Uuid::new_v5(&Uuid::NAMESPACE_DNS, SPACE.as_bytes());
        Self {
            project: Uuid::new_v5(&space, name.as_bytes()),
        }
    }

    /// The project's own.
    pub fn project(self) -> Uuid {
        self.project
    }

    /// A part's: what it is and what tells it from others of its kind.
    pub fn of(self, kind: &str, name: &str) -> Uuid {
        Uuid::new_v5(&self.project, format!("{kind}/{name}").as_bytes())
    }
}

/// A name that nobody else derives UUIDs from.
const SPACE: &str = "gns3.orchestrator.invalid";
