//! The schedules, and what must hold of each.

use super::dice::Dice;
use super::host::Host;
use super::network::{Conditions, Narrow, Simulation, forged};
use crate::broadcast::SenderEvent;

#[test]
fn every_schedule_ends_with_equal_bytes_or_an_honest_failure() {
    let workers =
        std::thread::available_parallelism().map_or(1, |n| u64::try_from(n.get()).unwrap());
    let complete: u64 = std::thread::scope(|scope| {
        let work = |worker: u64| {
            move || {
                (worker..SCHEDULES)
                    .step_by(usize::try_from(workers).unwrap())
                    .map(|seed| u64::from(run(seed)))
                    .sum::<u64>()
            }
        };
        let running: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(work(worker)))
            .collect();
        running
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    let failed = SCHEDULES - complete;
    // Both ends of the story must have been told.
    assert!(complete > 500, "only {complete} transfers were complete");
    assert!(failed > 50, "only {failed} transfers failed");
}

#[test]
fn nothing_is_repeated_where_nothing_is_lost() {
    let mut simulation = Simulation::new(1);
    simulation.weather = Conditions {
        least_delay: 40,
        most_delay: 40,
        ..Conditions::default()
    };
    for host in &mut simulation.hosts {
        (host.born, host.dies, host.stalls) = (0, None, (0, 0));
    }
    simulation.run();
    assert!(judge(&simulation));
    assert_eq!(simulation.sender.sent().repairs, 0);
}

#[test]
fn sessions_that_are_made_up_keep_no_sender_out() {
    for seed in 0..100 {
        let mut simulation = Simulation::new(seed);
        simulation.weather.forged = 200;
        let mut dice = Dice(seed);
        for host in &mut simulation.hosts {
            (host.born, host.dies, host.stalls) = (0, None, (0, 0));
            // They were there before, with data, and hold as much as they can.
            for _ in 0..200 {
                host.arrives(0, forged(&mut dice));
            }
        }
        simulation.run();
        assert!(judge(&simulation), "seed {seed}: {:?}", simulation.events);
    }
}

#[test]
fn a_narrow_link_is_kept_busy_whatever_it_loses() {
    // Queues that hold 3 and 50 milliseconds; the link passes 8 256 datagrams a second.
    for (queue, lost) in [
        (32_000, 0),
        (32_000, 50),
        (600_000, 0),
        (600_000, 50),
        (600_000, 200),
    ] {
        let mut simulation = Simulation::narrow(1, 2, lost, 5_000_000, Narrow::on_the_way(queue));
        simulation.run();
        assert!(judge(&simulation));
        let micros = simulation.ended.unwrap();
        let least = 5_000_000 * 1_000_000 / 12_020_000 * 1000 / (1000 - lost);
        assert!(
            micros < least * 110 / 100,
            "queue {queue}, lost {lost}: {micros} µs instead of {least}"
        );
    }
}

#[test]
fn sixteen_receivers_are_given_a_block_as_fast_as_the_worst_of_them_can_have_it() {
    // Of a block the worst of sixteen needs 3 and 4 % more than the mean.
    for (lost, most) in [(200, 106), (300, 107)] {
        let mut simulation = Simulation::narrow(1, 16, lost, 10_000_000, Narrow::own());
        simulation.run();
        assert!(judge(&simulation));
        let micros = simulation.ended.unwrap();
        let least = 10_000_000 * 1_000_000 / 12_020_000 * 1000 / (1000 - lost);
        assert!(
            micros < least * most / 100,
            "lost {lost}: {micros} µs instead of {least}"
        );
    }
}

fn run(seed: u64) -> bool {
    let mut simulation = Simulation::new(seed);
    simulation.run();
    judge(&simulation)
}

/// Holds the outcome against the rules; says whether the transfer was complete.
fn judge(simulation: &Simulation) -> bool {
    let seed = simulation.seed;
    let ended: Vec<_> = simulation
        .events
        .iter()
        .filter_map(|event| match event {
            SenderEvent::Ended(lost) => Some(lost),
            SenderEvent::Proved(..) => None,
        })
        .collect();
    let [lost] = ended[..] else {
        panic!("seed {seed}: one end was expected: {:?}", simulation.events);
    };
    let named = |host: &Host| {
        let address = host.address.ip().to_string();
        let is_it = |name: &str| name == address || name == "unknown";
        lost.iter().any(|lost| is_it(&lost.receiver))
    };
    for host in &simulation.hosts {
        let all = (0..simulation.contents.0.len()).all(|file| has(simulation, host, file));
        assert!(
            all || named(host),
            "seed {seed}: {} lacks files, but was not named",
            host.address
        );
        if host.receiver.outcome() == Some(true) {
            assert!(all, "seed {seed}: {} says that it has all", host.address);
        }
        assert!(host.dies.is_some() || host.receiver.outcome().is_some());
    }
    let healthy = |host: &Host| host.dies.is_none() && host.born < 2_000_000;
    let complete = lost.is_empty();
    let all_healthy = simulation.hosts.iter().all(healthy);
    assert!(
        complete || !all_healthy,
        "seed {seed}: {:?}",
        simulation.events
    );
    complete
}

fn has(simulation: &Simulation, host: &Host, file: usize) -> bool {
    let Some(bytes) = host.named.get(&format!("file-{file}.bin")) else {
        return false;
    };
    let right = *bytes == simulation.contents.0[file];
    assert!(right, "a file with wrong bytes was published");
    true
}

const SCHEDULES: u64 = 1000;
