//! Raise, survey, remove, keep, attach.

use std::sync::Arc;

use orchestrator::lab::{Lab, LabError, Reaper};
use protocol::control::Exit;

use super::Site;
use super::site::{THREE, control, name, own, record, run};

pub(super) async fn raised_nodes_answer(site: &Site) {
    let lab = site.raise_three().await;
    for node in ["a", "b", "c"] {
        let status = control(&lab, node).status().await.unwrap();
        assert!(status.processes >= 1, "{status:?}");
    }
    assert!(lab.node(&name("d")).is_none());
    site.destroy(lab).await;
}

pub(super) async fn a_survey_lists_what_was_raised_and_nothing_after(site: &Site) {
    let plan = Site::plan(THREE);
    assert_eq!(site.survey(&plan.lab).await, []);
    let lab = site.raise(&plan).await;
    let recorded = Site::recorded(&site.state.folder(&plan.lab));
    assert!(!recorded.is_empty());
    assert_eq!(site.survey(&plan.lab).await, Site::lasting(recorded));
    site.destroy(lab).await;
}

pub(super) async fn removing_twice_is_no_error(site: &Site) {
    let lab = site.raise_three().await;
    let recorded = Site::recorded(&site.state.folder(lab.id()));
    site.destroy(lab).await;
    for resource in &recorded {
        site.backend.remove(resource).await.unwrap();
    }
}

pub(super) async fn two_labs_with_the_same_subnet_stand_side_by_side(site: &Site) {
    let (one, other) = (site.raise_three().await, site.raise_three().await);
    site.destroy(one).await;
    let status = control(&other, "a").status().await.unwrap();
    assert!(status.processes >= 1, "{status:?}");
    assert_ne!(site.survey(other.id()).await, []);
    site.destroy(other).await;
}

pub(super) async fn a_dropped_lab_is_taken_away(site: &Site) {
    let plan = Site::plan(THREE);
    let (reaper, reaping) = Reaper::start();
    let backend = Arc::clone(&site.backend);
    let raised = Lab::raise(backend, plan.clone(), site.create(&plan), reaper).await;
    drop(raised.unwrap());
    let failures = reaping.drain().await;
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(site.survey(&plan.lab).await, []);
    assert!(!site.state.folder(&plan.lab).path().exists());
}

/// Cuts raising short after every number of polls until it is through.
pub(super) async fn a_cancelled_raise_is_taken_away(site: &Site) {
    for polls in 1.. {
        let plan = Site::plan(THREE);
        let (reaper, reaping) = Reaper::start();
        let backend = Arc::clone(&site.backend);
        let raising = Lab::raise(backend, plan.clone(), site.create(&plan), reaper);
        let mut raising = Box::pin(raising);
        let mut done = false;
        let mut seen = 0;
        std::future::poll_fn(|cx| {
            seen += 1;
            match raising.as_mut().poll(cx) {
                std::task::Poll::Ready(raised) => {
                    done = true;
                    drop(raised.unwrap());
                    std::task::Poll::Ready(())
                }
                std::task::Poll::Pending if seen == polls => std::task::Poll::Ready(()),
                std::task::Poll::Pending => std::task::Poll::Pending,
            }
        })
        .await;
        drop(raising);
        let failures = reaping.drain().await;
        assert!(failures.is_empty(), "after {polls} polls: {failures:?}");
        assert_eq!(site.survey(&plan.lab).await, [], "after {polls} polls");
        if done || polls == MOST_POLLS {
            return;
        }
    }
}

pub(super) async fn a_kept_lab_outlives_its_owner(site: &Site) {
    let plan = Site::plan(THREE);
    let lab = site.raise(&plan).await;
    lab.keep(record).await.unwrap();
    let folder = site.state.folder(&plan.lab);
    // Twice: a lab that was only looked into stays up.
    for _ in 0..2 {
        let record = folder.record().unwrap().unwrap();
        let (backend, reaper) = (Arc::clone(&site.backend), site.reaper.clone());
        let lab = Lab::attach(backend, record, folder.clone(), reaper)
            .await
            .unwrap();
        let status = control(&lab, "b").status().await.unwrap();
        assert!(status.processes >= 1, "{status:?}");
        assert_ne!(site.survey(&plan.lab).await, []);
    }
    let backend = Arc::clone(&site.backend);
    orchestrator::lab::reaper::take_away(&backend, &folder)
        .await
        .unwrap();
    assert_eq!(site.survey(&plan.lab).await, []);
}

pub(super) async fn one_process_acts_on_a_lab(site: &Site) {
    let lab = site.raise_three().await;
    let refused = site.state.folder(lab.id()).lock().unwrap_err();
    assert!(matches!(refused, LabError::Busy { .. }), "{refused}");
    site.destroy(lab).await;
}

pub(super) async fn an_unknown_node_is_named(site: &Site) {
    let made = site.make(&Site::plan(THREE)).await;
    let refused = made
        .fabric
        .open(&name("elsewhere"))
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("elsewhere"), "{refused}");
    site.remove(made).await;
}

pub(super) async fn a_node_that_cannot_be_configured_leaves_nothing(site: &Site) {
    let mut plan = Site::plan(THREE);
    // No neighbour has this address, and the kernel says so.
    plan.nodes[1].settings.routes = vec![protocol::settings::Route {
        to: "10.9.0.0/16".parse().unwrap(),
        via: "10.8.0.1".parse().unwrap(),
    }];
    let error = site.try_raise(&plan).await.unwrap_err().to_string();
    assert!(error.contains("node b"), "{error}");
    assert_eq!(site.survey(&plan.lab).await, []);
    assert!(!site.state.folder(&plan.lab).path().exists());
    // And the same names can be raised at once.
    let lab = site.raise_three().await;
    let ended = run(control(&lab, "a"), own(&["/bin/sh", "-c", "exit 3"])).await;
    assert_eq!(ended.exit, Exit::Code(3));
    site.destroy(lab).await;
}

/// Raising that takes more polls than this differs no more from one poll to the next.
const MOST_POLLS: usize = 24;
