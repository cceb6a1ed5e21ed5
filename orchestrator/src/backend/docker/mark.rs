//! Names and labels by which we know what is ours.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use protocol::name::{NetworkName, NodeName};

use crate::plan::LabId;

/// The name of a node's container.
pub(super) fn container_name(lab: &LabId, node: &NodeName) -> String {
    format!("{lab}-{node}")
}

/// The name of a segment's network.
pub(super) fn network_name(lab: &LabId, segment: &NetworkName) -> String {
    format!("{lab}-{segment}")
}

/// The labels of everything that belongs to `lab`, which is recorded in the folder `state`.
pub(super) fn labels(lab: &LabId, state: Option<&Path>) -> HashMap<String, String> {
    let mut labels = HashMap::from([(LAB.to_owned(), lab.to_string())]);
    let state = state.and_then(|path| path.to_str());
    labels.extend(state.map(|path| (STATE.to_owned(), path.to_owned())));
    labels
}

/// The state folder that labels name.
pub(super) fn state(labels: Option<&HashMap<String, String>>) -> Option<PathBuf> {
    Some(PathBuf::from(labels?.get(STATE)?))
}

/// The lab that labels name, or `None` where the thing is not ours. Nothing but the mark tells: a
/// ledger is lost with the machine's `/run`, while an engine's containers stay. So who marks a thing
/// with a lab's whole identity gives it to us.
pub(super) fn owner(labels: Option<&HashMap<String, String>>) -> Option<LabId> {
    labels?.get(LAB)?.parse().ok()
}

/// An engine's filter for things that carry `label`.
pub(super) fn filter(label: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![label.to_owned()])])
}

/// The label of a lab's containers and networks; its value is the lab.
pub(super) const LAB: &str = "orchestrator.lab";

/// The label that says where a lab is recorded, by which `clean` finds out whether it is up.
const STATE: &str = "orchestrator.state";

/// The label of the built-in image; its value is the hash of the node binary inside.
pub(super) const IMAGE: &str = "orchestrator.image";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_is_found_again_by_its_labels() {
        let lab = LabId {
            name: "two-servers".parse().unwrap(),
            instance: 0x7f,
        };
        let state = Path::new("/run/orchestrator");
        let labels = labels(&lab, Some(state));
        assert_eq!(super::state(Some(&labels)).as_deref(), Some(state));
        assert_eq!(labels[LAB], "two-servers-0000007f");
        assert_eq!(owner(Some(&labels)), Some(lab));
    }

    #[test]
    fn what_others_have_labelled_is_not_ours() {
        assert_eq!(owner(None), None);
        for value in [
            "x",
            "yes",
            "net-1",
            "racks-0badcaf",
            "racks-0BADCAFE",
            "a b-0badcafe",
        ] {
            let other = HashMap::from([(LAB.to_owned(), value.to_owned())]);
            assert_eq!(owner(Some(&other)), None, "{value}");
        }
    }
}
