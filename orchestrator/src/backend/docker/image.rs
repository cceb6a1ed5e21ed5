//! The built-in image, made here from the node binary, and people's own.

use std::io;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ImportImageOptions, ListImagesOptionsBuilder, RemoveImageOptions,
};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::backend::{BackendError, WAITING};

use super::engine::{REQUEST_TIMEOUT, architecture, soon, while_it_answers, while_it_reports};
use super::error::{at, is_silence, lacking, status};
use super::mark;

/// Where the node binary is in every container.
pub(super) const NODE: &str = "/.orchestrator/node";

/// Makes sure that the engine has the built-in image and returns its tag. It holds the node binary
/// and a few empty folders; it comes from this process's memory, not from a registry.
pub(super) async fn built_in(docker: &Docker, node: &'static [u8]) -> Result<String, BackendError> {
    let action = "making the built-in image";
    let hash = tokio::task::spawn_blocking(move || hash(node)).await;
    let hash = hash.map_err(|error| at(action)(io::Error::other(error).into()))?;
    let version = hash.get(..16).unwrap_or(&hash);
    let tag = format!("orchestrator-node:{version}");
    match soon(docker.inspect_image(&tag)).await {
        Ok(_) => return Ok(tag),
        Err(error) if status(&error) == Some(404) => {}
        Err(error) => return Err(at(action)(error)),
    }
    let archive = archive(node, &hash, &tag).map_err(|error| at(action)(error.into()))?;
    let body = bollard::body_full(archive.into());
    let reports = docker.import_image(ImportImageOptions::default(), body, None);
    let loaded = while_it_reports(docker, action, reports, |report| report.status).await;
    loaded.map_err(at(action))?;
    Ok(tag)
}

/// Returns `None` if this tag is on our image with this very node binary inside; otherwise the identity of
/// the image of ours that has the tag, empty if none has.
pub(super) async fn other_than(docker: &Docker, tag: &str, node: &'static [u8]) -> Option<String> {
    let Ok(image) = soon(docker.inspect_image(tag)).await else {
        return Some(String::new());
    };
    let hash = tokio::task::spawn_blocking(move || hash(node)).await.ok();
    let labels = image.config.and_then(|config| config.labels);
    let held = labels.and_then(|labels| labels.get(mark::IMAGE).cloned());
    let is_ours = held.is_some();
    let id = image.id.filter(|_| is_ours).unwrap_or_default();
    (!is_ours || held != hash).then_some(id)
}

/// Removes an image of ours whose tag another one has got, unless something still runs from it.
pub(super) async fn forget(docker: &Docker, id: &str) {
    if id.is_empty() {
        return;
    }
    let removed = docker.remove_image(id, None::<RemoveImageOptions>, None);
    if let Err(error) = while_it_answers(docker, "removing an older image", removed).await {
        tracing::debug!(%error, id, "an older image stays");
    }
}

/// Makes sure that the engine has somebody's image, pulling it if need be.
pub(super) async fn of_user(docker: &Docker, image: &str) -> Result<(), BackendError> {
    let action = format!("looking for image {image}");
    match soon(docker.inspect_image(image)).await {
        Ok(_) => return Ok(()),
        Err(error) if status(&error) == Some(404) => {}
        Err(error) => return Err(at(action)(error)),
    }
    let mut options = CreateImageOptionsBuilder::default().from_image(image);
    if !names_version(image) {
        options = options.tag("latest");
    }
    let pulling = format!("pulling image {image}");
    tracing::info!(target: WAITING, "the engine has no image {image}: {pulling}");
    let reports = docker.create_image(Some(options.build()), None, None);
    let why = match while_it_reports(docker, &pulling, reports, progress).await {
        Ok(()) => return Ok(()),
        Err(error) if is_silence(&error) => return Err(at(pulling)(error)),
        Err(Error::RequestTimeoutError) => {
            format!("nothing has come for {} s", REQUEST_TIMEOUT.as_secs())
        }
        Err(error) => in_short(&error),
    };
    Err(lacking(
        format!("the engine has no image {image} and cannot pull it ({why})"),
        format!("try `docker pull {image}`, or bring it with `docker load`"),
        &action,
    ))
}

/// Returns the words of a report on a pull: `Downloading 12 of 40 MB`.
fn progress(report: CreateImageInfo) -> Option<String> {
    let status = report.status?;
    let detail = report.progress_detail.unwrap_or_default();
    Some(match (detail.current, detail.total) {
        (Some(done), Some(all)) => format!("{status}, {done} of {all} bytes"),
        _ => status,
    })
}

/// The tags of all built-in images, of this version and others.
pub(super) async fn cached(docker: &Docker) -> Result<Vec<String>, BackendError> {
    let options = ListImagesOptionsBuilder::default()
        .filters(&mark::filter(mark::IMAGE))
        .build();
    let images = soon(docker.list_images(Some(options))).await;
    let images = images.map_err(at("listing the built-in images"))?;
    let names = images.into_iter().flat_map(|image| {
        let mut tags = image.repo_tags;
        tags.retain(|tag| !tag.contains("<none>"));
        if tags.is_empty() {
            tags.push(image.id);
        }
        tags
    });
    Ok(names.collect())
}

