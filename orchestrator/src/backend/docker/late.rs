//! What a process asked for before it was killed.
//!
//! An engine carries a request out though its sender is gone. Who cleans up after a process that was
//! killed a moment ago must look when that has had its effect.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::Docker;
use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::stream::{self, StreamExt};

use crate::backend::Resource;

use super::error::status;

/// Waits until the engine has each of `expected`, containers and networks, or `patience` is over:
/// then the request for it was never sent, or was refused.
pub(super) async fn made(docker: &Docker, expected: &[Resource], patience: Duration) {
    // What is made while the engine is being looked through is among the events told afterwards.
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.unwrap_or_default().saturating_sub(OVERLAP);
    let mut looks = Vec::new();
    for resource in expected {
        looks.push(missing(docker, resource));
    }
    let looks = stream::iter(looks).buffer_unordered(IN_FLIGHT);
    let mut missing: BTreeSet<&str> = looks.filter_map(std::future::ready).collect().await;
    if missing.is_empty() {
        return;
    }
    let kinds = ["container", "network"].map(str::to_owned).to_vec();
    let filters = HashMap::from([
        ("type".to_owned(), kinds),
        ("event".to_owned(), vec!["create".to_owned()]),
    ]);
    let options = EventsOptionsBuilder::default()
        .since(&since.as_secs().to_string())
        .filters(&filters);
    let mut events = Box::pin(docker.events(Some(options.build())));
    let appear = async {
        while let Some(Ok(event)) = events.next().await {
            if let Some(name) = actor(&event) {
                missing.remove(name);
            }
            if missing.is_empty() {
                break;
            }
        }
    };
    if tokio::time::timeout(patience, appear).await.is_err() {
        tracing::debug!(?missing, "was never made");
    }
}

/// The resource's name, unless it can be inspected. That it is listed is not enough: Docker lists
/// containers that it is still making, and then cannot find them.
async fn missing<'a>(docker: &Docker, resource: &'a Resource) -> Option<&'a str> {
    let (name, inspected) = match resource {
        Resource::Container(name) => {
            let there = docker.inspect_container(name, None).await;
            (name, there.map(drop))
        }
        Resource::ContainerNetwork(name) => {
            let there = docker.inspect_network(name, None).await;
            (name, there.map(drop))
        }
        _ => return None,
    };
    // Whoever waits looks through the engine next, and is told then what is wrong with it.
    inspected
        .is_err_and(|error| status(&error) == Some(404))
        .then_some(name)
}

/// What the event is about, by name.
fn actor(event: &EventMessage) -> Option<&str> {
    let attributes = event.actor.as_ref()?.attributes.as_ref()?;
    attributes.get("name").map(String::as_str)
}

/// The events' times are whole seconds.
const OVERLAP: Duration = Duration::from_secs(2);

const IN_FLIGHT: usize = 16;
