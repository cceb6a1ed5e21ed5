//! Tests that are run, or named with the reason why they are not.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// A test that needs something of the machine. Where `capable` says what is missing, it is shown as
/// ignored with that reason; with `CI=true` in the environment it fails, for there nothing may be
/// left out.
pub fn trial(
    name: impl Into<String>,
    capable: &Result<(), String>,
    body: impl FnOnce() + Send + 'static,
) -> Trial {
    let run = move || {
        body();
        Ok(())
    };
    match capable {
        Ok(()) => Trial::test(name, run),
        Err(reason) if left_out_is_failure() => {
            let reason = format!("left out, which CI=true does not allow: {reason}");
            Trial::test(name, move || Err(Failed::from(reason)))
        }
        Err(reason) => Trial::test(name, run)
            .with_kind(format!("left out: {reason}"))
            .with_ignored_flag(true),
    }
}

/// Runs trials one after the other: they look at the whole machine, and would see each other.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn left_out_is_failure() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}
