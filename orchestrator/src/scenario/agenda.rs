//! The agenda of a run: the scenarios of a file to be run, and their cells.

use crate::topology::matrix::{Params, combinations};
use crate::topology::model::Scenario;

use super::choice::CellChoice;

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
        named && (self.cells.is_empty() || self.cells(scenario).next().is_some())
    }

    /// The cells of a scenario that are to be run, in the matrix's order.
    pub fn cells<'a>(&'a self, scenario: &'a Scenario) -> impl Iterator<Item = Cell> + 'a {
        let repeat = self.repeat.max(1);
        let cells = combinations(&scenario.matrix).enumerate();
        let chosen = cells.filter(|(place, params)| {
            let mut choices = self.cells.iter();
            self.cells.is_empty() || choices.any(|one| one.takes(place + 1, params))
        });
        chosen.flat_map(move |(place, params)| {
            (0..repeat).map(move |run| {
                let mut params = params.clone();
                if repeat > 1 {
                    params.insert(RUN.to_owned(), (run + 1).to_string());
                }
                Cell {
                    number: place + 1,
                    index: place * repeat as usize + run as usize,
                    params,
                }
            })
        })
    }
}

impl Cell {
    /// The combination in words: `loss 5%, model single-thread`; `all` for the empty one.
    pub fn label(&self) -> String {
        if self.params.is_empty() {
            return "all".to_owned();
        }
        let pairs = self.params.iter();
        let pairs = pairs.map(|(axis, value)| format!("{axis} {value}"));
        pairs.collect::<Vec<_>>().join(", ")
    }
}

/// The parameter that tells repetitions apart.
const RUN: &str = "run";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::model::{CaptureMode, Expect, Work};

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
            let scenario = scenario();
            let cells = agenda.cells(&scenario);
            cells.map(|cell| (cell.number, cell.index)).collect()
        };
        assert_eq!(numbers(&agenda(&[], 1)), [(1, 0), (2, 1), (3, 2), (4, 3)]);
        assert_eq!(
            numbers(&agenda(&["2", "size=2,model=b"], 2)),
            [(2, 2), (2, 3), (4, 6), (4, 7)]
        );
        assert!(!agenda(&["5"], 1).has(&scenario()));
        assert!(agenda(&["4"], 1).has(&scenario()));
    }

    #[test]
    fn a_cell_is_named_by_its_values() {
        let agenda = |repeat| Agenda {
            repeat,
            ..Agenda::default()
        };
        let labels = |agenda: Agenda| -> Vec<String> {
            let scenario = scenario();
            agenda.cells(&scenario).map(|cell| cell.label()).collect()
        };
        let once = [
            "model a, size 1",
            "model b, size 1",
            "model a, size 2",
            "model b, size 2",
        ];
        assert_eq!(labels(agenda(1)), once);
        assert_eq!(labels(agenda(2))[1], "model a, run 2, size 1");
    }
}
