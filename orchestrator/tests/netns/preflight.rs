//! That what cannot be raised is said before anything is made.

use orchestrator::backend::netns::NetnsBackend;
use orchestrator::backend::{Backend, BackendErrorKind};
use orchestrator::plan::Plan;
use protocol::link::Port;

use crate::support::{NODE, plan, run};

fn refusal(plan: &Plan) -> String {
    let mut text = String::new();
    run(async {
        let backend = NetnsBackend::new("/nonexistent".into(), NODE.into());
        let error = backend.preflight(plan).await.unwrap_err();
        assert!(
            matches!(error.kind, BackendErrorKind::Lacking { .. }),
            "{error:?}"
        );
        text = error.to_string();
    });
    text
}

#[test]
fn an_image_needs_docker() {
    let mut plan = plan("image", 2);
    plan.nodes[1].image = Some("python:3.12-alpine".to_owned());
    let text = refusal(&plan);
    assert!(
        text.contains("n2") && text.contains("--backend docker"),
        "{text}"
    );
}

#[test]
fn a_bridge_takes_1023_ports() {
    let mut plan = plan("ports", 1);
    let port: Port = plan.segments[0].ports[0].clone();
    plan.segments[0].ports = vec![port; 1024];
    let text = refusal(&plan);
    assert!(text.contains("lan") && text.contains("1023"), "{text}");
}

#[test]
fn a_hundred_thousand_nodes_are_one_clear_message() {
    let mut plan = plan("many", 1);
    plan.nodes = vec![plan.nodes[0].clone(); 100_000];
    let text = refusal(&plan);
    assert!(text.contains("100000 nodes need"), "{text}");
    assert!(!text.contains('\n'), "{text}");
}
