//! A GNS3 project as a topology file, whole.
//!
//! A project that was exported here carries the topology's own text along. Where it still says what that
//! text says, the text comes back as it was, scenarios and comments included; where it was changed since,
//! the project rules.

use std::collections::BTreeMap;
use std::path::Path;

use uuid::Uuid;

use crate::export;
use crate::export::gns3::node_files::{ADDRESSES, FileContent, place};
use crate::gns3::document::Project;
use crate::gns3::picture::Note;
use crate::gns3::switch::SwitchKind;
use crate::topology::{self, Found};

use super::error::ImportError;
use super::reading::read;
use crate::import::file;
use crate::import::imported::{Imported, LeftOut};
use crate::import::lab::{Lab, LabNode};

/// Reads a project. `look` tells what a path below its folder holds, as text.
///
/// # Errors
/// [`ImportError`] says what is wrong with it.
pub fn import(
    project: &Project,
    look: &dyn Fn(&str) -> Option<String>,
) -> Result<Imported, ImportError> {
    let of_node =
        |kind: &str, id: Uuid, path: &str| look(&format!("project-files/{kind}/{id}/{path}"));
    let (lab, mut left_out) = read(project, &of_node)?;
    let notes = notes(project, look);
    let kept = notes.iter().find_map(|note| note.kept.as_deref());
    let knows_addresses = project
        .topology
        .nodes
        .iter()
        .any(|node| look(&place(node.node_id, ADDRESSES)).is_some());
    if let Some(kept) = kept {
        if said_by(kept, knows_addresses).is_some_and(|said| same(&said, &lab)) {
            return Ok(Imported {
                text: kept.to_owned(),
                left_out: Vec::new(),
            });
        }
        left_out.push(LeftOut {
            of: project.name.clone(),
            text: "was changed since it was exported: the project rules, and the scenarios of the lab's file are left out"
                .to_owned(),
        });
    } else if lab.nodes.iter().all(has_no_address) {
        left_out.push(LeftOut {
            of: project.name.clone(),
            text: "no file with addresses is beside the project: name an archive, or the project in its folder"
                .to_owned(),
        });
    }
    let summary = kept.and_then(topology_of).and_then(|t| t.summary);
    let texts: Vec<String> = if kept.is_some() {
        Vec::new()
    } else {
        notes.into_iter().map(|note| note.text).collect()
    };
    let text = file::text(&lab, summary.as_deref(), &texts);
    check(&text)?;
    Ok(Imported { text, left_out })
}

fn has_no_address(node: &LabNode) -> bool {
    node.interfaces.iter().all(|one| one.addresses.is_empty())
}

/// The texts that are drawn; servers keep long ones in files of their own.
fn notes(project: &Project, look: &dyn Fn(&str) -> Option<String>) -> Vec<Note> {
    let drawings = project.topology.drawings.iter();
    let notes = drawings.filter_map(|drawing| {
        if drawing.svg.contains("<svg") {
            return Note::read(&drawing.svg);
        }
        // A name and not a path: nothing outside the folder of pictures is looked at.
        let name = Path::new(&drawing.svg).file_name()?.to_str()?;
        Note::read(&look(&format!("{PICTURES}/{name}"))?)
    });
    notes.collect()
}

/// Returns the lab that a project exported from this text describes, with or without addresses.
fn said_by(kept: &str, with_addresses: bool) -> Option<Lab> {
    let topology = topology_of(kept)?;
    let exported = [SwitchKind::Ethernet, SwitchKind::Docker]
        .into_iter()
        .find_map(|kind| export::gns3::project(&topology, None, kind).ok())?;
    let texts: BTreeMap<&str, &str> = exported
        .node_files
        .iter()
        .filter_map(|file| match &file.content {
            FileContent::Text(text) => Some((file.path.as_str(), text.as_str())),
            FileContent::CopyOf(_) => None,
        })
        .collect();
    let look = |kind: &str, id: Uuid, path: &str| {
        let path = format!("project-files/{kind}/{id}/{path}");
        let text = texts.get(path.as_str()).filter(|_| with_addresses)?;
        Some((*text).to_owned())
    };
    read(&exported.project, &look).ok().map(|(lab, _)| lab)
}

/// Whether two labs are the same but for their names, which servers change where one is taken.
fn same(one: &Lab, other: &Lab) -> bool {
    one.networks == other.networks && one.nodes == other.nodes && one.wires == other.wires
}

fn topology_of(text: &str) -> Option<topology::Topology> {
    topology::read(FILE, text, Path::new(""), &BTreeMap::new(), &|_| {
        Found::File
    })
    .ok()
}

fn check(text: &str) -> Result<(), ImportError> {
    match topology::read(FILE, text, Path::new(""), &BTreeMap::new(), &|_| {
        Found::File
    }) {
        Ok(_) => Ok(()),
        Err(mistakes) => Err(ImportError::Lab(mistakes.render(false))),
    }
}

/// Where servers keep the pictures of a project.
pub const PICTURES: &str = "project-files/images";

const FILE: &str = "lab.toml";
