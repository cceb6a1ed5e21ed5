//! `export`: labs in the forms of other tools.

use std::fs;
use std::path::{Path, PathBuf};

use crate::export::Warning;
use crate::export::gns3::appliance::{self, Kind};
use crate::export::gns3::node_files::{FileContent, NodeFile};
use crate::export::gns3::{self, ExportError, Exported};
use crate::gns3::archive::{self, Entries, PROJECT};
use crate::gns3::switch::SwitchKind;
use crate::topology::Topology;

use super::args::{ExportArgs, ExportFormat};
use super::failure::{Failure, Status};
use super::input::Source;
use super::output;
use super::printer::Printer;

/// Writes a lab in another tool's form, and warns of what that cannot hold.
///
/// # Errors
/// If the file is wrong, the form cannot hold it at all, or it cannot be written.
pub fn export(args: &ExportArgs, printer: Printer) -> Result<Status, Failure> {
    let bytes = match args.form {
        ExportFormat::Gns3Appliance => appliance(args)?,
        ExportFormat::Gns3 => {
            let exported = project(args)?;
            warn(&exported, printer);
            match &args.output {
                Some(output) => beside(&exported, output)?,
                None if exported.node_files.is_empty() => {}
                None => printer.warn(Warning::Bare),
            }
            text(exported.project.text())?.into_bytes()
        }
        ExportFormat::Gns3project => {
            let exported = project(args)?;
            warn(&exported, printer);
            pack(&exported)?
        }
    };
    output::write(&bytes, args.output.as_deref(), printer)?;
    Ok(Status::Passed)
}

fn project(args: &ExportArgs) -> Result<Exported, Failure> {
    let (source, topology) = read(args, args.file.as_deref())?;
    let switches: SwitchKind = args.switch.into();
    // The text alone would say something else than the project.
    let kept = args.settings.is_empty().then_some(source.text.as_str());
    gns3::project(&topology, kept, switches)
        .map_err(|error: ExportError| Failure::Input(format!("{}: {error}", source.file.display())))
}

fn read(args: &ExportArgs, file: Option<&Path>) -> Result<(Source, Topology), Failure> {
    let source = Source::load(file.unwrap_or(Path::new("lab.toml")), &args.settings)?;
    let topology = source.topology()?;
    Ok((source, topology))
}

/// Of a topology: with as many adapters as its nodes need at most.
fn appliance(args: &ExportArgs) -> Result<Vec<u8>, Failure> {
    let mut kind = Kind::default();
    if let Some(file) = &args.file {
        let (_, topology) = read(args, Some(file))?;
        let counts = topology.nodes.iter().map(|node| node.interfaces.len());
        let most = counts.max().unwrap_or_default();
        kind.adapters = u32::try_from(most).unwrap_or(u32::MAX);
        kind.name = format!("{} for {}", kind.name, topology.name);
    }
    Ok(text(appliance::appliance(&kind).text())?.into_bytes())
}

fn warn(exported: &Exported, printer: Printer) {
    for warning in &exported.warnings {
        printer.warn(warning);
    }
}

/// The portable project, in memory.
fn pack(exported: &Exported) -> Result<Vec<u8>, Failure> {
    let project = text(exported.project.text())?;
    let mut entries = Entries::from([(PROJECT.to_owned(), project.into_bytes())]);
    for file in &exported.node_files {
        entries.insert(file.path.clone(), content(file)?);
    }
    archive::pack(&entries).map_err(|error| Failure::Error(format!("packing: {error}")))
}

/// The project's files in its folder.
fn beside(exported: &Exported, output: &Path) -> Result<(), Failure> {
    let folder: PathBuf = output.parent().unwrap_or(Path::new("")).to_owned();
    for file in &exported.node_files {
        let bytes = content(file)?;
        output::write_file(&bytes, &folder.join(&file.path))?;
    }
    Ok(())
}

fn content(file: &NodeFile) -> Result<Vec<u8>, Failure> {
    match &file.content {
        FileContent::Text(text) => Ok(text.clone().into_bytes()),
        FileContent::CopyOf(file) => fs::read(file)
            .map_err(|error| Failure::Error(format!("reading {}: {error}", file.display()))),
    }
}

fn text(made: Result<String, serde_json::Error>) -> Result<String, Failure> {
    made.map_err(|error| Failure::Error(format!("writing JSON: {error}")))
}
