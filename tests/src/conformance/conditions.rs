//! Conditions of links: changed by one process and read by another, where a lab keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use orchestrator::backend::{BackendKind, Fabric, LabHandle};
use orchestrator::lab::reaper::take_away;
use protocol::link::{Change, Conditions, HeldConditions, LinkId};
use protocol::unit::{Percent, Rate};

use super::Site;
use super::site::{THREE, record};

/// A lab that is up and kept, as any process finds it.
struct Kept<'a> {
    site: &'a Site,
    handle: LabHandle,
}

impl<'a> Kept<'a> {
    async fn raise(site: &'a Site) -> Self {
        let plan = Site::plan(THREE);
        let lab = site.raise(&plan).await;
        lab.keep(record).await.unwrap();
        let record = site.state.folder(&plan.lab).record().unwrap().unwrap();
        let handle = record.handle;
        Self { site, handle }
    }

    /// The lab as another process sees it.
    async fn attach(&self) -> Box<dyn Fabric> {
        self.site.backend.attach(&self.handle).await.unwrap()
    }

    /// The conditions that another process reads.
    async fn read(&self) -> HeldConditions {
        self.attach().await.conditions().await.unwrap().unwrap()
    }

    async fn remove(self) {
        let folder = self.site.state.folder(&self.handle.lab);
        take_away(&self.site.backend, &folder).await.unwrap();
    }

    /// A lab that keeps no conditions says so, and takes none for granted.
    async fn keeps_none(self) {
        let fabric = self.attach().await;
        assert_eq!(fabric.conditions().await.unwrap(), None);
        let change = one("a:eth0 egress", lossy(5.0));
        assert_eq!(fabric.change_conditions(change).await.unwrap(), None);
        assert_eq!(self.handle.backend, BackendKind::Docker);
        self.remove().await;
    }
}

fn keeps(site: &Site) -> bool {
    site.backend.capabilities().keeps_conditions
}

fn id(text: &str) -> LinkId {
    text.parse().unwrap()
}

fn lossy(share: f64) -> Conditions {
    Conditions {
        loss: Percent(share),
        ..Conditions::default()
    }
}

fn one(link: &str, conditions: Conditions) -> Change {
    Change::Merge([(id(link), conditions)].into())
}

pub(super) async fn conditions_set_by_one_process_are_read_by_another(site: &Site) {
    let lab = Kept::raise(site).await;
    if !keeps(site) {
        return lab.keeps_none().await;
    }
    assert_eq!(lab.read().await, HeldConditions::default());
    let slow = Conditions {
        delay: Duration::from_millis(20),
        rate: Some(Rate(20_000_000)),
        ..lossy(2.5)
    };
    let change = [
        (id("a:eth0 egress"), slow),
        (id("b:eth0 ingress"), lossy(1.0)),
    ];
    let change = Change::Merge(change.into());
    let setter = lab.attach().await;
    assert_eq!(setter.change_conditions(change).await.unwrap(), Some(1));
    // It goes, and what it set stays.
    drop(setter);
    let held = lab.read().await;
    assert_eq!(held.revision, 1);
    assert_eq!(held.conditions[&id("a:eth0 egress")], slow);
    assert_eq!(held.conditions[&id("b:eth0 ingress")], lossy(1.0));
    // A replacement leaves nothing of it.
    let replace = Change::Replace([(id("c:eth0 egress"), lossy(3.0))].into());
    let revision = lab.attach().await.change_conditions(replace).await;
    assert_eq!(revision.unwrap(), Some(2));
    let held = lab.read().await;
    assert_eq!(held.conditions, [(id("c:eth0 egress"), lossy(3.0))].into());
    // And the conditions of a cell, which here are none, replace them too.
    let plan = Site::plan(THREE);
    let said = lab.attach().await.set_conditions(&plan.links).await;
    assert!(said.unwrap().is_empty());
    assert!(lab.read().await.conditions.is_empty());
    lab.remove().await;
}

