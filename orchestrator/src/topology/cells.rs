//! A checked file, and the cells of its scenarios.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::document::Document;
use super::matrix::{count, place};
use super::model::{Scenario, Topology, Work};
use super::read::Found;
use super::resolve::{Axis, FileBase, MODEL, Reading, Structure};

/// A checked file: its topology, and every cell of its scenarios. No cell's values make the file wrong. A cell is
/// made when it is asked for, from the parts that its values change, so ten thousand cells take no room.
#[derive(Debug)]
pub struct Cells {
    pub(super) topology: Arc<Topology>,
    pub(super) document: Document,
    pub(super) values: BTreeMap<String, String>,
    pub(super) structure: Structure,
    pub(super) axes: Vec<Vec<Axis>>,
    /// The variables that links' conditions depend on.
    pub(super) conditions: BTreeSet<String>,
    pub(super) files: BTreeSet<PathBuf>,
}

/// A combination of the values of a scenario's matrix.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The scenario with these values.
    pub scenario: Scenario,
    /// The lab with these values. It differs from the file's in the conditions of its links alone.
    pub topology: Arc<Topology>,
}

impl Cells {
    /// Returns the file's topology.
    pub fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    /// Returns every file on this machine that the topology or a cell names.
    pub fn files(&self) -> &BTreeSet<PathBuf> {
        &self.files
    }

    /// Returns the cells of a scenario, in the matrix's order; none if there is no such scenario.
    pub fn of(&self, scenario: &str) -> impl Iterator<Item = Cell> + '_ {
        let place = self.place(scenario);
        let lengths = place.map(|place| self.lengths(place));
        let count = lengths.map_or(0, |lengths| count(&lengths));
        (0..count).filter_map(move |number| Some(self.at(place?, number)))
    }

    /// Returns one cell by its number in the matrix, from 1.
    pub fn cell(&self, scenario: &str, number: usize) -> Option<Cell> {
        let place = self.place(scenario)?;
        let number = number.checked_sub(1)?;
        (number < count(&self.lengths(place))).then(|| self.at(place, number))
    }

    fn place(&self, scenario: &str) -> Option<usize> {
        let mut scenarios = self.topology.scenarios.iter();
        scenarios.position(|one| one.name == scenario)
    }

    fn lengths(&self, scenario: usize) -> Vec<usize> {
        let axes = self.axes[scenario].iter();
        axes.map(|axis| axis.values.len()).collect()
    }

    fn at(&self, scenario: usize, number: usize) -> Cell {
        let axes = &self.axes[scenario];
        let places = place(&self.lengths(scenario), number);
        let params: Vec<(&Axis, &str)> = axes
            .iter()
            .zip(places)
            .map(|(axis, at)| (axis, axis.values[at].0.as_str()))
            .collect();
        let variables = params.iter().filter(|(axis, _)| axis.is_variable);
        let variables: Vec<(&str, &str)> = variables
            .map(|(axis, value)| (axis.name.as_str(), *value))
            .collect();
        let base = &self.topology.scenarios[scenario];
        let mut own = base.clone();
        let mut topology = Arc::clone(&self.topology);
        if !variables.is_empty() {
            let reading = Reading {
                document: &self.document,
                values: &self.values,
                // The check of the cells has found that they are files.
                file_base: FileBase {
                    base: &self.topology.base,
                    look: &|_| Found::File,
                },
            };
            let read = reading.scenario(&self.structure, scenario, &variables);
            own = Scenario {
                name: base.name.clone(),
                matrix: base.matrix.clone(),
                ..read.unwrap_or(own)
            };
            if variables
                .iter()
                .any(|(name, _)| self.conditions.contains(*name))
            {
                let changed = Arc::make_mut(&mut topology);
                let values = variables.iter();
                let values = values.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
                changed.vars.extend(values);
                reading.impair(&self.structure, &mut changed.nodes, &variables);
            }
        }
        let model = params.iter().find(|(axis, _)| axis.name == MODEL);
        if let (Some((_, model)), Work::Broadcast(transfer, _) | Work::Split(transfer)) =
            (model, &mut own.work)
            && let Ok(model) = model.parse()
        {
            transfer.sending.model = Some(model);
        }
        Cell {
            scenario: own,
            topology,
        }
    }
}
