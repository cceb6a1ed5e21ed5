//! Labs that are interrupted or killed, and what `clean` makes of that.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, NetworkCreateRequest};
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
        let lines: Vec<_> = said.lines().filter(|line| line.contains(lab)).collect();
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
    let thesis = site
        .sandbox
        .write("home/thesis-20261121/chapter.tex", "precious");
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
    let strangers = labelled(&site, &image.name, (&lab, &home));
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
        .env("ORCHESTRATOR_LAB", "thesis-20261121")
        .env("ORCHESTRATOR_LAB_STATE", &home);
    let marked = Running::start(command);

    let cleaned = site.clean(&[]).code(0);
    assert_eq!(stdout(&cleaned), "");
    let said = stderr(&cleaned);
    assert!(said.contains("thesis-20261121"), "{said}");
    assert!(
        said.contains("`orchestrator clean thesis-20261121`"),
        "{said}"
    );
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
    let named = site.clean(&["thesis-20261121"]).code(0);
    assert!(
        stdout(&named).contains("container thesis-20261121-a"),
        "{named}"
    );
    strangers[2].assert_untouched();
    let left = site.engine.of_lab("thesis");
    assert_eq!(left, ["container thesis-20261121-c"]);
}

/// Containers that say that they are of a lab, two of which nobody has raised.
fn labelled<'a>(site: &'a Site, image: &str, (lab, home): (&str, &str)) -> Vec<Stranger<'a>> {
    let mut strangers = Vec::new();
    for (name, lab, origin) in [
        ("thesis-20261121-a", "thesis-20261121", None),
        ("thesis-20261121-b", "thesis-20261121", Some("0-0-0")),
        ("thesis-20261121-c", lab, None),
    ] {
        let mut labels = HashMap::from([
            ("orchestrator.lab".to_owned(), lab.to_owned()),
            ("orchestrator.state".to_owned(), home.to_owned()),
        ]);
        labels.extend(origin.map(|origin| ("orchestrator.origin".to_owned(), origin.to_owned())));
        strangers.push(sleeper(site, name, (image, labels)));
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

/// Containers and networks with names like a lab's, and labels almost like ours.
fn strangers<'a>(site: &'a Site, image: &str) -> Vec<Stranger<'a>> {
    let labels = |key: &str, value: &str| HashMap::from([(key.to_owned(), value.to_owned())]);
    let almost = [
        ("stranger-0badcafe-a", HashMap::new()),
        (
            "stranger-0badcafe-b",
            labels("orchestrator", "stranger-0badcafe"),
        ),
        (
            "stranger-0badcafe-c",
            labels("orchestrator.labs", "stranger-0badcafe"),
        ),
        // Somebody else's idea of what this label means.
        ("stranger-0badcafe-d", labels("orchestrator.lab", "yes")),
        ("stranger-0badcafe-e", labels("orchestrator.lab", "rack-1")),
    ];
    let mut strangers = Vec::new();
    for (name, labels) in almost {
        strangers.push(site.engine.make_network(NetworkCreateRequest {
            name: name.to_owned(),
            labels: Some(labels.clone()),
            ..NetworkCreateRequest::default()
        }));
        strangers.push(sleeper(site, name, (image, labels)));
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
