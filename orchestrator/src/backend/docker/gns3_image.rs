//! The image of nodes on GNS3's servers. Beside the node binary it has what GNS3's own first process needs:
//! a shell, which is the `BusyBox` that GNS3 brings into every container, and a user for it.

use std::io;

use bollard::Docker;
use bollard::query_parameters::ImportImageOptions;
use tar::{Builder, EntryType, Header};

use crate::backend::BackendError;

use super::engine::while_it_reports;
use super::error::at;
use super::image::{self, Content};

/// Puts the image into an engine, under this tag.
pub(super) async fn load(docker: &Docker, node: &[u8], tag: &str) -> Result<(), BackendError> {
    let action = format!("making image {tag}");
    let archive = archive(node, tag).map_err(|error| at(&action)(error.into()))?;
    let body = bollard::body_full(archive.into());
    let reports = docker.import_image(ImportImageOptions::default(), body, None);
    let loaded = while_it_reports(docker, &action, reports, |report| report.status).await;
    loaded.map_err(at(&action))
}

/// The image as `docker load` takes it.
///
/// # Errors
/// None in practice: it is made in memory.
pub fn archive(node: &[u8], tag: &str) -> io::Result<Vec<u8>> {
    let mut tar = Builder::new(image::base(node)?);
    for folder in ["bin", "etc", "run", "var/run"] {
        image::append_folder(&mut tar, folder, 0o755)?;
    }
    for (path, text) in [("etc/passwd", PASSWD), ("etc/group", "root:x:0:\n")] {
        image::append(&mut tar, path, text.as_bytes(), 0o644)?;
    }
    let mut link = Header::new_gnu();
    link.set_entry_type(EntryType::Symlink);
    link.set_size(0);
    link.set_mode(0o777);
    tar.append_link(&mut link, "bin/sh", BUSYBOX)?;
    image::save(&Content {
        layer: tar.into_inner()?,
        // After GNS3 has set the container up, its programs are on this path as long as it runs.
        path: "/.orchestrator:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/tmp/gns3/bin",
        entrypoint: &[],
        command: &["/bin/sh"],
        hash: &image::hash(node),
        tag,
    })
}

const BUSYBOX: &str = "/gns3/bin/busybox";
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n";

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_image_has_a_shell_a_user_and_the_node() {
        let image = archive(b"node", "orchestrator-node:1").unwrap();
        assert_eq!(image, archive(b"node", "orchestrator-node:1").unwrap());
        let mut outer = tar::Archive::new(&image[..]);
        let mut layer = Vec::new();
        for entry in outer.entries().unwrap() {
            let mut entry = entry.unwrap();
            if entry.path().unwrap().ends_with("layer.tar") {
                entry.read_to_end(&mut layer).unwrap();
            }
        }
        let mut inner = tar::Archive::new(&layer[..]);
        let paths: Vec<String> = inner
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        for path in [".orchestrator/node", "bin/sh", "etc/passwd", "root"] {
            assert!(paths.iter().any(|p| p == path), "{path} in {paths:?}");
        }
    }
}
