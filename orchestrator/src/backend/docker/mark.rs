//! Names and labels by which this program recognizes its own things.

use std::collections::HashMap;

use protocol::name::{NetworkName, NodeName};

use crate::backend::{Origin, Provenance};
use crate::plan::LabId;

/// Returns the name of a node's container.
pub(super) fn container_name(lab: &LabId, node: &NodeName) -> String {
    format!("{lab}-{node}")
}

/// Returns the name of the container that secludes a lab's networks. No node can have it, for the underscore.
pub(super) fn seclusion_name(lab: &LabId) -> String {
    format!("{lab}-_seclusion")
}

/// Returns the name of a segment's network.
pub(super) fn network_name(lab: &LabId, segment: &NetworkName) -> String {
    format!("{lab}-{segment}")
}

/// Returns the labels of everything that belongs to `lab`.
pub(super) fn labels(lab: &LabId, origin: Option<&Origin>) -> HashMap<String, String> {
    let mut labels = HashMap::from([(LAB.to_owned(), lab.to_string())]);
    if let Some(origin) = origin {
        labels.insert(ORIGIN.to_owned(), origin.mark());
        let path = origin.path().to_string_lossy().into_owned();
        labels.insert(STATE.to_owned(), path);
    }
    labels
}

/// Judges labels from the view of a process with this origin.
pub(super) fn provenance(
    labels: Option<&HashMap<String, String>>,
    here: Option<&Origin>,
) -> Provenance {
    let label = |key| {
        labels
            .and_then(|labels| labels.get(key))
            .map(String::as_str)
    };
    match here {
        Some(here) => here.judge(label(ORIGIN), label(STATE)),
        None => Provenance::Elsewhere {
            why: "is recorded in no folder".to_owned(),
        },
    }
}

/// Returns the lab that labels name, or `None` if they name none.
pub(super) fn owner(labels: Option<&HashMap<String, String>>) -> Option<LabId> {
    labels?.get(LAB)?.parse().ok()
}

/// Whether the lab made the thing with this name and these labels. Checked before a thing is removed that is
/// listed only by its name.
pub(super) fn is_of_its_lab(name: &str, labels: Option<&HashMap<String, String>>) -> bool {
    owner(labels).is_some_and(|lab| {
        let rest = name.strip_prefix(&lab.to_string());
        rest.is_some_and(|rest| rest.starts_with('-'))
    })
}

/// Returns an engine's filter for things that carry `label`.
pub(super) fn filter(label: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![label.to_owned()])])
}

/// The label of a lab's containers and networks; its value is the lab.
pub(super) const LAB: &str = "orchestrator.lab";

/// The label that says where a lab was raised. It alone proves that the lab is ours.
const ORIGIN: &str = "orchestrator.origin";

/// The label that names the state folder, for people.
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
        let dir = tempfile::tempdir().unwrap();
        let origin = Origin::here(dir.path()).unwrap();
        let labels = labels(&lab, Some(&origin));
        assert_eq!(provenance(Some(&labels), Some(&origin)), Provenance::Ours);
        assert_eq!(labels[LAB], "two-servers-0000007f");
        assert_eq!(owner(Some(&labels)), Some(lab));
        assert!(is_of_its_lab("two-servers-0000007f-a", Some(&labels)));
        assert!(!is_of_its_lab("two-servers-0000007e-a", Some(&labels)));
        assert!(!is_of_its_lab("postgres", Some(&labels)));
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
