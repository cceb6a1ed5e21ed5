//! What a server has made in this machine's Docker engine.

use bollard::Docker;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ListContainersOptionsBuilder, RemoveImageOptions,
};
use futures_util::TryStreamExt;
use tokio::runtime::Runtime;

/// The names of all containers that GNS3 has made for nodes with such a name: there may be others.
pub(crate) fn containers(of: &[&str]) -> Vec<String> {
    runtime().block_on(async {
        let docker = Docker::connect_with_unix_defaults().unwrap();
        let all = ListContainersOptionsBuilder::default().all(true).build();
        let all = docker.list_containers(Some(all)).await.unwrap();
        let names = all
            .into_iter()
            .filter_map(|one| one.names?.into_iter().next());
        let is_of = |name: &String| {
            of.iter()
                .any(|node| name.starts_with(&format!("/GNS3.{node}.")))
        };
        names.filter(is_of).collect()
    })
}

/// Makes an image that has nothing but a user and a shell, without which GNS3 starts nothing.
pub(crate) fn make_bare_image(name: &str) {
    let mut tar = tar::Builder::new(Vec::new());
    let text = b"root:x:0:0:root:/:/bin/sh\n";
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "etc/passwd", &text[..])
        .unwrap();
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    let busybox = "/gns3/bin/busybox";
    tar.append_link(&mut link, "bin/sh", busybox).unwrap();
    let body = bollard::body_full(tar.into_inner().unwrap().into());
    runtime().block_on(async {
        let docker = Docker::connect_with_unix_defaults().unwrap();
        let (repository, tag) = name.split_once(':').unwrap();
        let options = CreateImageOptionsBuilder::default()
            .from_src("-")
            .repo(repository)
            .tag(tag)
            .build();
        let made = docker.create_image(Some(options), Some(body), None);
        made.try_collect::<Vec<_>>().await.unwrap();
    });
}

/// Removes an image, by its name alone: others of ours may be at work.
pub(crate) fn remove_image(tag: &str) {
    runtime().block_on(async {
        let docker = Docker::connect_with_unix_defaults().unwrap();
        let removed = docker.remove_image(tag, None::<RemoveImageOptions>, None);
        removed.await.unwrap();
    });
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
