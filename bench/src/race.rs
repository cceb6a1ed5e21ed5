//! Lets entrants do the same thing in turn, as often as asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use crate::console::note;
use crate::entrant::Entrant;
use crate::error::BenchError;
use crate::namespace::all_gone;
use crate::sample::Sample;

/// What is done, how often.
#[derive(Debug, Clone, Copy)]
pub struct Heat {
    /// How many nodes.
    pub nodes: u16,
    /// How often each entrant does it, after a first time that does not count.
    pub rounds: usize,
}

/// When to stop, though not all is done.
#[derive(Debug, Clone)]
pub struct Limits {
    interrupted: Arc<AtomicBool>,
    end: Instant,
}

/// What an entrant has shown.
#[derive(Debug)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// How long `up` took.
    pub up: Sample,
    /// Moments within `up`.
    pub moments: Vec<(&'static str, Sample)>,
    /// How long `down` took.
    pub down: Sample,
    /// Why it gave up.
    pub failure: Option<String>,
}

impl Limits {
    /// At most so long; Ctrl-C and SIGTERM end it sooner, once whoever is running has cleaned up.
    ///
    /// # Errors
    /// If signals cannot be listened for.
    pub fn new(time: Duration) -> Result<Self, BenchError> {
        let listening = BenchError::system("listening for signals");
        let mut interrupt = signal(SignalKind::interrupt()).map_err(&listening)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(&listening)?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                flag.store(true, Ordering::Relaxed);
                note("interrupted; taking away what is up");
            }
        });
        Ok(Self {
            interrupted,
            end: Instant::now() + time,
        })
    }

    /// Says whether to go on.
    ///
    /// # Errors
    /// [`BenchError::Interrupted`].
    pub fn go_on(&self) -> Result<(), BenchError> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(BenchError::Interrupted);
        }
        Ok(())
    }

    fn allow(&self, another: Duration) -> bool {
        Instant::now() + another < self.end
    }
}

/// Runs one heat. Each round begins with another entrant, so that none always follows the same one.
/// An entrant that fails is left out of later rounds; it sweeps up in any case.
///
/// # Errors
/// [`BenchError::Interrupted`], or what an entrant could not sweep away.
pub async fn run(
    entrants: &mut [Box<dyn Entrant>],
    heat: Heat,
    limits: &Limits,
) -> Result<Vec<Series>, BenchError> {
    let mut series: Vec<Series> = entrants.iter().map(|e| Series::new(e.name())).collect();
    let mut longest = Duration::ZERO;
    for round in 0..=heat.rounds {
        if round > 1 && !limits.allow(longest) {
            note("no time for more rounds");
            break;
        }
        let begun = Instant::now();
        for turn in 0..entrants.len() {
            limits.go_on()?;
            let place = (round + turn) % entrants.len();
            let (entrant, shown) = (&mut entrants[place], &mut series[place]);
            if shown.failure.is_some() {
                continue;
            }
            all_gone().await?;
            match take_turn(entrant.as_mut(), heat.nodes).await {
                // The first time, memory and code are cold.
                Ok(_) if round == 0 => {}
                Ok(times) => shown.add(times),
                Err(error) => {
                    note(&format!("{}: {error}", shown.name));
                    shown.failure = Some(error.to_string());
                    entrant.sweep().await?;
                }
            }
        }
        longest = longest.max(begun.elapsed());
    }
    Ok(series)
}

struct Times {
    up: Duration,
    moments: Vec<(&'static str, Duration)>,
    down: Duration,
}

async fn take_turn(entrant: &mut dyn Entrant, nodes: u16) -> Result<Times, BenchError> {
    let begun = Instant::now();
    in_time(entrant.name().to_owned(), entrant.up(nodes)).await?;
    let up = begun.elapsed();
    let moments = entrant.moments();
    let checked = in_time(entrant.name().to_owned(), entrant.check()).await;
    let begun = Instant::now();
    in_time(entrant.name().to_owned(), entrant.down()).await?;
    let down = begun.elapsed();
    checked?;
    Ok(Times { up, moments, down })
}

async fn in_time<T>(
    what: String,
    work: impl Future<Output = Result<T, BenchError>>,
) -> Result<T, BenchError> {
    let seconds = STEP_LIMIT.as_secs();
    tokio::time::timeout(STEP_LIMIT, work)
        .await
        .unwrap_or(Err(BenchError::Deadline { what, seconds }))
}

impl Series {
    /// Of an entrant that has shown nothing yet.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            up: Sample::default(),
            moments: Vec::new(),
            down: Sample::default(),
            failure: None,
        }
    }

    fn add(&mut self, times: Times) {
        self.up.add(times.up);
        self.down.add(times.down);
        for (name, time) in times.moments {
            match self.moments.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sample)) => sample.add(time),
                None => self.moments.push((name, Sample::of(time))),
            }
        }
    }
}

/// What one entrant may take for one thing: many times what any is known to need.
const STEP_LIMIT: Duration = Duration::from_mins(2);
