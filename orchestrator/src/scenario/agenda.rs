//! The agenda of a run: the scenarios of a file to be run, and the lab of each cell.

use std::collections::BTreeMap;

use crate::topology::Diagnostics;
use crate::topology::model::{Scenario, Topology, Work};

use super::cell::{Params, combinations};
use super::choice::CellChoice;
use super::context::{RunContext, ScenarioError};

/// The scenarios of a file that are to be run.
#[derive(Debug, Clone, Default)]
pub struct Agenda {
    /// The scenarios; none: all.
    pub scenarios: Vec<String>,
    /// The cells, each by any of these; none: all.
    pub cells: Vec<CellChoice>,
    /// The number of times each is run, at least one.
    pub repeat: u32,
}

/// A cell to be run.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Its number in the matrix, from 1, the same for all of its repetitions.
    pub number: usize,
    /// Its number among all cells and repetitions, from 0.
    pub index: usize,
    /// The combination; where it is repeated, with a parameter `run` that says which time it is.
    pub params: Params,
}

impl Agenda {
    /// Whether a scenario is to be run, in which there is a cell to be run.
    pub fn has(&self, scenario: &Scenario) -> bool {
        let named = self.scenarios.is_empty() || self.scenarios.contains(&scenario.name);
        named && (self.cells.is_empty() || !self.cells(scenario).is_empty())
    }

    /// The cells of a scenario that are to be run, in the matrix's order.
    pub fn cells(&self, scenario: &Scenario) -> Vec<Cell> {
        let mut matrix = scenario.matrix.clone();
        let repeat = self.repeat.max(1);
        if repeat > 1 {
            let runs = (1..=repeat).map(|run| run.to_string());
            matrix.push((RUN.to_owned(), runs.collect()));
        }
        let cell = |(index, params)| Cell {
            number: index / repeat as usize + 1,
            index,
            params,
        };
        let is_chosen = |cell: &Cell| {
            let mut choices = self.cells.iter();
            self.cells.is_empty() || choices.any(|one| one.takes(cell.number, &cell.params))
        };
        let cells = combinations(&matrix).into_iter().enumerate().map(cell);
        cells.filter(is_chosen).collect()
    }
}

/// A scenario and its lab, with a cell's parameters applied.
#[derive(Debug)]
pub struct CellLab {
    /// The scenario.
    pub scenario: Scenario,
    /// The lab, where the cell's values make it another one.
    pub topology: Option<Topology>,
    /// Why it cannot be carried out here.
    pub unfit: Option<String>,
}

/// Applies a cell's parameters to a scenario and its lab.
///
/// # Errors
/// If the values make the file wrong.
pub fn in_cell(
    cx: &RunContext<'_>,
    scenario: &Scenario,
    params: &Params,
) -> Result<CellLab, ScenarioError> {
    let has_model = scenario.work.transfer().is_some();
    let is_variable = |axis: &str| axis != RUN && !(has_model && axis == MODEL);
    let variables = params.iter().filter(|(axis, _)| is_variable(axis));
    let variables: BTreeMap<_, _> = variables.map(|(k, v)| (k.clone(), v.clone())).collect();
    let (mut own, mut topology, mut unfit) = (scenario.clone(), None, None);
    if !variables.is_empty() {
        let wrong = |wrong: Diagnostics| ScenarioError::Reread(wrong.to_string());
        let mut reread = (cx.reread)(&variables).map_err(wrong)?;
        let reasons = cx.lab.unfit(&reread);
        unfit = (!reasons.is_empty()).then(|| reasons.join("; "));
        let mut scenarios = std::mem::take(&mut reread.scenarios).into_iter();
        own = scenarios.find(|s| s.name == own.name).unwrap_or(own);
        topology = Some(reread);
    }
    if let (Some(model), Work::Broadcast(transfer, _) | Work::Split(transfer)) =
        (params.get(MODEL), &mut own.work)
        && let Ok(model) = model.parse()
    {
        transfer.sending.model = Some(model);
    }
    Ok(CellLab {
        scenario: own,
        topology,
        unfit,
    })
}

/// The matrix axis that names the concurrency model.
const MODEL: &str = "model";

/// The parameter that tells repetitions apart.
const RUN: &str = "run";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::model::{CaptureMode, Expect};

    fn scenario() -> Scenario {
        let axis =
            |name: &str, values: [&str; 2]| (name.to_owned(), values.map(str::to_owned).into());
        Scenario {
            name: "stress".to_owned(),
            work: Work::Steps(Vec::new()),
            matrix: vec![axis("size", ["1", "2"]), axis("model", ["a", "b"])],
            faults: Vec::new(),
            capture: CaptureMode::Off,
            capture_limit: None,
            timeout: std::time::Duration::from_secs(1),
            expect: Expect::Pass,
        }
    }

    #[test]
    fn repetitions_of_a_cell_have_its_number() {
        let agenda = |cells: &[&str], repeat| Agenda {
            scenarios: Vec::new(),
            cells: cells.iter().map(|text| text.parse().unwrap()).collect(),
            repeat,
        };
        let numbers = |agenda: &Agenda| -> Vec<(usize, usize)> {
            let cells = agenda.cells(&scenario());
            cells.iter().map(|cell| (cell.number, cell.index)).collect()
        };
        assert_eq!(numbers(&agenda(&[], 1)), [(1, 0), (2, 1), (3, 2), (4, 3)]);
        assert_eq!(
            numbers(&agenda(&["2", "size=2,model=b"], 2)),
            [(2, 2), (2, 3), (4, 6), (4, 7)]
        );
        assert!(!agenda(&["5"], 1).has(&scenario()));
        assert!(agenda(&["4"], 1).has(&scenario()));
    }
}
