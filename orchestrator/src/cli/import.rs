//! `import`: other tools' labs as topology files.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use crate::gns3::archive::{self, Entries, PROJECT};
use crate::gns3::document::Project;
use crate::import::Imported;
use crate::import::gns3::{self, ImportError};

use super::args::ImportArgs;
use super::failure::{Failure, Status};
use super::output;
use super::printer::Printer;

/// Writes the topology file of a lab, and names what has no counterpart.
///
/// # Errors
/// If the lab is refused, or the file cannot be written.
pub fn import(args: &ImportArgs, printer: Printer) -> Result<Status, Failure> {
    let wrong =
        |error: &dyn std::fmt::Display| Failure::Input(format!("{}: {error}", args.file.display()));
    let imported = read(&args.file, &wrong)?;
    for left_out in &imported.left_out {
        printer.warn(left_out);
    }
    output::write(imported.text.as_bytes(), args.output.as_deref(), printer)?;
    Ok(Status::Passed)
}

fn read(
    path: &Path,
    wrong: &dyn Fn(&dyn std::fmt::Display) -> Failure,
) -> Result<Imported, Failure> {
    let remedy = "name a .gns3 or .gns3project file";
    let unread = |error: std::io::Error| wrong(&format_args!("{error}; {remedy}"));
    let mut file = File::open(path).map_err(unread)?;
    if !file.metadata().map_err(unread)?.is_file() {
        return Err(wrong(&format_args!("this is no file; {remedy}")));
    }
    let mut opening = [0; 2];
    let is_archive = match file.read_exact(&mut opening) {
        Ok(()) => opening == *b"PK",
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => false,
        Err(error) => return Err(unread(error)),
    };
    file.seek(SeekFrom::Start(0)).map_err(unread)?;
    let refused = |error: ImportError| wrong(&error);
    if is_archive {
        let entries = archive::unpack(file, is_wanted).map_err(|e| refused(e.into()))?;
        let bytes = entries.get(PROJECT).map(Vec::as_slice).unwrap_or_default();
        let project = Project::read(bytes).map_err(|e| refused(e.into()))?;
        return gns3::import(&project, &|path| of_archive(&entries, path)).map_err(refused);
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(unread)?;
    if bytes.len() as u64 > LONGEST {
        return Err(wrong(&"it is longer than 64 MiB, which no project is"));
    }
    let project = Project::read(&bytes).map_err(|e| refused(e.into()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    gns3::import(&project, &|path| of_folder(folder, path)).map_err(refused)
}

/// Whether a file of an archive says something of a lab.
fn is_wanted(path: &str) -> bool {
    let texts = ["/etc/network/interfaces", "/startup.vpc", ".svg"];
    texts.iter().any(|end| path.ends_with(end))
}

fn of_archive(entries: &Entries, path: &str) -> Option<String> {
    let bytes = entries.get(path)?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// A file beside a project. None where there is none, as with a project that was never opened.
fn of_folder(folder: &Path, path: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let file = folder.join(path);
    fs::metadata(&file).ok().filter(fs::Metadata::is_file)?;
    let file = File::open(file).ok()?;
    file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Bytes of a project; the largest known have some megabytes.
const LONGEST: u64 = 64 << 20;
