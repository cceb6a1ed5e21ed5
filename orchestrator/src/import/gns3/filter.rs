//! The filters of a project's links, as impairments: the same in either direction.

use std::time::Duration;

use protocol::link::Conditions;
use protocol::unit::Percent;

use crate::gns3::document::Link;

/// The impairment of either direction, and in words what it does not do.
pub fn impairment(link: &Link) -> (Conditions, Vec<&'static str>) {
    let filters = &link.filters;
    let mut lost = Vec::new();
    let mut found = Conditions::default();
    if let Some([delay, rest @ ..]) = filters.delay.as_deref() {
        let milliseconds = |number: u32| Duration::from_millis(u64::from(number));
        found.delay = milliseconds(*delay);
        found.jitter = milliseconds(rest.first().copied().unwrap_or_default());
    }
    let share = |value: Option<[u8; 1]>| Percent(value.map_or(0.0, |[v]| f64::from(v.min(100))));
    found.loss = share(filters.packet_loss);
    found.corrupt = share(filters.corrupt);
    match filters.frequency_drop {
        Some([every]) if every > 0 => {
            found.loss = both(found.loss, 100.0 / f64::from(every));
            lost.push("dropping every n-th packet becomes a chance of the same share");
        }
        Some([-1]) => found.loss = Percent(100.0),
        _ => {}
    }
    if filters.bpf.is_some() {
        lost.push("its packet filter (bpf) has no counterpart and is left out");
    }
    if link.suspend {
        found.loss = Percent(100.0);
        lost.push("it is suspended: it loses everything here");
    }
    (found, lost)
}

/// The share that is lost where both lose something.
fn both(Percent(one): Percent, other: f64) -> Percent {
    if one == 0.0 {
        return Percent(other);
    }
    Percent(100.0 - (100.0 - one) * (100.0 - other) / 100.0)
}
