//! Labs that are interrupted or killed, and what `clean` makes of that.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use bollard::models::{ContainerCreateBody, NetworkCreateRequest};
use e2e::pretended_engine;
use e2e::running::Running;
use e2e::sandbox::{stderr, stdout};
use nix::sys::signal::Signal;

use crate::engine::Stranger;
use crate::image::Image;
use crate::lifecycle::NODE;
use crate::proxy::ENGINE;
use crate::site::Site;

/// Ctrl-C, what a service manager or a CI job sends, and a terminal that is gone.
pub(crate) fn an_interrupted_run_takes_everything_away() {
    for (signal, lab) in [
        (Signal::SIGINT, "e2e-ctrl-c"),
        (Signal::SIGTERM, "e2e-term"),
        (Signal::SIGHUP, "e2e-hangup"),
    ] {
        let site = Site::new();
        let run = hanging(&site, lab);
        let traces = site.engine.traces(lab);
        assert_eq!(traces.containers.len(), 2);
        run.signal(signal);
        let ended = run.ended();
        assert_eq!(ended.code, Some(130), "{signal}: {ended:?}");
        site.engine.assert_gone(&traces);
        site.assert_nothing_of(lab);
    }
}

/// SIGKILL, then `clean`, while things of others are there that could be taken for ours.
pub(crate) fn what_a_killed_run_left_is_cleaned_and_nothing_else() {
    let site = Site::new();
    let image = Image::programs(&site.engine);
    let strangers = strangers(&site, &image.name);
    let run = hanging(&site, "e2e-killed");
    let traces = site.engine.traces("e2e-killed");
    run.killed();
    assert_eq!(site.recorded().len(), 1);
    assert_eq!(
        site.engine.traces("e2e-killed").containers,
        traces.containers
    );

    site.sandbox
        .write("kept.toml", "name = \"e2e-kept\"\n[node.a]\n");
    site.sandbox.run(["deploy", "kept.toml"]).succeeds();
    let kept = site.engine.traces("e2e-kept");

    let before = site.engine.of_lab("e2e-killed");
    let would = site.clean(&["--dry-run"]).code(0);
    for name in &before {
        let listed = format!("would remove {name}");
        assert!(
            stdout(&would).contains(&listed),
            "{name}: {}",
            stdout(&would)
        );
    }
    assert_eq!(site.engine.of_lab("e2e-killed"), before);

    let cleaned = site.clean(&[]).code(0);
    site.engine.assert_gone(&traces);
    site.engine.assert_nothing_of("e2e-killed");
    assert!(
        stderr(&cleaned).contains("e2e-kept"),
        "{}",
        stderr(&cleaned)
    );
    assert_eq!(site.engine.traces("e2e-kept").containers, kept.containers);
    assert_eq!(site.recorded().len(), 1, "that of the lab that is up");
    for stranger in &strangers {
        stranger.assert_untouched();
    }
    site.sandbox.run(["down", "e2e-kept"]).succeeds();
    site.assert_nothing_of("e2e-kept");
    let nothing = site.clean(&[]).code(0);
    assert!(
        stderr(&nothing).contains("nothing is left"),
        "{}",
        stderr(&nothing)
    );
}

/// Somebody else's `clean` knows another state folder, and leaves what is recorded in this one.
pub(crate) fn a_lab_that_is_recorded_elsewhere_stays() {
    let (site, other) = (Site::new(), Site::new());
    site.sandbox
        .write("lab.toml", "name = \"e2e-elsewhere\"\n[node.a]\n");
    site.sandbox.run(["deploy"]).succeeds();
    let traces = site.engine.traces("e2e-elsewhere");
    let run = hanging(&site, "e2e-at-work");
    let cleaned = other.clean(&[]).code(0);
    let said = stderr(&cleaned);
    let state = site.sandbox.path("state").display().to_string();
    for lab in ["e2e-elsewhere", "e2e-at-work"] {
        let of_lab = |line: &&str| line.contains(lab) && line.contains(&state);
        let lines: Vec<_> = said.lines().filter(of_lab).collect();
        let [line] = lines.as_slice() else {
            panic!("{said}");
        };
        let recorded = format!("is recorded in the state folder {state} and stays");
        assert!(line.contains(&recorded), "{said}");
    }
    assert_eq!(
        site.engine.traces("e2e-elsewhere").containers,
        traces.containers
    );
    run.signal(Signal::SIGINT);
    assert_eq!(run.ended().code, Some(130));
    site.sandbox.run(["down", "--all"]).succeeds();
    site.assert_nothing_of("e2e-elsewhere");
    site.assert_nothing_of("e2e-at-work");
}

