//! Impairments as link filters. GNS3 has one set of filters a link, in whole milliseconds and per cents, for
//! both directions alike: where the directions differ, what they add up to there and back is kept.

use std::time::Duration;

use protocol::link::Conditions;
use protocol::unit::Time;

use crate::gns3::filter::{Filters, MOST};
use crate::plan::{LinkConditions, PlannedLink};

/// Names the conditions that the filters of links cannot apply.
pub fn unsupported(conditions: &LinkConditions) -> Vec<String> {
    let links = conditions.links().into_iter();
    let lost = links.flat_map(|link| {
        let (_, lost) = filters(link);
        lost.into_iter().map(move |text| format!("{link}: {text}"))
    });
    lost.collect()
}

/// The nearest filters, and in words what they do not do.
pub fn filters(link: PlannedLink<'_>) -> (Filters, Vec<String>) {
    let mut lost = Vec::new();
    let directions = &link.directions();
    let all = || directions.iter().flatten();
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
    if directions[0] != directions[1] && all().any(|i| !i.is_perfect()) {
        lost.push(
            "its directions differ, and GNS3 treats both alike: each has half of what both add up to"
                .to_owned(),
        );
    }
    (filters, lost)
}

/// Returns the delay of each direction where both are alike: delays there and back, halved.
fn delay(directions: &Directions<'_>, lost: &mut Vec<String>) -> Option<Vec<u32>> {
    let all = || directions.iter().flatten();
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
fn both(directions: &Directions<'_>, share: impl Fn(&Conditions) -> f64) -> f64 {
    let passes =
        |way: &Vec<&Conditions>| -> f64 { way.iter().map(|i| 1.0 - share(i) / 100.0).product() };
    let [there, back] = directions.each_ref().map(passes);
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

/// The conditions that a frame meets there and back, in that order.
type Directions<'a> = [Vec<&'a Conditions>; 2];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PlannedEnd;
    use protocol::link::Port;
    use protocol::unit::{Percent, Rate};

    /// The filters of a link to a network.
    fn on_network(egress: Conditions, ingress: Conditions) -> (Filters, Vec<String>) {
        let near = PlannedEnd {
            port: Port {
                node: "a".parse().unwrap(),
                interface: "eth0".parse().unwrap(),
            },
            peer: None,
            egress,
            ingress,
        };
        let far = None;
        filters(PlannedLink { near: &near, far })
    }

    fn symmetric(conditions: Conditions) -> (Filters, Vec<String>) {
        on_network(conditions, conditions)
    }

    #[test]
    fn a_perfect_link_has_no_filter() {
        assert_eq!(
            symmetric(Conditions::default()),
            (Filters::default(), Vec::new())
        );
    }

    #[test]
    fn what_both_directions_have_is_held_as_it_is() {
        let (filters, lost) = symmetric(Conditions {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(3),
            loss: Percent(5.0),
            corrupt: Percent(1.0),
            ..Conditions::default()
        });
        assert_eq!(filters.delay, Some(vec![20, 3]));
        assert_eq!(filters.packet_loss, Some([5]));
        assert_eq!(filters.corrupt, Some([1]));
        assert_eq!(lost, [""; 0]);
    }

    #[test]
    fn what_cannot_be_held_is_named_with_what_happens_instead() {
        let bad = Conditions {
            delay: Duration::from_micros(1500),
            loss: Percent(0.1),
            duplicate: Percent(1.0),
            rate: Some(Rate(1_000_000)),
            ..Conditions::default()
        };
        let (filters, lost) = on_network(bad, Conditions::default());
        assert_eq!(filters.delay, Some(vec![1, 0]));
        assert_eq!(filters.frequency_drop, Some([1999]));
        let lost = lost.join("\n");
        for loss in ["750us", "0.05 %", "1mbit", "twice", "directions differ"] {
            assert!(lost.contains(loss), "{loss}: {lost}");
        }
    }
}
