//! A lab that is up.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use protocol::control::{Command, Lifetime, Program};
use protocol::name::NodeName;
use protocol::settings::Sandbox;

use crate::backend::{Backend, BackendErrorKind, BackendKind, Fabric, LabHandle};
use crate::control::{Control, GREETING_AGAIN};
use crate::plan::{LabId, LinkConditions, Plan, Provision};

use super::reaper::{Orphan, take_away};
use super::{FileLedger, LabError, LabFolder, LabLock, LabRecord, NewLab, Reaper};

/// A lab that is up, with a control connection to every node.
#[must_use = "dropping a lab has it taken away; call `destroy` to see errors, or `keep` to leave it up"]
#[derive(Debug)]
pub struct Lab {
    plan: Plan,
    backend: Arc<dyn Backend>,
    fabric: Option<Box<dyn Fabric>>,
    controls: BTreeMap<NodeName, Control>,
    /// The nodes that did not answer when the lab was attached, with the reasons.
    gone: BTreeMap<NodeName, String>,
    folder: LabFolder,
    lock: Option<LabLock>,
    /// Whether dropping it takes it away.
    owned: bool,
    reaper: Reaper,
}

/// The times that raising took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RaiseTimings {
    /// From the first resource to the last.
    pub raise: Duration,
    /// Until the last node's agent said that it is ready.
    pub greeted: Duration,
    /// Until the last node was configured and answered.
    pub ready: Duration,
}

impl Lab {
    /// Makes everything in `plan`, greets and configures every node.
    ///
    /// # Errors
    /// The reason why it could not be raised. Everything that was made is gone then, or named in
    /// [`LabError::Left`].
    pub async fn raise(
        backend: Arc<dyn Backend>,
        plan: Plan,
        NewLab { folder, lock }: NewLab,
        reaper: Reaper,
    ) -> Result<(Self, RaiseTimings), LabError> {
        let lock = Some(lock);
        let ledger = Arc::new(FileLedger::open(backend.kind(), folder.ledger())?);
        // The guard exists before the first resource, so that a cancelled future cleans up too.
        let (controls, gone) = (BTreeMap::new(), BTreeMap::new());
        let mut lab = Self {
            plan,
            backend,
            fabric: None,
            controls,
            gone,
            folder,
            lock,
            owned: true,
            reaper,
        };
        match lab.realise(ledger).await {
            Ok(timings) => Ok((lab, timings)),
            Err(cause) => match lab.destroy().await {
                Ok(()) => Err(cause),
                Err(after) => Err(LabError::Left {
                    cause: Box::new(cause),
                    after: Box::new(after),
                }),
            },
        }
    }

    /// Attaches to a lab that an earlier process kept. Dropping it leaves the lab up. Nodes that do not answer
    /// are [`Self::gone`].
    ///
    /// # Errors
    /// If another process acts on it, or no node answers.
    pub async fn attach(
        backend: Arc<dyn Backend>,
        record: LabRecord,
        folder: LabFolder,
        reaper: Reaper,
    ) -> Result<Self, LabError> {
        let lock = Some(folder.lock_soon().await?);
        if let Some((node, host)) = record.handle.hosts.first_key_value() {
            let kind = BackendErrorKind::OnHost(host.clone());
            return Err(kind
                .at(record.handle.backend, format!("connecting to node {node}"))
                .into());
        }
        let fabric = backend.attach(&record.handle).await?;
        let mut lab = Self {
            plan: record.plan,
            backend,
            fabric: None,
            controls: BTreeMap::new(),
            gone: BTreeMap::new(),
            folder,
            lock,
            owned: false,
            reaper,
        };
        lab.greet_living(fabric.as_ref()).await?;
        lab.fabric = Some(fabric);
        Ok(lab)
    }

    /// Returns the lab's identity.
    pub fn id(&self) -> &LabId {
        &self.plan.lab
    }

    /// Returns the plan that was raised.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the backend on which it runs.
    pub fn backend(&self) -> BackendKind {
        self.backend.kind()
    }