/// A label is easily written, also with the lab of somebody else and a folder of theirs.
pub(crate) fn what_a_label_or_a_node_says_removes_nothing() {
    let site = Site::new();
    let image = Image::programs(&site.engine);
    let thesis_lab = format!("thesis-{:08x}", std::process::id());
    let thesis = site
        .sandbox
        .write(&format!("home/{thesis_lab}/chapter.tex"), "precious");
    site.sandbox
        .write("lab.toml", "name = \"e2e-labels\"\n[node.a]\n");
    site.sandbox.run(["deploy"]).succeeds();
    let lab = site.recorded()[0]
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let home = site.sandbox.path("work/home").display().to_string();
    let strangers = labelled(&site, &image.name, (&lab, &home, &thesis_lab));
    let words = [
        "exec",
        "a",
        "--",
        NODE,
        "broadcast-receive",
        "--directory",
        "/tmp/in",
    ];
    let mut command = site
        .sandbox
        .command_where(e2e::sandbox::Hangup::Ends, words);
    command
        .env("ORCHESTRATOR_LAB", &thesis_lab)
        .env("ORCHESTRATOR_LAB_STATE", &home);
    let marked = Running::start(command);

    let cleaned = site.clean(&[]).code(0);
    assert_eq!(stdout(&cleaned), "");
    let said = stderr(&cleaned);
    let by_name = format!("`orchestrator clean {thesis_lab}`");
    assert!(said.contains(&by_name), "{said}");
    for stranger in &strangers {
        stranger.assert_untouched();
    }
    site.sandbox.run(["ps"]).succeeds();
    marked.killed();
    site.sandbox.run(["down", "e2e-labels"]).succeeds();
    // A container that only says that it was of the lab is not taken with it.
    let cleaned = site.clean(&[]).code(0);
    assert_eq!(stdout(&cleaned), "");
    for stranger in &strangers {
        stranger.assert_untouched();
    }
    assert_eq!(std::fs::read_to_string(thesis).unwrap(), "precious");
    // A lab named by its identity is cleaned, wherever it was raised.
    let named = site.clean(&[&thesis_lab]).code(0);
    let first = format!("container {thesis_lab}-a");
    assert!(stdout(&named).contains(&first), "{named}");
    assert!(strangers[0].is_gone() && strangers[1].is_gone());
    strangers[2].assert_untouched();
}

/// Containers that say that they are of a lab, two of which nobody has raised.
fn labelled<'a>(
    site: &'a Site,
    image: &str,
    (lab, home, thesis): (&str, &str, &str),
) -> Vec<Stranger<'a>> {
    let mut strangers = Vec::new();
    for (name, lab, origin) in [
        ("a", thesis, None),
        ("b", thesis, Some("0-0-0")),
        ("c", lab, None),
    ] {
        let mut labels = HashMap::from([
            ("orchestrator.lab".to_owned(), lab.to_owned()),
            ("orchestrator.state".to_owned(), home.to_owned()),
        ]);
        labels.extend(origin.map(|origin| ("orchestrator.origin".to_owned(), origin.to_owned())));
        strangers.push(sleeper(site, &format!("{thesis}-{name}"), (image, labels)));
    }
    strangers
}

/// The engine of a lab that is up is stopped: what may be there is named.
pub(crate) fn a_stopped_engine_may_have_a_lab() {
    let mut site = Site::new();
    site.sandbox
        .write("lab.toml", "name = \"e2e-stopped\"\n[node.a]\n");
    site.sandbox.run(["deploy"]).succeeds();
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| format!("unix://{ENGINE}"));
    site.sandbox.set("DOCKER_HOST", "unix:///no/such.sock");
    let said = stderr(&site.clean(&[]).code(5));
    assert!(said.contains("there may be: e2e-stopped-"), "{said}");
    assert!(!said.contains("nothing is left"), "{said}");
    site.complains(&["down", "e2e-stopped"], 5);
    site.sandbox.set("DOCKER_HOST", host);
    // Its removal was begun, and is finished by whatever comes next.
    site.clean(&[]).code(0);
    site.assert_nothing_of("e2e-stopped");
}

/// The engine of a lab that is up begins to hang.
pub(crate) fn an_engine_that_falls_silent_is_told() {
    let mut site = Site::new();
    site.sandbox
        .write("lab.toml", "name = \"e2e-silent\"\n[node.a]\n");
    site.sandbox.run(["deploy"]).succeeds();
    let socket = site.sandbox.path("tmp/silent.sock");
    pretended_engine::start(&socket, pretended_engine::greets);
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| format!("unix://{ENGINE}"));
    let silent = format!("unix://{}", socket.display());
    site.sandbox.set("DOCKER_HOST", &silent);
    let ps = site.says(&["ps"]);
    assert!(ps.contains("has not answered within 10 s"), "{ps}");
    let said = stderr(&site.clean(&[]).code(5));
    assert!(said.contains("there may be: e2e-silent-"), "{said}");
    let said = site.complains(&["down", "e2e-silent"], 5);
    assert!(said.contains("has not answered within 10 s"), "{said}");
    site.sandbox.set("DOCKER_HOST", host);
    site.sandbox.run(["down", "e2e-silent"]).succeeds();
    site.assert_nothing_of("e2e-silent");
}

