//! What the Docker backend cannot do: each ends with one clear message, the right exit code, and
//! nothing left.

use std::fs;
use std::os::unix::net::UnixListener;

use e2e::sandbox::{Who, stdout};

use crate::lifecycle::NODE;
use crate::proxy::ENGINE;
use crate::site::Site;

/// No socket, a socket that nobody listens on, and an address that is none.
pub(crate) fn without_an_engine_nothing_is_made() {
    let folder = Site::new();
    let dead = folder.sandbox.path("tmp/dead.sock");
    // The file stays when the listener is gone.
    drop(UnixListener::bind(&dead).unwrap());
    for (host, remedy) in [
        ("unix:///no/such.sock", "systemctl start docker"),
        (
            &format!("unix://{}", dead.display()),
            "systemctl start docker",
        ),
        ("tcp://127.0.0.1:1", "systemctl start docker"),
        ("docker.example", "unix:///PATH"),
    ] {
        let mut site = Site::new();
        site.sandbox.set("DOCKER_HOST", host);
        site.sandbox.write("lab.toml", ONE_NODE);
        for verb in ["run", "up", "deploy"] {
            let said = site.complains(&[verb], 3);
            assert!(said.contains(remedy), "{host}: {said}");
            assert_eq!(said.matches("error").count(), 1, "{host}: {said}");
        }
        assert!(site.recorded().is_empty());
        assert!(!site.sandbox.path("work/runs").exists(), "{host}");
        // Labs on namespaces are cleaned all the same.
        let cleaned = site.clean(&["--dry-run"]).code(0);
        let said = e2e::sandbox::stderr(&cleaned);
        assert!(said.contains("Docker was not looked through"), "{said}");
    }
}

/// The engine's socket is not everybody's.
pub(crate) fn without_permission_the_group_is_named() {
    let site = Site::of(Who::Ordinary);
    site.sandbox.write("lab.toml", ONE_NODE);
    let said = site.complains(&["run"], 3);
    assert!(said.contains("usermod -aG docker"), "{said}");
    assert!(site.recorded().is_empty());
    let doctor = site.says(&["doctor"]);
    assert!(doctor.contains("usermod -aG docker"), "{doctor}");
}

/// An image that neither the engine nor anybody else has, on a node of two.
pub(crate) fn an_absent_image_is_named_with_what_to_do() {
    let site = Site::new();
    let lab = r#"
name = "e2e-absent"
[network.lan]
subnet = "10.9.0.0/24"
[node.a]
networks = ["lan"]
[node.b]
networks = ["lan"]
image = "localhost:1/no-such-image:2"
"#;
    site.sandbox.write("lab.toml", lab);
    let said = site.complains(&["run"], 3);
    assert!(
        said.contains("docker pull localhost:1/no-such-image:2"),
        "{said}"
    );
    site.assert_nothing_of("e2e-absent");
}

/// A program that ends as it should not fails its scenario, and is named with its node.
pub(crate) fn a_program_that_dies_fails_the_run() {
    let site = Site::new();
    site.sandbox
        .write("lab.toml", steps("e2e-dies", &[NODE, "no-such-role"], ""));
    let ran = stdout(&site.sandbox.run(["run"]).ends_with(1));
    assert!(ran.contains("exit code 2"), "{ran}");
    assert!(ran.contains("on a"), "{ran}");
    site.assert_nothing_of("e2e-dies");
}

/// A program that does not end is ended at the step's deadline.
pub(crate) fn a_program_that_hangs_fails_the_run() {
    let site = Site::new();
    let hangs = [NODE, "broadcast-receive", "--directory", "/tmp/in"];
    site.sandbox
        .write("lab.toml", steps("e2e-hangs", &hangs, "within = \"300ms\""));
    let ran = stdout(&site.sandbox.run(["run"]).ends_with(1));
    assert!(ran.contains("did not hold within 300ms"), "{ran}");
    site.assert_nothing_of("e2e-hangs");
}

/// A container that is killed behind our back, while its node is at work and while it is not.
pub(crate) fn a_node_that_dies_is_named() {
    let site = Site::new();
    let hangs = [NODE, "broadcast-receive", "--directory", "/tmp/in"];
    site.sandbox.write(
        "lab.toml",
        steps("e2e-killed-node", &hangs, "within = \"1h\""),
    );
    let mut run = site.start(&["run", "--out", "results"]);
    run.await_words("only: ");
    let traces = site.engine.traces("e2e-killed-node");
    site.engine
        .kill_container(traces.containers.first().unwrap());
    let ended = run.ended();
    assert_eq!(ended.code, Some(4), "{ended:?}");
    let report = fs::read_to_string(site.sandbox.path("work/results/report.md")).unwrap();
    assert!(
        report.contains("node a: the control connection ended"),
        "{report}"
    );
    site.assert_nothing_of("e2e-killed-node");

    site.sandbox.run(["deploy"]).succeeds();
    let traces = site.engine.traces("e2e-killed-node");
    site.engine
        .kill_container(traces.containers.first().unwrap());
    let ps = site.says(&["ps"]);
    assert!(ps.contains("no answer: "), "{ps}");
    let said = site.complains(&["exec", "a", "--", NODE, "--version"], 4);
    assert!(said.contains("does not run"), "{said}");
    site.complains(&["run", "--lab", "e2e-killed-node"], 4);
    site.sandbox.run(["down", "e2e-killed-node"]).succeeds();
    site.assert_nothing_of("e2e-killed-node");
}

/// Whether the engine is this machine's, behind its usual socket.
pub(crate) fn usual_engine() -> Result<(), String> {
    let other = std::env::var("DOCKER_HOST").is_ok_and(|host| host != format!("unix://{ENGINE}"));
    if other {
        return Err("DOCKER_HOST names another engine than this machine's".to_owned());
    }
    Ok(())
}

/// A lab with one node and one step.
fn steps(lab: &str, program: &[&str], more: &str) -> String {
    format!(
        "name = \"{lab}\"\n[node.a]\n\n[[scenario]]\nname = \"only\"\nkind = \"steps\"\n\n\
         [[scenario.step]]\nrun = {program:?}\nnode = \"a\"\n{more}\n"
    )
}

const ONE_NODE: &str = "name = \"e2e-one\"\n[node.a]\n";
