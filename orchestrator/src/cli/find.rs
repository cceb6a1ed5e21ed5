//! Finds labs that are up, and their nodes, by the names that the user gives.

use protocol::link::Port;
use protocol::name::NodeName;

use crate::control::{Control, GREETING_AGAIN};
use crate::lab::{LabError, LabFolder, LabRecord, Standing, StateDir};

use super::failure::Failure;
use super::site::Site;

/// Finds the lab that is up and has this name or identity, or was raised from this file.
///
/// # Errors
/// If there is none. Names the labs that are up.
pub fn lab(state: &StateDir, called: &str) -> Result<(LabFolder, LabRecord), Failure> {
    let records = state.records()?;
    let file = std::path::absolute(called).ok();
    let up = names(&records);
    let mut found: Vec<_> = records
        .into_iter()
        .filter(|(folder, record)| {
            is_called(folder, called) || file.as_ref().is_some_and(|file| *file == record.file)
        })
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => Err(Failure::Input(format!(
            "`{called}` names several labs; {up}"
        ))),
        (None, _) => Err(Failure::Input(match unfinished(state, called)? {
            Some(leftover) => format!("no lab `{called}` is up; {leftover}"),
            None => format!("no lab `{called}` is up; {up}"),
        })),
    }
}

/// Finds the folder of a lab that can be taken down: it is up, or is being removed, or its record cannot be read.
///
/// # Errors
/// If there is none. Names the labs that are up.
pub fn lab_to_end(state: &StateDir, called: &str) -> Result<LabFolder, Failure> {
    let labs = state.labs()?.into_iter();
    let to_end =
        labs.filter(|(_, standing)| matches!(standing, Standing::Ending | Standing::Unreadable(_)));
    let mut called_so = to_end.filter(|(folder, _)| is_called(folder, called));
    match lab(state, called) {
        Ok((folder, _)) => Ok(folder),
        Err(none) => called_so.next().map(|(folder, _)| folder).ok_or(none),
    }
}

fn is_called(folder: &LabFolder, called: &str) -> bool {
    folder.lab().name.as_str() == called || folder.name() == called
}

/// Describes the leftovers of a lab of this name or identity that is not up.
fn unfinished(state: &StateDir, called: &str) -> Result<Option<String>, Failure> {
    let mut labs = state.labs()?.into_iter();
    let Some((folder, standing)) = labs.find(|(folder, _)| is_called(folder, called)) else {
        return Ok(None);
    };
    Ok(Some(match (standing, folder.lock()) {
        (Standing::Unreadable(error), _) => {
            format!("{error}; `orchestrator down {called}` takes away what there is of it")
        }
        (_, Err(LabError::Busy { pid, .. })) => format!("process {pid} is at work with it"),
        (Standing::Ending, _) => {
            format!("its removal was begun; `orchestrator down {called}` finishes it")
        }
        _ => "a killed process has left parts of it; `orchestrator clean` removes them".to_owned(),
    }))
}

/// Finds the lab and the node that `NODE` or `LAB/NODE` names.
///
/// # Errors
/// If there is none, or if several labs that are up have one.
pub fn node(state: &StateDir, called: &str) -> Result<(LabRecord, NodeName), Failure> {
    let (of, name) = match called.split_once('/') {
        Some((of, name)) => (Some(of), name),
        None => (None, called),
    };
    let records = match of {
        Some(of) => vec![lab(state, of)?],
        None => state.records()?,
    };
    let has = |record: &LabRecord| {
        record
            .handle
            .nodes
            .iter()
            .any(|(node, _)| node.as_str() == name)
    };
    let up = names(&records);
    let mut found: Vec<_> = records.iter().filter(|(_, record)| has(record)).collect();
    match (found.pop(), found.is_empty()) {
        (Some((_, record)), true) => {
            let name = name
                .parse()
                .map_err(|error| Failure::Input(format!("{error}")))?;
            Ok((record.clone(), name))
        }
        (Some((_, record)), false) => {
            let example = &record.handle.lab.name;
            let text = format!(
                "several labs have a node `{name}`; write LAB/NODE, as in {example}/{name}"
            );
            Err(Failure::Input(text))
        }
        (None, _) => Err(Failure::Input(format!(
            "no lab that is up has a node `{name}`; {up}"
        ))),
    }
}

/// Finds the lab and the interface that `NODE:INTERFACE` names. The interface is eth0 if none is given.
///
/// # Errors
/// If there is no such node. Whether the node has the interface is not checked here.
pub fn port(state: &StateDir, called: &str) -> Result<(LabRecord, Port), Failure> {
    let (node, interface) = called.rsplit_once(':').unwrap_or((called, "eth0"));
    let (record, node) = self::node(state, node)?;
    let interface = interface
        .parse()
        .map_err(|error| Failure::Input(format!("{error}")))?;
    Ok((record, Port { node, interface }))
}

/// Opens a control connection to a node of a lab that is up.
///
/// # Errors
/// If there is no such node, or it does not answer.
pub async fn connect(site: &Site, called: &str) -> Result<(LabRecord, Control), Failure> {
    let (record, name) = node(&site.state, called)?;
    let control = open(site, &record, name).await?;
    Ok((record, control))
}

/// Opens a control connection to a node of this lab.
///
/// # Errors
/// If it does not answer.
pub async fn open(site: &Site, record: &LabRecord, node: NodeName) -> Result<Control, Failure> {
    let fabric = site
        .backend(record.handle.backend)
        .attach(&record.handle)
        .await?;
    let stream = fabric.open(&node).await?;
    Ok(Control::greet_within(GREETING_AGAIN, stream, node).await?)
}

fn names(records: &[(LabFolder, LabRecord)]) -> String {
    if records.is_empty() {
        return "none is; raise one with `orchestrator up FILE`".to_owned();
    }
    let names: Vec<_> = records
        .iter()
        .map(|(_, record)| record.handle.lab.name.as_str())
        .collect();
    format!("up are: {}", names.join(", "))
}