/// Several machines have one engine, and perhaps one state folder.
pub(crate) fn a_lab_of_another_machine_stays() {
    let (site, other) = (Site::new(), Site::new());
    site.sandbox
        .write("lab.toml", "name = \"e2e-machine\"\n[node.a]\n");
    let id = site.sandbox.write("machine-id", format!("{:032x}\n", 7));
    on_another_machine(&site, &id, &["deploy"]);
    let traces = site.engine.traces("e2e-machine");
    let recorded = site.recorded();
    let lab = recorded[0].file_name().unwrap().to_str().unwrap();
    for from in [&site, &other] {
        let said = stderr(&from.clean(&[]).code(0));
        let line = said.lines().find(|line| line.contains(lab)).unwrap();
        assert!(line.contains("was raised on another machine"), "{line}");
        assert!(line.contains("stays"), "{line}");
        assert!(
            line.contains(&format!("`orchestrator clean {lab}`")),
            "{line}"
        );
    }
    let said = site.complains(&["down", "e2e-machine"], 4);
    assert!(said.contains("take it down there"), "{said}");
    assert_eq!(
        site.engine.traces("e2e-machine").containers,
        traces.containers
    );
    on_another_machine(&site, &id, &["down", "e2e-machine"]);
    site.engine.assert_gone(&traces);
    site.assert_nothing_of("e2e-machine");
}

/// Runs a command where the machine has another identity.
fn on_another_machine(site: &Site, id: &Path, words: &[&str]) {
    let inner = site.sandbox.command(words);
    let mut outer = Command::new("unshare");
    outer.args(["--mount", "--uts", "sh", "-c", OTHER_MACHINE]);
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.current_dir(site.sandbox.path("work")).env_clear();
    let set = inner.get_envs();
    outer.envs(set.filter_map(|(name, value)| Some((name, value?))));
    outer.env("MACHINE_ID", id);
    assert!(outer.status().unwrap().success(), "{words:?}");
}

const OTHER_MACHINE: &str = r#"
hostname other
if [ -e /etc/machine-id ]; then mount --bind "$MACHINE_ID" /etc/machine-id; fi
exec "$0" "$@"
"#;

/// Containers and networks with names like a lab's, and labels almost like ours.
fn strangers<'a>(site: &'a Site, image: &str) -> Vec<Stranger<'a>> {
    let labels = |key: &str, value: &str| HashMap::from([(key.to_owned(), value.to_owned())]);
    let lab = format!("stranger-{:08x}", std::process::id());
    let almost = [
        ("a", HashMap::new()),
        ("b", labels("orchestrator", &lab)),
        ("c", labels("orchestrator.labs", &lab)),
        // Somebody else's idea of what this label means.
        ("d", labels("orchestrator.lab", "yes")),
        ("e", labels("orchestrator.lab", "rack-1")),
    ];
    let mut strangers = Vec::new();
    for (name, labels) in almost {
        let name = format!("{lab}-{name}");
        strangers.push(site.engine.make_network(NetworkCreateRequest {
            name: name.clone(),
            labels: Some(labels.clone()),
            ..NetworkCreateRequest::default()
        }));
        strangers.push(sleeper(site, &name, (image, labels)));
    }
    strangers
}

/// A `run` in the middle of a scenario that does not end by itself.
fn hanging(site: &Site, lab: &str) -> Running {
    let text = format!(
        r#"
name = "{lab}"
[network.lan]
subnet = "10.9.0.0/24"
[node.a]
networks = ["lan"]
[node.b]
networks = ["lan"]
[[scenario]]
name = "first"
kind = "steps"
[[scenario.step]]
run = ["{NODE}", "--version"]
node = "b"
[[scenario]]
name = "endless"
kind = "steps"
[[scenario.step]]
run = ["{NODE}", "broadcast-receive", "--directory", "/tmp/in"]
node = "a"
within = "1h"
"#
    );
    let file = format!("{lab}.toml");
    site.sandbox.write(&file, text);
    let mut run = site.start(&["run", &file]);
    run.await_words("endless: ");
    run
}

/// A container that sleeps until it is removed.
fn sleeper<'a>(
    site: &'a Site,
    name: &str,
    (image, labels): (&str, HashMap<String, String>),
) -> Stranger<'a> {
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        cmd: Some(["/bin/sleep", "infinity"].map(str::to_owned).to_vec()),
        labels: Some(labels),
        ..ContainerCreateBody::default()
    };
    site.engine.make_container(name, body)
}
