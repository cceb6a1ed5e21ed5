//! The mark by which this program recognizes its own projects: variables of a project, which GNS3 shows and
//! otherwise leaves alone.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::backend::{Origin, Provenance};
use crate::plan::LabId;

/// A variable of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Variable {
    name: String,
    #[serde(default)]
    value: Option<String>,
}

/// A project as a server describes it.
#[derive(Debug, Deserialize)]
pub(super) struct ProjectAnswer {
    pub(super) project_id: Uuid,
    /// The variables, if there are any.
    #[serde(default)]
    variables: Option<Vec<Variable>>,
}

/// Returns the variables of `lab`'s project.
pub(super) fn variables(lab: &LabId, origin: &Origin) -> Vec<Variable> {
    let variable = |name: &str, value: String| Variable {
        name: name.to_owned(),
        value: Some(value),
    };
    let path = origin.path().to_string_lossy().into_owned();
    vec![
        variable(LAB, lab.to_string()),
        variable(ORIGIN, origin.mark()),
        variable(STATE, path),
    ]
}

impl ProjectAnswer {
    /// Returns the lab that the project's mark names; `None`: the project is not ours.
    pub(super) fn owner(&self) -> Option<LabId> {
        self.value(LAB)?.parse().ok()
    }

    /// Judges its mark from the view of a process with this origin.
    pub(super) fn provenance(&self, here: &Origin) -> Provenance {
        here.judge(self.value(ORIGIN), self.value(STATE))
    }

    fn value(&self, name: &str) -> Option<&str> {
        let mut variables = self.variables.iter().flatten();
        let found = variables.find(|variable| variable.name == name)?;
        found.value.as_deref()
    }
}

/// The variable whose value is the lab.
const LAB: &str = "orchestrator.lab";

/// The variable that says where the lab was raised. It alone proves that the lab is ours.
const ORIGIN: &str = "orchestrator.origin";

/// The variable that names the state folder, for people.
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
        let dir = tempfile::tempdir().unwrap();
        let origin = Origin::here(dir.path()).unwrap();
        let project = ProjectAnswer {
            project_id: Uuid::nil(),
            variables: Some(variables(&lab, &origin)),
        };
        assert_eq!(project.owner(), Some(lab));
        assert_eq!(project.provenance(&origin), Provenance::Ours);
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
