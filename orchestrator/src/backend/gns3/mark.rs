//! By which we know what is ours: variables of a project, which GNS3 shows and otherwise leaves alone.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::plan::LabId;

/// A variable of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Variable {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

/// What a server says of a project.
#[derive(Debug, Deserialize)]
pub(super) struct ProjectAnswer {
    pub(super) project_id: Uuid,
    /// None where there are none.
    #[serde(default)]
    variables: Option<Vec<Variable>>,
}

/// The variables of `lab`'s project, which is recorded in the folder `state`.
pub(super) fn variables(lab: &LabId, state: Option<&Path>) -> Vec<Variable> {
    let variable = |name: &str, value: String| Variable {
        name: name.to_owned(),
        value: Some(value),
    };
    let state = state.and_then(Path::to_str);
    let state = state.map(|path| variable(STATE, path.to_owned()));
    let lab = variable(LAB, lab.to_string());
    std::iter::once(lab).chain(state).collect()
}

impl ProjectAnswer {
    /// The lab that the project's mark names; `None`: it is not ours.
    pub(super) fn owner(&self) -> Option<LabId> {
        self.value(LAB)?.parse().ok()
    }

    /// The state folder that it names.
    pub(super) fn state(&self) -> Option<PathBuf> {
        self.value(STATE).map(PathBuf::from)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let mut variables = self.variables.iter().flatten();
        let found = variables.find(|variable| variable.name == name)?;
        found.value.as_deref()
    }
}

/// The variable whose value is the lab.
const LAB: &str = "orchestrator.lab";

/// The variable that says where the lab is recorded, by which `clean` finds out whether it is up.
const STATE: &str = "orchestrator.state";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_is_found_again_by_its_variables() {
        let lab = LabId {
            name: "two-servers".parse().unwrap(),
            instance: 0x7f,
        };
        let state = Path::new("/run/orchestrator");
        let project = ProjectAnswer {
            project_id: Uuid::nil(),
            variables: Some(variables(&lab, Some(state))),
        };
        assert_eq!(project.owner(), Some(lab));
        assert_eq!(project.state().as_deref(), Some(state));
    }

    #[test]
    fn what_others_have_made_is_not_ours() {
        for variables in ["null", "[]", r#"[{"name":"orchestrator.lab"}]"#] {
            let text = format!(
                r#"{{"project_id":"{}","variables":{variables}}}"#,
                Uuid::nil()
            );
            let project: ProjectAnswer = serde_json::from_str(&text).unwrap();
            assert_eq!(project.owner(), None, "{variables}");
        }
    }
}
