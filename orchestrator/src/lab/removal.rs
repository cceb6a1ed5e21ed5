//! Removes resources, the newest kinds first, and continues past failures.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};

use crate::backend::{Backend, BackendError, BackendErrorKind, Resource};

use super::Leftovers;

/// Removes all of `resources`, given in the order in which they were made. Resources of one kind are removed
/// concurrently, and the kind that was made first is removed last.
///
/// # Errors
/// Everything that could not be removed, with the reasons.
pub async fn remove_all(
    backend: &Arc<dyn Backend>,
    resources: &[Resource],
) -> Result<(), Leftovers> {
    let mut left = Vec::new();
    for alike in groups(resources) {
        let removals = alike.into_iter().rev().map(|resource| {
            let backend = Arc::clone(backend);
            async move {
                let removed = remove(backend.as_ref(), &resource).await;
                removed.err().map(|error| (resource, error))
            }
        });
        let failed = stream::iter(removals).buffer_unordered(IN_FLIGHT);
        left.extend(
            failed
                .filter_map(std::future::ready)
                .collect::<Vec<_>>()
                .await,
        );
    }
    if left.is_empty() {
        Ok(())
    } else {
        Err(Leftovers(left))
    }
}

async fn remove(backend: &dyn Backend, resource: &Resource) -> Result<(), BackendError> {
    if let Some(host) = resource.host() {
        let kind = BackendErrorKind::OnHost(host.clone());
        return Err(kind.at(resource.backend(), format!("removing {resource}")));
    }
    backend.remove(resource).await
}

/// Groups the resources by kind, the kind that was made last first.
fn groups(resources: &[Resource]) -> Vec<Vec<Resource>> {
    let mut groups: Vec<Vec<Resource>> = Vec::new();
    for resource in resources {
        let kind = std::mem::discriminant(resource);
        let alike = groups.iter_mut().find(|group| {
            group
                .first()
                .is_some_and(|first| std::mem::discriminant(first) == kind)
        });
        match alike {
            Some(group) => group.push(resource.clone()),
            None => groups.push(vec![resource.clone()]),
        }
    }
    groups.reverse();
    groups
}

const IN_FLIGHT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_go_before_the_networks_that_they_are_on() {
        let made = [
            Resource::ContainerNetwork("lan".to_owned()),
            Resource::ContainerNetwork("wan".to_owned()),
            Resource::Container("a".to_owned()),
            Resource::Container("b".to_owned()),
        ];
        let order = groups(&made);
        assert_eq!(order, [made[2..].to_vec(), made[..2].to_vec()]);
    }
}