pub(super) async fn a_change_of_a_link_that_is_not_there_changes_nothing(site: &Site) {
    let lab = Kept::raise(site).await;
    if !keeps(site) {
        return lab.keeps_none().await;
    }
    let fabric = lab.attach().await;
    fabric
        .change_conditions(one("a:eth0 egress", lossy(5.0)))
        .await
        .unwrap();
    let before = lab.read().await;
    let early = Conditions {
        jitter: Duration::from_millis(1),
        ..Conditions::default()
    };
    for (bad, why) in [
        (("z:eth0 egress", lossy(1.0)), "no link at z:eth0"),
        (("b:eth7 ingress", lossy(1.0)), "no link at b:eth7"),
        (("b:eth0 ingress", early), "b:eth0 ingress: the jitter"),
    ] {
        let changed = [(id("a:eth0 egress"), lossy(9.0)), (id(bad.0), bad.1)];
        for change in [
            Change::Merge(changed.clone().into()),
            Change::Replace(changed.into()),
        ] {
            let refused = fabric.change_conditions(change).await.unwrap_err();
            assert!(refused.to_string().contains(why), "{refused}");
        }
    }
    assert_eq!(lab.read().await, before);
    lab.remove().await;
}

pub(super) async fn changes_of_different_links_at_once_all_stay(site: &Site) {
    let lab = Kept::raise(site).await;
    if !keeps(site) {
        return lab.keeps_none().await;
    }
    let links = ["a", "b", "c"].map(|node| LinkId::both(&id(&format!("{node}:eth0 egress")).port));
    let links: Vec<LinkId> = links.into_iter().flatten().collect();
    let setters = links.iter().map(|link| one_after_the_other(&lab, link));
    let revisions = futures_util::future::join_all(setters).await;
    let revisions: BTreeSet<u64> = revisions.into_iter().flatten().collect();
    let all = links.len() as u64 * TIMES;
    assert_eq!(revisions, (1..=all).collect(), "each change has its own");
    let held = lab.read().await;
    let last = links.into_iter().map(|link| (link, lossy(99.0)));
    assert_eq!((held.revision, held.conditions), (all, last.collect()));
    lab.remove().await;
}

/// Changes a link again and again, each time as another process, and returns the revisions.
async fn one_after_the_other(lab: &Kept<'_>, link: &LinkId) -> Vec<u64> {
    let mut revisions = Vec::new();
    for number in (0..TIMES).rev() {
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let change = one(&link.to_string(), lossy(99.0 - number as f64));
        let fabric = lab.attach().await;
        let revision = fabric.change_conditions(change).await.unwrap().unwrap();
        assert!(revisions.last().is_none_or(|last| *last < revision));
        revisions.push(revision);
    }
    revisions
}

pub(super) async fn writers_of_one_link_at_once_end_in_a_value_of_one_of_them(site: &Site) {
    let lab = Kept::raise(site).await;
    if !keeps(site) {
        return lab.keeps_none().await;
    }
    let writers = (1..=WRITERS).map(|number| {
        let lab = &lab;
        async move {
            let value = Conditions {
                delay: Duration::from_millis(number.into()),
                ..lossy(f64::from(number))
            };
            let fabric = lab.attach().await;
            let change = one("a:eth0 egress", value);
            let revision = fabric.change_conditions(change).await.unwrap().unwrap();
            let seen = fabric.conditions().await.unwrap().unwrap();
            assert!(seen.revision >= revision, "a reader saw the past");
            (revision, value)
        }
    });
    let written = futures_util::future::join_all(writers).await;
    let written: BTreeMap<u64, Conditions> = written.into_iter().collect();
    let held = lab.read().await;
    assert_eq!(held.revision, u64::from(WRITERS));
    // The revisions tell who came last, and nothing of another is mixed in.
    let (last, value) = written.last_key_value().unwrap();
    assert_eq!(*last, held.revision);
    assert_eq!(held.conditions, [(id("a:eth0 egress"), *value)].into());
    lab.remove().await;
}

/// Changes that each of several setters makes.
const TIMES: u64 = 20;

/// Writers at once.
const WRITERS: u32 = 50;
