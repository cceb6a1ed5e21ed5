//! Nothing is made before it is recorded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use orchestrator::backend::{BackendError, BackendErrorKind, BackendKind, Ledger, Resource};

use super::Site;
use super::site::THREE;

/// While a lab is raised, whatever a survey finds has been recorded by then.
pub(super) async fn nothing_is_made_that_is_not_recorded(site: &Site) {
    let plan = Site::plan(THREE);
    let ledger = Arc::new(Book::new(usize::MAX));
    let done = AtomicBool::new(false);
    let raising = async {
        let shared: Arc<dyn Ledger> = ledger.clone();
        let raised = site.backend.raise(&plan, shared).await;
        done.store(true, Ordering::Relaxed);
        raised.unwrap()
    };
    let watching = async {
        let mut looks = 0;
        while !done.load(Ordering::Relaxed) {
            let found = site.survey(&plan.lab).await;
            let recorded = ledger.recorded();
            let unknown: Vec<_> = found.iter().filter(|r| !recorded.contains(r)).collect();
            assert!(unknown.is_empty(), "made but not recorded: {unknown:?}");
            looks += 1;
            tokio::task::yield_now().await;
        }
        looks
    };
    let (fabric, looks) = tokio::join!(raising, watching);
    assert!(looks > 0);
    let mut lasting = Site::lasting(ledger.recorded());
    lasting.sort();
    assert_eq!(site.survey(&plan.lab).await, lasting);
    drop(fabric);
    remove(site, &ledger.recorded()).await;
    assert_eq!(site.survey(&plan.lab).await, []);
}

/// A resource whose line cannot be written is not made: the ledger refuses each in turn.
pub(super) async fn what_cannot_be_recorded_is_not_made(site: &Site) {
    for accepted in 0.. {
        let plan = Site::plan(THREE);
        let ledger = Arc::new(Book::new(accepted));
        let shared: Arc<dyn Ledger> = ledger.clone();
        let raised = site.backend.raise(&plan, shared).await;
        let recorded = ledger.recorded();
        if ledger.refused() {
            assert!(raised.is_err(), "raised with a ledger of {accepted} lines");
        }
        let found = site.survey(&plan.lab).await;
        let unknown: Vec<_> = found.iter().filter(|r| !recorded.contains(r)).collect();
        assert!(unknown.is_empty(), "made but not recorded: {unknown:?}");
        drop(raised);
        remove(site, &recorded).await;
        assert_eq!(site.survey(&plan.lab).await, []);
        if !ledger.refused() {
            assert!(accepted > 0, "a lab without a resource");
            return;
        }
    }
}

async fn remove(site: &Site, recorded: &[Resource]) {
    let removed = orchestrator::lab::removal::remove_all(&site.backend, recorded).await;
    removed.unwrap();
}

/// A ledger in memory that takes so many lines.
#[derive(Debug)]
struct Book {
    limit: usize,
    lines: Mutex<Vec<Resource>>,
    refused: AtomicBool,
}

impl Book {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            lines: Mutex::default(),
            refused: AtomicBool::new(false),
        }
    }

    fn recorded(&self) -> Vec<Resource> {
        self.lines.lock().unwrap().clone()
    }

    fn refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Ledger for Book {
    fn record(&self, resource: &Resource) -> Result<(), BackendError> {
        let mut lines = self.lines.lock().unwrap();
        if lines.len() == self.limit {
            self.refused.store(true, Ordering::Relaxed);
            let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
            let action = format!("recording {resource}");
            return Err(BackendErrorKind::system(full).at(BackendKind::Fake, action));
        }
        lines.push(resource.clone());
        Ok(())
    }
}
