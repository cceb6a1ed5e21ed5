//! Impairments as link filters. GNS3 has one set of filters a link, in whole milliseconds and per cents, for
//! both directions alike: where the directions differ, what they add up to there and back is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::gns3::filter::{Filters, MOST};
use crate::plan::Port;
use crate::topology::Topology;
use crate::topology::model::{Attachment, Impairment};
use crate::topology::unit::{Percent, Time};

/// The impairments of a link, there and back, in the order that a frame meets them.
#[derive(Debug, Clone, Copy)]
pub struct Directions<'a> {
    /// From the first end to the second.
    pub there: [&'a Impairment; 2],
    /// From the second end to the first.
    pub back: [&'a Impairment; 2],
}

/// A link and what it is to do.
#[derive(Debug, Clone)]
pub struct Condition<'a> {
    /// An interface that is plugged into it.
    pub port: Port,
    /// The name that people use.
    pub title: String,
    /// The impairments to apply.
    pub directions: Directions<'a>,
}

/// Returns the condition of each link of a topology: one for each interface on a network, and one for each
/// wire.
pub fn conditions(topology: &Topology) -> Vec<Condition<'_>> {
    let mut conditions: Vec<Condition<'_>> = Vec::new();
    let mut first: BTreeMap<usize, usize> = BTreeMap::new();
    for node in &topology.nodes {
        for interface in &node.interfaces {
            let title = format!("{}:{}", node.name, interface.name);
            let directions = Directions {
                there: [&interface.egress, &PERFECT],
                back: [&interface.ingress, &PERFECT],
            };
            if let Attachment::Link(wire) = &interface.attachment {
                if let Some(other) = first.get(wire).and_then(|place| conditions.get_mut(*place)) {
                    other.title = format!("{}–{title}", other.title);
                    other.directions.there[1] = &interface.ingress;
                    // On the way back the second end comes first.
                    other.directions.back = [&interface.egress, other.directions.back[0]];
                    continue;
                }
                first.insert(*wire, conditions.len());
            }
            conditions.push(Condition {
                port: Port {
                    node: node.name.clone(),
                    interface: interface.name.clone(),
                },
                title,
                directions,
            });
        }
    }
    conditions
}

/// The nearest filters, and in words what they do not do.
pub fn filters(directions: Directions<'_>) -> (Filters, Vec<String>) {
    let mut lost = Vec::new();
    let Directions { there, back } = directions;
    let all = || there.iter().chain(&back);
    let filters = Filters {
        delay: delay(directions, &mut lost),
        packet_loss: None,
        frequency_drop: None,
        corrupt: share(both(directions, |i| i.corrupt.0), "corruption", &mut lost),
        bpf: None,
    };
    let filters = loss(both(directions, |i| i.loss.0), filters, &mut lost);
    if let Some(rate) = all().filter_map(|i| i.rate).min() {
        lost.push(format!(
            "a rate of {rate} cannot be held: the link has no limit"
        ));
    }
    if all().any(|i| i.duplicate.0 > 0.0) {
        lost.push("duplicates cannot be held: no frame comes twice".to_owned());
    }
    if all().any(|i| i.reorder.0 > 0.0) {
        lost.push("reordering cannot be held: only jitter changes the order".to_owned());
    }
    if there != back && all().any(|i| !i.is_none()) {
        lost.push(
            "its directions differ, and GNS3 treats both alike: each has half of what both add up to"
                .to_owned(),
        );
    }
    (filters, lost)
}

/// Returns the delay of each direction where both are alike: delays there and back, halved.
fn delay(directions: Directions<'_>, lost: &mut Vec<String>) -> Option<Vec<u32>> {
    let all = || directions.there.iter().chain(&directions.back);
    let half = all().map(|i| i.delay).sum::<Duration>() / 2;
    // Deviations that come one after the other add up no further than this.
    let jitter = all().map(|i| i.jitter).sum::<Duration>() / 2;
    let mut whole = |time: Duration, quantity: &str| {
        let milliseconds = (time.as_secs_f64() * 1000.0).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rounded, not below zero, and cut to what fits"
        )]
        let number = milliseconds.min(f64::from(MOST)) as u32;
        if Duration::from_millis(u64::from(number)) != time {
            lost.push(format!(
                "a {quantity} of {} is {number} ms, for GNS3 counts whole ones, {MOST} at most",
                Time(time)
            ));
        }
        number
    };
    let (delay, jitter) = (whole(half, "delay"), whole(jitter, "jitter"));
    // A filter whose first value is 0 is none.
    if delay == 0 && jitter > 0 {
        lost.push("jitter without a delay cannot be held: there is none".to_owned());
    }
    (delay > 0).then(|| vec![delay, jitter])
}

