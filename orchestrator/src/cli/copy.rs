//! `cp`: a file into or out of a node, or from one node to another.

use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;

use crate::control::Control;
use crate::lab::raised::put_file;

use super::args::CpArgs;
use super::failure::{Failure, Status};
use super::find;
use super::printer::Printer;
use super::site::Site;

/// Copies a file.
///
/// # Errors
/// If there is no such node or file, or no room.
pub async fn cp(args: CpArgs, printer: Printer, site: &Site) -> Result<Status, Failure> {
    match (Place::parse(&args.from), Place::parse(&args.to)) {
        (Place::Here(from), Place::Node { node, path }) => {
            let (_, control) = find::connect(site, &node).await?;
            let target = into_folder(&control, &path, &from).await;
            put_file(&control, &from, &target).await?;
        }
        (Place::Node { node, path }, Place::Here(to)) => {
            let to = if to.is_dir() {
                to.join(name_of(Path::new(&path)))
            } else {
                to
            };
            bring(site, &node, &path, &to).await?;
        }
        (
            Place::Node { node, path },
            Place::Node {
                node: other,
                path: target,
            },
        ) => {
            let passing = tempfile::NamedTempFile::new()
                .map_err(|error| Failure::Error(format!("making a temporary file: {error}")))?;
            bring(site, &node, &path, passing.path()).await?;
            let (_, control) = find::connect(site, &other).await?;
            let target = into_folder(&control, &target, Path::new(&path)).await;
            put_file(&control, &passing.path().to_owned(), &target).await?;
        }
        (Place::Here(_), Place::Here(_)) => {
            let text = "one of the two must be in a node: write it as NODE:/PATH";
            return Err(Failure::Input(text.to_owned()));
        }
    }
    printer.note(format_args!("copied {} to {}", args.from, args.to));
    Ok(Status::Passed)
}

/// Where a file is.
enum Place {
    Here(PathBuf),
    Node { node: String, path: String },
}

impl Place {
    /// `NODE:/PATH` is in a node; all else is here, also where a file's own name holds `:`.
    fn parse(text: &str) -> Self {
        match text.split_once(":/") {
            Some((node, path)) if !node.is_empty() && !node.starts_with(['.', '/']) => Self::Node {
                node: node.to_owned(),
                path: format!("/{path}"),
            },
            _ => Self::Here(PathBuf::from(text)),
        }
    }
}

async fn bring(site: &Site, node: &str, path: &str, to: &Path) -> Result<(), Failure> {
    let (_, control) = find::connect(site, node).await?;
    let failed = |error| Failure::Error(format!("writing {}: {error}", to.display()));
    let mut download = control.get(path).await.map_err(Failure::of_named)?;
    let mut file = tokio::fs::File::create(to).await.map_err(failed)?;
    while let Some(bytes) = download.next().await? {
        file.write_all(&bytes).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)
}

/// The target, with the source's name added where it is a folder, or ends as one.
async fn into_folder(control: &Control, target: &str, source: &Path) -> String {
    if target.ends_with('/') || control.list(target).await.is_ok() {
        let folder = target.trim_end_matches('/');
        format!("{folder}/{}", name_of(source))
    } else {
        target.to_owned()
    }
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
