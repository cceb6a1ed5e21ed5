//! Changes of conditions: what they reach, and what they leave.

use std::time::Duration;

use super::*;
use crate::unit::{ByteSize, Percent};

fn id(text: &str) -> LinkId {
    text.parse().unwrap()
}

fn table() -> LinkTable {
    LinkTable::new([&id("a:eth0 egress").port, &id("b:eth0 egress").port])
}

fn loss(share: f64) -> Conditions {
    Conditions {
        loss: Percent(share),
        ..Conditions::default()
    }
}

fn of<const N: usize>(changed: [(&str, Conditions); N]) -> BTreeMap<LinkId, Conditions> {
    changed
        .map(|(link, conditions)| (id(link), conditions))
        .into()
}

#[test]
fn a_merge_leaves_other_directions_and_a_replacement_does_not() {
    let mut table = table();
    let one = of([("a:eth0 egress", loss(1.0))]);
    let two = of([("a:eth0 ingress", loss(2.0)), ("b:eth0 egress", loss(3.0))]);
    assert_eq!(table.change(Change::Merge(one.clone())), Ok(1));
    assert_eq!(table.change(Change::Merge(two.clone())), Ok(2));
    let both = one.iter().chain(&two);
    let both: BTreeMap<_, _> = both.map(|(id, c)| (id.clone(), *c)).collect();
    assert_eq!(table.held().conditions, both);
    assert_eq!(table.change(Change::Replace(one.clone())), Ok(3));
    let held = HeldConditions {
        revision: 3,
        conditions: one,
    };
    assert_eq!(*table.held(), held);
    // A perfect direction is not listed.
    let healed = of([("a:eth0 egress", Conditions::default())]);
    assert_eq!(table.change(Change::Merge(healed)), Ok(4));
    assert!(table.held().conditions.is_empty());
}

#[test]
fn a_change_with_a_mistake_changes_nothing() {
    let mut table = table();
    let good = of([("a:eth0 egress", loss(1.0))]);
    table.change(Change::Merge(good)).unwrap();
    let before = table.held().clone();
    let early = Conditions {
        jitter: Duration::from_millis(1),
        ..Conditions::default()
    };
    let queue = Conditions {
        queue: Some(ByteSize(1)),
        ..Conditions::default()
    };
    let reorder = Conditions {
        reorder: Percent(1.0),
        ..Conditions::default()
    };
    for (bad, why) in [
        (("b:eth1 egress", loss(2.0)), "no link at b:eth1"),
        (("b:eth0 ingress", early), "the jitter 1ms is more than"),
        (("b:eth0 ingress", queue), "without a rate"),
        (("b:eth0 ingress", reorder), "without a delay"),
    ] {
        let changed = of([("a:eth0 egress", loss(9.0)), bad]);
        for change in [Change::Merge(changed.clone()), Change::Replace(changed)] {
            let refused = table.change(change).unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
            assert_eq!(*table.held(), before);
        }
    }
}

#[test]
fn conditions_are_read_as_they_were_written_and_no_others() {
    let mut held = table();
    let full = Conditions {
        delay: Duration::from_micros(1500),
        jitter: Duration::from_nanos(7),
        duplicate: Percent(0.5),
        rate: Some(crate::unit::Rate(u64::MAX)),
        queue: Some(ByteSize(0)),
        ..loss(0.1)
    };
    held.change(Change::Merge(of([("b:eth0 ingress", full)])))
        .unwrap();
    let text = serde_json::to_string(held.held()).unwrap();
    let read: HeldConditions = serde_json::from_str(&text).unwrap();
    assert_eq!(read, *held.held());
    for bad in [
        r#"{"merge":{"a:eth0":{}}}"#,
        r#"{"merge":{"a:eth0 egress":{"loss":100.5}}}"#,
        r#"{"merge":{"a:eth0 egress":{"loss":-1}}}"#,
        r#"{"merge":{"a:eth0 egress":{"rate":0}}}"#,
    ] {
        assert!(serde_json::from_str::<Change>(bad).is_err(), "{bad}");
    }
}
