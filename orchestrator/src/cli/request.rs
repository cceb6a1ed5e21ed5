//! The request of `up`, `deploy` and `run`: a checked file and the identity of its lab.

use std::io::Read;
use std::path::{self, PathBuf};
use std::sync::Arc;

use crate::backend::Backend;
use crate::number::counted;
use crate::plan::{LabId, Plan, link_conditions, plan};
use crate::scenario::Agenda;
use crate::scenario::CellChoice;
use crate::topology::Cells;
use crate::topology::matrix::count;
use crate::topology::model::Topology;

use super::args::{RaiseArgs, ScenarioArgs};
use super::blocking::apart;
use super::failure::Failure;
use super::input::Source;

/// A checked file and the identity of the lab to be raised from it.
#[derive(Debug)]
pub struct Request {
    /// The file.
    pub source: Source,
    /// The topology that it describes.
    pub topology: Arc<Topology>,
    /// The cells of its matrices.
    pub cells: Arc<Cells>,
    /// The lab.
    pub lab: LabId,
    /// The run directory, if there is one: no node may see it.
    pub run_folder: Option<PathBuf>,
}

impl Request {
    /// A new lab of a file.
    ///
    /// # Errors
    /// If the file is wrong.
    pub async fn new(args: &RaiseArgs) -> Result<Self, Failure> {
        let instance = random()?;
        let (file, settings) = (args.file.clone(), args.settings.clone());
        let source = apart(move || Source::load(&file, &settings)).await?;
        let (source, cells) = checked(source).await?;
        let lab = LabId {
            name: cells.topology().name.clone(),
            instance,
        };
        Ok(Self::of(source, cells, lab))
    }

    /// A lab that is up.
    ///
    /// # Errors
    /// As [`Request::new`].
    pub async fn again(source: Source, lab: LabId) -> Result<Self, Failure> {
        let (source, cells) = checked(source).await?;
        Ok(Self::of(source, cells, lab))
    }

    fn of(source: Source, cells: Cells, lab: LabId) -> Self {
        Self {
            source,
            topology: Arc::clone(cells.topology()),
            cells: Arc::new(cells),
            lab,
            run_folder: None,
        }
    }

    /// Everything that the backend must make. Nodes see neither the originals of files nor what is made of a run.
    pub fn plan(&self) -> Plan {
        let hidden = self.cells.files().iter().chain(&self.run_folder);
        let hidden = hidden.filter_map(|path| path::absolute(path).ok());
        Plan {
            hidden: hidden.collect(),
            ..plan(&self.topology, self.lab.clone())
        }
    }

    /// Makes sure that the scenarios named on the command line are there.
    ///
    /// # Errors
    /// Names the one that is not, and those that are.
    fn check_scenarios(&self, args: &ScenarioArgs) -> Result<(), Failure> {
        let there = |name: &&String| self.topology.scenarios.iter().any(|s| s.name == **name);
        let Some(unknown) = args.scenario.iter().find(|name| !there(name)) else {
            return Ok(());
        };
        let scenarios = self.topology.scenarios.iter();
        let names: Vec<_> = scenarios.map(|s| s.name.as_str()).collect();
        let there = match names.as_slice() {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        let file = self.source.file.display();
        Err(Failure::Input(format!(
            "{file} has no scenario `{unknown}`; it has: {there}"
        )))
    }

    /// Returns the agenda: the part of it that is to be run.
    ///
    /// # Errors
    /// Names a scenario, or a choice of cells, of which there is none.
    pub fn agenda(&self, args: &ScenarioArgs) -> Result<Agenda, Failure> {
        self.check_scenarios(args)?;
        let agenda = Agenda {
            scenarios: args.scenario.clone(),
            cells: args.cells.clone(),
            repeat: args.repeat,
        };
        let scenarios = self.topology.scenarios.iter();
        let named = |name: &String| args.scenario.is_empty() || args.scenario.contains(name);
        let scenarios: Vec<_> = scenarios.filter(|scenario| named(&scenario.name)).collect();
        let chooses = |choice: &&CellChoice| {
            let alone = Agenda {
                cells: vec![(*choice).clone()],
                repeat: 1,
                ..agenda.clone()
            };
            scenarios.iter().any(|scenario| alone.has(scenario))
        };
        let Some(choice) = args.cells.iter().find(|choice| !chooses(choice)) else {
            return Ok(agenda);
        };
        let matrices = scenarios.iter().map(|scenario| {
            let axes = scenario.matrix.iter();
            let axes = axes.map(|(axis, values)| format!("{axis}={}", values.join("|")));
            let lengths: Vec<usize> = scenario.matrix.iter().map(|(_, v)| v.len()).collect();
            let cells = counted(count(&lengths) as u64, "cell");
            let axes: Vec<String> = axes.collect();
            format!("{}, {cells}: {}", scenario.name, axes.join(","))
        });
        let matrices: Vec<String> = matrices.collect();
        Err(Failure::Input(format!(
            "no cell of {} is `{choice}`; there are: {}",
            self.source.file.display(),
            matrices.join("; ")
        )))
    }

    /// Makes sure that a backend makes links as bad as the file asks for.
    ///
    /// # Errors
    /// Says what it cannot.
    pub fn fits(&self, backend: &dyn Backend) -> Result<(), Failure> {
        let links = link_conditions(&self.topology);
        let unsupported = backend.capabilities().unsupported(&links);
        if unsupported.is_empty() {
            return Ok(());
        }
        Err(Failure::Lacking(format!(
            "{}: {}; leave them out, or set them to nothing, to raise the lab now",
            self.source.file.display(),
            unsupported.join("; ")
        )))
    }
}

/// Checks a file, and lets an interruption through meanwhile.
async fn checked(source: Source) -> Result<(Source, Cells), Failure> {
    apart(move || {
        let cells = source.cells()?;
        Ok((source, cells))
    })
    .await
}

/// A number that nobody can foresee, from the kernel (random(4)).
///
/// # Errors
/// If the kernel has none, which it says only where /dev is missing.
pub fn random() -> Result<u32, Failure> {
    let mut bytes = [0; 4];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|error| Failure::Lacking(format!("reading /dev/urandom: {error}")))?;
    Ok(u32::from_ne_bytes(bytes))
}
