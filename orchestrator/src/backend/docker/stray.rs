//! Containers that somebody else has made for a lab of ours, and forgotten.

use std::collections::HashMap;

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder};

use super::engine::{soon, while_it_answers};
use super::error::status;

/// Removes every container whose name has `part` in it.
pub(in crate::backend) async fn remove_named(docker: &Docker, part: &str) -> Result<(), Error> {
    let filter = HashMap::from([("name".to_owned(), vec![part.to_owned()])]);
    let options = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&filter);
    for container in soon(docker.list_containers(Some(options.build()))).await? {
        let Some(id) = container.id else { continue };
        tracing::debug!(id, "removing a container that was forgotten");
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true);
        let removed = docker.remove_container(&id, Some(options.build()));
        match while_it_answers(docker, "removing a container", removed).await {
            // Whoever made it was at it.
            Err(error) if matches!(status(&error), Some(404 | 409)) => {}
            other => other?,
        }
    }
    Ok(())
}
