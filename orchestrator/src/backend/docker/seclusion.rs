//! Takes the engine's machine out of a lab's networks. A node could reach its services over IPv6, and send
//! IPv4 packets to any of its addresses and through it to others.
//!
//! Nothing that an engine knows of networks helps, so a container sets it in the machine's own network
//! namespace, before any program of a node runs. What it sets ends with the bridges.

use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, WaitContainerOptions,
};
use futures_util::TryStreamExt;

use crate::backend::{BackendError, Ledger, Resource};

use super::container::ContainerFactory;
use super::engine::while_it_answers;
use super::error::{at, is_silence};
use super::image::NODE;
use super::{mark, removal};

/// Secludes the bridges. Where the engine does not let us, says so in words.
///
/// # Errors
/// The ledger's, or that the engine ceased to answer.
pub(super) async fn seclude(
    factory: &ContainerFactory<'_>,
    bridges: &[String],
    ledger: &dyn Ledger,
) -> Result<Option<String>, BackendError> {
    if bridges.is_empty() {
        return Ok(None);
    }
    let name = mark::seclusion_name(factory.lab);
    let resource = Resource::Container(name.clone());
    ledger.record(&resource)?;
    let done = run(factory, &name, bridges).await;
    removal::remove(factory.docker, &resource).await?;
    match done {
        Ok(None) => Ok(None),
        Ok(Some(complaint)) => Ok(Some(warning(&complaint))),
        Err(error) if is_silence(&error) => Err(at(SECLUDING)(error)),
        Err(error) => Ok(Some(warning(&error.to_string()))),
    }
}

/// Runs the container to its end; returns what it complained of.
async fn run(
    factory: &ContainerFactory<'_>,
    name: &str,
    bridges: &[String],
) -> Result<Option<String>, Error> {
    let docker = factory.docker;
    let options = CreateContainerOptionsBuilder::default().name(name).build();
    let (engine, body) = (docker.clone(), body(factory, bridges));
    let made = factory.pending_requests.run(Box::pin(async move {
        let made = engine.create_container(Some(options), body);
        while_it_answers(&engine, SECLUDING, made).await
    }));
    made.await.unwrap_or(Err(Error::RequestTimeoutError))?;
    let streams = AttachContainerOptionsBuilder::default()
        .stream(true)
        .stderr(true)
        .build();
    let attached = docker.attach_container(name, Some(streams));
    let attached = while_it_answers(docker, SECLUDING, attached).await?;
    let start = docker.start_container(name, None);
    while_it_answers(docker, SECLUDING, start).await?;
    let said = attached.output.try_collect::<Vec<_>>();
    let said = while_it_answers(docker, SECLUDING, said).await?;
    let ended = docker.wait_container(name, None::<WaitContainerOptions>);
    let ended = while_it_answers(docker, SECLUDING, ended.try_collect::<Vec<_>>()).await;
    match ended {
        Ok(_) => Ok(None),
        Err(Error::DockerContainerWaitError { code, .. }) => {
            let said: String = said.iter().map(ToString::to_string).collect();
            Ok(Some(match said.trim() {
                "" => format!("it ended with exit code {code}"),
                said => said.to_owned(),
            }))
        }
        Err(error) => Err(error),
    }
}

fn body(factory: &ContainerFactory<'_>, bridges: &[String]) -> ContainerCreateBody {
    let owned = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
    let command = [NODE, "seclude"].map(str::to_owned).into_iter();
    ContainerCreateBody {
        image: Some(factory.built_in.clone()),
        entrypoint: Some(command.chain(bridges.iter().cloned()).collect()),
        cmd: Some(Vec::new()),
        user: Some("0".to_owned()),
        attach_stderr: Some(true),
        labels: Some(factory.labels.clone()),
        host_config: Some(HostConfig {
            network_mode: Some("host".to_owned()),
            readonly_rootfs: Some(true),
            cap_drop: owned(&["ALL"]),
            cap_add: owned(&["NET_ADMIN"]),
            // The settings are files that engines mount read-only, and that their profiles guard.
            readonly_paths: Some(Vec::new()),
            security_opt: owned(&[
                "no-new-privileges:true",
                "apparmor=unconfined",
                "label=disable",
            ]),
            log_config: Some(HostConfigLogConfig {
                typ: Some("none".to_owned()),
                config: None,
            }),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

fn warning(why: &str) -> String {
    format!(
        "nodes reach services of the engine's machine over the lab's networks, which it could not be taken out of: {why}"
    )
}

const SECLUDING: &str = "taking the engine's machine out of the lab's networks";