    /// Returns warnings for a reader of the results.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self
            .gone
            .iter()
            .map(|(node, why)| {
                format!("node {node} does not answer, and nothing of it was captured: {why}")
            })
            .collect();
        let nodes = self.plan.nodes.iter();
        let free = nodes.filter(|node| node.settings.sandbox == Sandbox::Off);
        warnings.extend(free.map(|node| {
            let rights = "its programs are not confined, and may reach beyond the lab";
            format!("node {}: sandbox = \"off\": {rights}", node.name)
        }));
        warnings.extend(self.fabric.iter().flat_map(|fabric| fabric.warnings()));
        warnings
    }

    /// Returns the nodes that did not answer when the lab was attached, with the reasons.
    pub fn gone(&self) -> &BTreeMap<NodeName, String> {
        &self.gone
    }

    /// Returns the control connection to a node. `None`: there is no such node, or it is [`Self::gone`].
    pub fn node(&self, name: &NodeName) -> Option<&Control> {
        self.controls.get(name)
    }

    /// Gives every link these conditions. Describes each link that has any, one sentence each.
    ///
    /// # Errors
    /// The backend's.
    pub async fn set_conditions(
        &self,
        conditions: &LinkConditions,
    ) -> Result<Vec<String>, LabError> {
        match &self.fabric {
            Some(fabric) => Ok(fabric.set_conditions(conditions).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Puts each node's files in place, then starts each node's command.
    ///
    /// # Errors
    /// If a file cannot be read here or written there, or a command does not start.
    pub async fn provision(&self, provisions: &[Provision]) -> Result<(), LabError> {
        let work = provisions.iter().filter_map(|node| {
            let control = self.controls.get(&node.node)?;
            Some(async move {
                for file in &node.files {
                    put_file(control, &file.from, &file.to).await?;
                }
                if let Some(command) = own_command(&node.command, &node.env) {
                    control.launch(command).await?;
                }
                Ok::<(), LabError>(())
            })
        });
        stream::iter(work)
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<Vec<()>>()
            .await?;
        Ok(())
    }

    /// Removes everything, the newest first, and continues past failures.
    ///
    /// # Errors
    /// [`LabError::Leftovers`] with everything that could not be removed.
    pub async fn destroy(mut self) -> Result<(), LabError> {
        self.controls.clear();
        self.fabric = None;
        // From here on the ledger counts: if this future is dropped, the reaper continues from it.
        let taken = take_away(&self.backend, &self.folder).await;
        // This reports the resources that could not be removed. The reaper does not try and report them again.
        self.owned = false;
        taken
    }

    /// Leaves the lab up and writes the record that it is found by.
    ///
    /// # Errors
    /// If it cannot be recorded. The lab is then taken away.
    pub async fn keep(
        mut self,
        record: impl FnOnce(LabHandle, Plan) -> LabRecord,
    ) -> Result<(), LabError> {
        if let Some(fabric) = &self.fabric {
            let handle = fabric.keep().await?;
            self.folder
                .write_record(&record(handle, self.plan.clone()))?;
            self.owned = false;
        }
        Ok(())
    }

    async fn realise(&mut self, ledger: Arc<FileLedger>) -> Result<RaiseTimings, LabError> {
        let start = Instant::now();
        let fabric = self.backend.raise(&self.plan, ledger).await?;
        let raise = start.elapsed();
        self.controls = self.greet_all(fabric.as_ref()).await?;
        let greeted = start.elapsed();
        let to_configure = self.plan.nodes.iter().filter(|_| !fabric.is_configured());
        let configured = to_configure.filter_map(|node| {
            let settings = fabric.settings(&self.plan.settings(node));
            self.controls
                .get(&node.name)
                .map(|control| control.configure(settings))
        });
        stream::iter(configured)
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<Vec<()>>()
            .await?;
        fabric.check_passage(&self.plan, &self.controls).await?;
        self.fabric = Some(fabric);
        Ok(RaiseTimings {
            raise,
            greeted,
            ready: start.elapsed(),
        })
    }

    async fn greet_all(
        &self,
        fabric: &dyn Fabric,
    ) -> Result<BTreeMap<NodeName, Control>, LabError> {
        let greeted = self.plan.nodes.iter().map(|node| async {
            let control = greet(fabric, &node.name).await?;
            Ok((node.name.clone(), control))
        });
        stream::iter(greeted)
            .buffer_unordered(IN_FLIGHT)
            .try_collect()
            .await
    }

    async fn greet_living(&mut self, fabric: &dyn Fabric) -> Result<(), LabError> {
        let greeted = self.plan.nodes.iter().map(|node| async {
            let answer = greet_again(fabric, &node.name).await;
            (node.name.clone(), answer)
        });
        let mut answers = stream::iter(greeted).buffer_unordered(IN_FLIGHT);
        let mut refused = None;
        while let Some((node, answer)) = answers.next().await {
            match answer {
                Ok(control) => drop(self.controls.insert(node, control)),
                Err(error) => {
                    self.gone.insert(node, error.to_string());
                    refused = Some(error);
                }
            }
        }
        match refused {
            Some(error) if self.controls.is_empty() => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.owned {
            self.reaper.inherit(Orphan {
                backend: Arc::clone(&self.backend),
                folder: self.folder.clone(),
                lock: self.lock.take(),
            });
        }
    }
}

async fn greet(fabric: &dyn Fabric, node: &NodeName) -> Result<Control, LabError> {
    let stream = fabric.open(node).await?;
    Ok(Control::greet(stream, node.clone()).await?)
}

async fn greet_again(fabric: &dyn Fabric, node: &NodeName) -> Result<Control, LabError> {
    let stream = fabric.open(node).await?;
    Ok(Control::greet_within(GREETING_AGAIN, stream, node.clone()).await?)
}

/// Puts a file of this machine into a node, with its permission bits.
///
/// # Errors
/// If it cannot be read here or written there.
pub async fn put_file(control: &Control, from: &PathBuf, to: &str) -> Result<(), LabError> {
    let input = |source| LabError::Input {
        path: from.clone(),
        node: control.node().to_string(),
        source,
    };
    let file = tokio::fs::File::open(from).await.map_err(input)?;
    let meta = file.metadata().await.map_err(input)?;
    if meta.is_dir() {
        return Err(input(io::Error::other(
            "it is a folder; name the files in it one by one",
        )));
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o777;
    control.put(to, mode, file).await?;
    Ok(())
}

fn own_command(command: &[String], env: &BTreeMap<String, String>) -> Option<Command> {
    (!command.is_empty()).then(|| Command {
        program: Program::Own(command.to_vec()),
        env: env.clone(),
        directory: None,
        terminal: None,
        lifetime: Lifetime::Node,
    })
}

const IN_FLIGHT: usize = 64;
