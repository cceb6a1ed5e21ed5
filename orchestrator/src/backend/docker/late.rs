//! Requests of a process that was killed.
//!
//! An engine carries out a request even if its sender is gone. A process that cleans up after one that was just
//! killed must therefore wait until such requests have had their effect.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::Docker;
use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::stream::{self, StreamExt};

use crate::backend::Resource;

use super::engine::soon;
use super::error::status;

/// Waits until the engine has each of `expected`, containers and networks, or until `patience` is over. In that
/// case the request for the missing one was never sent, or was refused.
pub(super) async fn made(docker: &Docker, expected: &[Resource], patience: Duration) {
    // Things that are made during the search are among the events that follow.
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

/// Returns the resource's name, unless the resource can be inspected. A listing is not enough: Docker lists
/// containers that it is still making, and then cannot find them.
async fn missing<'a>(docker: &Docker, resource: &'a Resource) -> Option<&'a str> {
    let (name, inspected) = match resource {
        Resource::Container(name) => {
            let there = soon(docker.inspect_container(name, None)).await;
            (name, there.map(drop))
        }
        Resource::ContainerNetwork(name) => {
            let there = soon(docker.inspect_network(name, None)).await;
            (name, there.map(drop))
        }
        _ => return None,
    };
    // The caller searches the engine next, and learns then about any failure.
    inspected
        .is_err_and(|error| status(&error) == Some(404))
        .then_some(name)
}

/// Returns the name of the thing that the event is about.
fn actor(event: &EventMessage) -> Option<&str> {
    let attributes = event.actor.as_ref()?.attributes.as_ref()?;
    attributes.get("name").map(String::as_str)
}

/// The events' times are whole seconds.
const OVERLAP: Duration = Duration::from_secs(2);

const IN_FLIGHT: usize = 16;
