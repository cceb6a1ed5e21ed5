//! The conformance suite on the backend in memory.

use std::sync::Arc;

use e2e::conformance::{CASES, Site};
use orchestrator::backend::fake::FakeBackend;
use orchestrator::lab::{Reaper, StateDir};

#[tokio::test]
async fn the_backend_in_memory_conforms() {
    let dir = tempfile::tempdir().unwrap();
    for case in CASES {
        let (reaper, reaping) = Reaper::start();
        let site = Site {
            backend: Arc::new(FakeBackend::default()),
            state: StateDir::open(dir.path().join(case.name)).unwrap(),
            offers: Vec::new(),
            programs: Vec::new(),
            reaper,
        };
        if !site.offers(case.needs) {
            continue;
        }
        // Shown where the case panics.
        println!("{}", case.name);
        (case.run)(&site).await;
        drop(site);
        assert!(reaping.drain().await.is_empty());
    }
}
