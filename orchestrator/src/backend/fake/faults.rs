//! Faults that are asked for in words, so that tests of the whole program can ask for them too.

use protocol::name::NodeName;

use super::world::{FakeBackend, InjectedFault, Tamper};

impl FakeBackend {
    /// A backend in which things go wrong: words such as `cut:alpine-1`. A broadcast to a node is
    /// changed by `drop`, `cut`, `change`, `extra` and `swell` ([`Tamper`]); `cut-off` keeps packets from a node; `stuck` makes one impossible to
    /// remove, and removing it takes forever with `endless`; `panic` makes reaching a node a defect of
    /// this program; `fail:2` makes the next raise fail at its third resource. Other words mean nothing.
    pub fn with_faults(words: &str) -> Self {
        let backend = Self::default();
        for word in words.split_whitespace() {
            if backend.fault(word).is_none() {
                tracing::warn!(word, "no fault of the backend in memory");
            }
        }
        backend
    }

    fn fault(&self, word: &str) -> Option<()> {
        let (fault, of) = word.split_once(':')?;
        if fault == "fail" {
            self.fail_raise_at(of.parse().ok()?);
            return Some(());
        }
        let node: NodeName = of.parse().ok()?;
        match fault {
            "drop" => self.tamper(node, Tamper::Drop),
            "cut" => self.tamper(node, Tamper::Cut),
            "change" => self.tamper(node, Tamper::Change),
            "extra" => self.tamper(node, Tamper::Extra),
            "swell" => self.tamper(node, Tamper::Swell),
            "cut-off" => self.afflict(node, InjectedFault::CutOff),
            "stuck" => self.afflict(node, InjectedFault::Stuck),
            "endless" => self.afflict(node, InjectedFault::Endless),
            "panic" => self.afflict(node, InjectedFault::Panics),
            _ => return None,
        }
        Some(())
    }
}