/// The share that each direction must have so that both together do what they do, in per cent.
fn both(directions: Directions<'_>, share: impl Fn(&Impairment) -> f64) -> f64 {
    let passes =
        |way: [&Impairment; 2]| -> f64 { way.iter().map(|i| 1.0 - share(i) / 100.0).product() };
    let (there, back) = (passes(directions.there), passes(directions.back));
    let each = if (there - back).abs() < 1e-12 {
        there
    } else {
        (there * back).sqrt()
    };
    // What floating point adds is no share of anything.
    (((1.0 - each) * 100.0) * 1e9).round() / 1e9
}

/// A share in whole per cents.
fn share(percent: f64, quantity: &str, lost: &mut Vec<String>) -> Option<[u8; 1]> {
    let whole = rounded(percent);
    if (percent - f64::from(whole)).abs() > 1e-9 {
        lost.push(format!(
            "{quantity} of {} is {whole} %, for GNS3 counts whole ones",
            short(percent)
        ));
    }
    (whole > 0).then_some([whole])
}

/// Loss of less than one per cent is every n-th packet: the share is right, and chance is not in it.
fn loss(percent: f64, filters: Filters, lost: &mut Vec<String>) -> Filters {
    if percent <= 0.0 || percent >= 1.0 {
        let packet_loss = share(percent, "loss", lost);
        return Filters {
            packet_loss,
            ..filters
        };
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounded, above 100, and cut to what fits"
    )]
    let every = (100.0 / percent).round().min(f64::from(MOST)) as i32;
    lost.push(format!(
        "loss of {} is every {every}th packet, for GNS3's chances are whole per cents",
        short(percent)
    ));
    Filters {
        frequency_drop: Some([every]),
        ..filters
    }
}

fn rounded(percent: f64) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share from 0 to 100, rounded"
    )]
    let whole = percent.round() as u8;
    whole
}

/// `2.345 %`, without digits that tell nothing.
fn short(percent: f64) -> String {
    let text = format!("{percent:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

/// Nothing is done to a frame.
const PERFECT: Impairment = Impairment {
    delay: Duration::ZERO,
    jitter: Duration::ZERO,
    loss: Percent(0.0),
    duplicate: Percent(0.0),
    corrupt: Percent(0.0),
    reorder: Percent(0.0),
    rate: None,
    queue: None,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::unit::Rate;

    fn symmetric(impairment: &Impairment) -> (Filters, Vec<String>) {
        filters(Directions {
            there: [impairment, &PERFECT],
            back: [impairment, &PERFECT],
        })
    }

    #[test]
    fn a_perfect_link_has_no_filter() {
        assert_eq!(symmetric(&PERFECT), (Filters::default(), Vec::new()));
    }

    #[test]
    fn what_both_directions_have_is_held_as_it_is() {
        let (filters, lost) = symmetric(&Impairment {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(3),
            loss: Percent(5.0),
            corrupt: Percent(1.0),
            ..PERFECT
        });
        assert_eq!(filters.delay, Some(vec![20, 3]));
        assert_eq!(filters.packet_loss, Some([5]));
        assert_eq!(filters.corrupt, Some([1]));
        assert_eq!(lost, [""; 0]);
    }

    #[test]
    fn what_cannot_be_held_is_named_with_what_happens_instead() {
        let bad = Impairment {
            delay: Duration::from_micros(1500),
            loss: Percent(0.1),
            duplicate: Percent(1.0),
            rate: Some(Rate(1_000_000)),
            ..PERFECT
        };
        let (filters, lost) = filters(Directions {
            there: [&bad, &PERFECT],
            back: [&PERFECT, &PERFECT],
        });
        assert_eq!(filters.delay, Some(vec![1, 0]));
        assert_eq!(filters.frequency_drop, Some([1999]));
        let lost = lost.join("\n");
        for loss in ["750us", "0.05 %", "1mbit", "twice", "directions differ"] {
            assert!(lost.contains(loss), "{loss}: {lost}");
        }
    }
}
