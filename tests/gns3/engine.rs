//! What a server has made in this machine's Docker engine.

use std::thread::panicking;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
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

/// Runs a program in a container: its exit code, and all that it says.
pub(crate) fn run_in(container: &str, words: &[&str]) -> (i64, Vec<u8>) {
    runtime().block_on(async {
        let docker = Docker::connect_with_unix_defaults().unwrap();
        let options = CreateExecOptions {
            cmd: Some(words.to_vec()),
            user: Some("0"),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let exec = docker.create_exec(container, options).await.unwrap();
        let started = docker.start_exec(&exec.id, None::<StartExecOptions>).await;
        let StartExecResults::Attached { output, .. } = started.unwrap() else {
            panic!("the engine attached no streams");
        };
        let said: Vec<LogOutput> = output.try_collect().await.unwrap();
        let said = said.into_iter().flat_map(LogOutput::into_bytes).collect();
        let ended = docker.inspect_exec(&exec.id).await.unwrap();
        (ended.exit_code.unwrap(), said)
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

/// An image that a test has made or will make. It goes with this, unless it was there before.
pub(crate) struct Image {
    name: String,
    was_there: bool,
}

impl Image {
    /// One that may be there.
    pub(crate) fn to_be_made(name: &str) -> Self {
        let was_there = runtime().block_on(async {
            let docker = Docker::connect_with_unix_defaults().unwrap();
            docker.inspect_image(name).await.is_ok()
        });
        Self {
            name: name.to_owned(),
            was_there,
        }
    }
}

impl Drop for Image {
    /// By its name alone, for others of ours may be at work; and what containers run is theirs by now.
    fn drop(&mut self) {
        if self.was_there {
            return;
        }
        runtime().block_on(async {
            let docker = Docker::connect_with_unix_defaults().unwrap();
            let removed = docker.remove_image(&self.name, None::<RemoveImageOptions>, None);
            let removed = removed.await;
            let none_or_theirs = matches!(
                &removed,
                Err(Error::DockerResponseServerError {
                    status_code: 404 | 409,
                    ..
                })
            );
            assert!(
                removed.is_ok() || none_or_theirs || panicking(),
                "{removed:?}"
            );
        });
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}
