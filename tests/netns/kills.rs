//! SIGKILL at random moments of every verb that makes or removes something, each followed by `clean`: nothing is left.
//!
//! A few for each verb here; more with `ORCHESTRATOR_TEST_KILLS=200 cargo test -p e2e --test netns -- kills`.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use e2e::sandbox::Who;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::stage::{Play, Stage};

pub(crate) const TRIALS: &[Play] = &[
    ("of_run", |who| kills(who, "run --out out", Before::Nothing)),
    ("of_up", |who| kills(who, "up --out out", Before::Nothing)),
    ("of_deploy", |who| kills(who, "deploy", Before::Nothing)),
    ("of_down", |who| kills(who, "down few", Before::Up)),
    ("of_clean", |who| kills(who, "clean", Before::Killed)),
    ("beside_clean", beside_clean),
    ("of_exec", |who| kills(who, "exec n-1 -- true", Before::Up)),
    ("of_capture", |who| {
        kills(
            who,
            "capture n-1:eth0 --write one.pcapng --duration 1ms",
            Before::Up,
        );
    }),
];

/// While a `clean` of the same state folder goes on all the time, every other verb does as it should.
fn beside_clean(who: Who) {
    let stage = Stage::with_lab(who, FEW);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    stage.run("clean").succeeds();
                }
            });
        }
        let rounds = std::panic::catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..rounds() {
                stage.run("deploy").succeeds();
                stage.run("exec n-1 -- true").succeeds();
                stage.run("run --lab few --out out").succeeds();
                stage.run("down few").succeeds();
                stage.run("run --out out").succeeds();
            }
        }));
        over.store(true, Ordering::Relaxed);
        rounds.unwrap();
    });
    stage.is_as_before();
}

/// The lab that there is when the verb begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// A lab that is up.
    Up,
    /// The leftovers of a killed `run`.
    Killed,
}

const FEW: &str = r#"
name = "few"
[network.lan]
subnet = "10.0.0.0/24"
[node.n]
count = 4
memory = "64MiB"
[node.n.interface.eth0]
network = "lan"
[[scenario]]
name = "short"
kind = "steps"
[[scenario.step]]
run = ["true"]
node = "n-1"
"#;

fn kills(who: Who, verb: &str, before: Before) {
    let stage = Stage::with_lab(who, FEW);
    let mut dice = Dice::new();
    // The time that it takes undisturbed.
    prepare(&stage, before);
    let start = Instant::now();
    stage.run(verb).succeeds();
    let whole = start.elapsed();
    end(&stage, "at the end of the first");
    for round in 0..rounds() {
        prepare(&stage, before);
        let after = whole.mul_f64(dice.next() * 1.1);
        kill_after(&stage, verb, after);
        end(
            &stage,
            &format!("{verb}, kill {round} after {after:?} of {whole:?}"),
        );
    }
}

fn prepare(stage: &Stage, before: Before) {
    match before {
        Before::Nothing => {}
        Before::Up => drop(stage.run("deploy").succeeds()),
        Before::Killed => {
            let mut child = stage.start("run --out out");
            e2e::patience::until("the lab's folder", || stage.recorded() > 0);
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

fn kill_after(stage: &Stage, verb: &str, after: Duration) {
    let start = Instant::now();
    let mut child = stage.start(verb);
    // The moment is what is tried here; nothing else tells of it.
    std::thread::sleep(after.saturating_sub(start.elapsed()));
    // It may have ended, and is still ours until it is waited for.
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL).unwrap();
    child.wait().unwrap();
}

/// `clean` finishes what was begun; a lab that came up whole, or that nothing was done to yet, is taken down.
fn end(stage: &Stage, when: &str) {
    stage.run("clean").succeeds();
    if stage.recorded() > 0 {
        let up = stage.print("ps");
        assert!(up.contains("few · netns"), "{when}: {up}");
        stage.run("down --all").succeeds();
    }
    let left: Vec<_> = fs::read_dir(stage.sandbox.path("state")).unwrap().collect();
    assert!(left.is_empty(), "{when}: {left:?}");
    let out = fs::read_dir(stage.sandbox.path("work/out"));
    let names = out
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name());
    let hidden: Vec<_> = names
        .filter(|name| name.as_encoded_bytes().starts_with(b"."))
        .collect();
    assert!(hidden.is_empty(), "{when}: {hidden:?}");
    stage.is_as_before();
}

/// For each verb, as root and as an ordinary user.
fn rounds() -> u32 {
    let asked = std::env::var("ORCHESTRATOR_TEST_KILLS");
    asked.map_or(6, |count| count.parse().unwrap())
}

/// Numbers that nobody foresees, from 0 to 1 (xorshift).
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap();
        Self(u64::from(now.subsec_nanos()) << 20 | u64::from(std::process::id()) | 1)
    }

    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let top = u32::try_from(self.0 >> 32).unwrap();
        f64::from(top) / f64::from(u32::MAX)
    }
}
