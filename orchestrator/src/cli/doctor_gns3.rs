//! `doctor --backend gns3`: what a server can do, and how to mend what it can't.

use crate::backend::Origin;
use crate::backend::gns3::{Compute, Dialect, Gns3Backend, Server, computes, tools};
use crate::gns3::container::IMAGE;

use super::doctor::{Check, State};

/// Looks a server over, and the machines that it has.
pub(super) async fn checks(backend: &Gns3Backend) -> Vec<Check> {
    let server = match backend.server().await {
        Ok(server) => server,
        Err(error) => return vec![missing(NAME, error.kind.to_string(), None)],
    };
    let version = match server.dialect() {
        Dialect::Two => "below /v2",
        Dialect::Three => "below /v3",
    };
    let found = format!("{} at {}, {version}", server.version(), server.url());
    let mut checks = vec![Check::good("server", found)];
    let able = match computes(&server).await {
        Ok(computes) => look_at_all((&server, backend.origin()), &computes, &mut checks).await,
        Err(error) => {
            checks.push(missing("computes", error.to_string(), None));
            false
        }
    };
    checks.push(if able {
        Check::good(NAME, "labs can be raised")
    } else {
        missing(NAME, "labs cannot be raised".to_owned(), None)
    });
    checks
}

/// Whether labs can be raised on at least one machine.
async fn look_at_all(
    (server, origin): (&Server, &Origin),
    computes: &[Compute],
    checks: &mut Vec<Check>,
) -> bool {
    let mut able = false;
    for compute in computes {
        able |= look_at((server, origin), compute, checks).await;
    }
    able
}

async fn look_at(
    (server, origin): (&Server, &Origin),
    compute: &Compute,
    checks: &mut Vec<Check>,
) -> bool {
    let images = match compute.images(server).await {
        Ok(images) => images,
        Err(error) => {
            let remedy = "start Docker there, or remove the compute from the server";
            let found = format!("{}: {error}", compute.title());
            checks.push(missing("compute", found, Some(remedy)));
            return false;
        }
    };
    let found = format!(
        "{}, its Docker has {} images",
        compute.title(),
        images.len()
    );
    checks.push(Check::good("compute", found));
    checks.push(if images.contains(IMAGE) {
        Check::good("image", format!("{IMAGE} on {}", compute.title()))
    } else {
        let remedy = "`orchestrator image -o FILE` writes it; on that machine: docker load -i FILE";
        Check::limited(
            "image",
            format!("no {IMAGE} on {}", compute.title()),
            remedy,
        )
    });
    let mut able = true;
    for (tool, state) in tools(server, compute, origin).await {
        let title = compute.title();
        checks.push(match state {
            Ok(()) => Check::good(tool.name(), format!("works on {title}")),
            Err(why) => {
                able &= !tool.is_needed();
                let found = format!("{title}: {why}");
                Check {
                    name: tool.name(),
                    state: if tool.is_needed() {
                        State::Missing
                    } else {
                        State::Limited
                    },
                    found,
                    remedy: Some(tool.remedy().to_owned()),
                }
            }
        });
    }
    able
}

fn missing(name: &'static str, found: String, remedy: Option<&str>) -> Check {
    Check {
        name,
        state: State::Missing,
        found,
        remedy: remedy.map(str::to_owned),
    }
}

const NAME: &str = "backend gns3";
