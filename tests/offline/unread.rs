//! Commands whose output nobody reads: a signal ends them all the same.

use std::fs;

use e2e::full_pipe::FullPipe;
use e2e::sandbox::Hangup;
use nix::sys::signal::Signal;

use super::sandbox;

#[test]
fn a_signal_ends_what_nobody_reads() {
    let sandbox = sandbox();
    sandbox.write("lab.toml", LAB);
    let pipe = FullPipe::default();
    for (line, both) in [
        ("validate lab.toml", false),
        ("schema", false),
        ("completions bash", false),
        ("graph lab.toml --as svg", false),
        ("ps", true),
        ("clean", true),
        ("validate none.toml", true),
        ("run --backend fake", false),
        ("run --backend fake", true),
    ] {
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            let command = sandbox.command_where(Hangup::Ends, line.split(' '));
            let code = pipe.interrupts(command, both, signal);
            assert_eq!(code, Some(130), "{line}, {signal}");
            let recorded = fs::read_dir(sandbox.path("state")).unwrap().count();
            assert_eq!(recorded, 0, "{line}, {signal}");
        }
    }
}

const LAB: &str = r#"
name = "one"
[network.lan]
subnet = "10.0.0.0/24"
[node.a]
networks = ["lan"]
[[scenario]]
name = "only"
kind = "steps"
[[scenario.step]]
run = ["true"]
node = "a"
"#;