/// A tar of the node binary at its place, to be put into a container.
pub(super) fn node_archive(node: &[u8]) -> io::Result<Bytes> {
    let mut tar = Builder::new(Vec::new());
    append_node(&mut tar, node)?;
    tar.into_inner().map(Bytes::from)
}

/// An image as `docker save` writes it: a layer, a configuration, and a manifest that names them
/// (Docker Image Specification v1.2).
fn archive(node: &[u8], hash: &str, tag: &str) -> io::Result<Vec<u8>> {
    save(&Content {
        layer: Builder::new(base(node)?).into_inner()?,
        path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        entrypoint: &[NODE],
        command: &[],
        hash,
        tag,
    })
}

/// The content of an image.
pub(super) struct Content<'a> {
    /// Its one layer, a tar archive.
    pub(super) layer: Vec<u8>,
    /// Where programs are looked for.
    pub(super) path: &'a str,
    /// The program that every container starts.
    pub(super) entrypoint: &'a [&'a str],
    /// The arguments that it starts with by default.
    pub(super) command: &'a [&'a str],
    /// The node binary's hash.
    pub(super) hash: &'a str,
    /// Its name and version.
    pub(super) tag: &'a str,
}

/// An image as `docker save` writes it.
pub(super) fn save(content: &Content<'_>) -> io::Result<Vec<u8>> {
    let diff = hex(&Sha256::digest(&content.layer));
    let mut settings = serde_json::json!({
        "Env": [format!("PATH={}", content.path)],
        "WorkingDir": "/root",
        "Labels": { mark::IMAGE: content.hash },
    });
    let starts = [("Entrypoint", content.entrypoint), ("Cmd", content.command)];
    for (key, words) in starts.into_iter().filter(|(_, words)| !words.is_empty()) {
        settings[key] = serde_json::json!(words);
    }
    let config = serde_json::json!({
        "architecture": architecture(),
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": settings,
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{diff}")] },
    })
    .to_string();
    let config_name = format!("{}.json", hex(&Sha256::digest(&config)));
    let manifest = serde_json::json!([{
        "Config": config_name, "RepoTags": [content.tag], "Layers": ["layer.tar"],
    }])
    .to_string();
    let mut tar = Builder::new(Vec::new());
    append(&mut tar, "layer.tar", &content.layer, 0o644)?;
    append(&mut tar, &config_name, config.as_bytes(), 0o644)?;
    append(&mut tar, "manifest.json", manifest.as_bytes(), 0o644)?;
    tar.into_inner()
}

/// A layer with the node binary and a few empty folders, its end not yet written.
pub(super) fn base(node: &[u8]) -> io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    append_node(&mut tar, node)?;
    for (folder, mode) in [("root", 0o700), ("tmp", 0o1777), ("var", 0o755)] {
        append_folder(&mut tar, folder, mode)?;
    }
    append_folder(&mut tar, "var/tmp", 0o1777)?;
    let length = tar.get_ref().len();
    let mut layer = tar.into_inner()?;
    // Two empty blocks end an archive.
    layer.truncate(length);
    Ok(layer)
}

/// The node binary's hash, in hexadecimal.
pub(super) fn hash(node: &[u8]) -> String {
    hex(&Sha256::digest(node))
}

fn append_node(tar: &mut Builder<Vec<u8>>, node: &[u8]) -> io::Result<()> {
    let path = NODE.trim_start_matches('/');
    append_folder(tar, path.split('/').next().unwrap_or_default(), 0o755)?;
    append(tar, path, node, 0o755)
}

pub(super) fn append(
    tar: &mut Builder<Vec<u8>>,
    path: &str,
    bytes: &[u8],
    mode: u32,
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(mode);
    tar.append_data(&mut header, path, bytes)
}

pub(super) fn append_folder(tar: &mut Builder<Vec<u8>>, path: &str, mode: u32) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Directory);
    header.set_size(0);
    header.set_mode(mode);
    tar.append_data(&mut header, path, io::empty())
}

/// Whether the name of an image says which: by tag or digest after its last slash.
fn names_version(image: &str) -> bool {
    image
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains([':', '@']))
}

fn in_short(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        other => other.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_with_or_without_its_version() {
        for (image, named) in [
            ("python", false),
            ("python:3.12", true),
            ("host:5000/python", false),
            ("host:5000/python:3", true),
            ("python@sha256:00", true),
        ] {
            assert_eq!(names_version(image), named, "{image}");
        }
    }

    #[test]
    fn the_same_node_makes_the_same_image() {
        let one = archive(b"node", "00", "orchestrator-node:00").unwrap();
        assert_eq!(one, archive(b"node", "00", "orchestrator-node:00").unwrap());
        let mut tar = tar::Archive::new(&one[..]);
        let names: Vec<String> = tar
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names[0], "layer.tar");
        assert_eq!(names[2], "manifest.json");
    }
}
