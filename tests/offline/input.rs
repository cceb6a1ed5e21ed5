//! What is wrong with what the user gave: one clear message each, and nothing is left behind.

use std::fs;

use e2e::sandbox::{Sandbox, stderr, stdout};

use super::sandbox;

const LAB: &str = r#"
name = "lab"
[network.lan]
subnet = "10.0.0.0/24"
[node.a]
networks = ["lan"]
"#;

/// What was said to each command line, in the form in which a terminal shows it.
fn session(sandbox: &Sandbox, commands: &[(&[&str], i32)]) -> String {
    let one = |(words, code): &(&[&str], i32)| {
        let ended = sandbox.run(*words).ends_with(*code);
        assert_eq!(stdout(&ended), "", "{words:?} printed a result");
        let line = words.join(" ");
        format!("$ orchestrator {line}\n{}[{code}]\n", stderr(&ended))
    };
    let said: Vec<String> = commands.iter().map(one).collect();
    said.join("\n")
}

#[test]
fn what_is_wrong_on_the_command_line_is_said() {
    let sandbox = sandbox();
    sandbox.write("lab.toml", LAB);
    let said = session(
        &sandbox,
        &[
            (&["rnu"], 2),
            (&["run", "--no-such-flag"], 2),
            (&["run", "absent.toml"], 2),
            (&["validate", "absent.toml"], 2),
            (&["graph", "."], 2),
            (&["run", "--backend", "gns4"], 2),
            (&["run", "--set", "loss"], 2),
            (&["run", "--seed", "xyz"], 2),
            (&["run", "--repeat", "0"], 2),
            (&["run", "--scenario", "absent", "--backend", "fake"], 2),
            (&["run", "--lab", "absent"], 2),
            (&["run", "--lab", "absent", "lab.toml"], 2),
            (&["down"], 2),
            (&["down", "absent"], 2),
            (&["down", "absent", "--all"], 2),
            (&["ps", "absent"], 2),
            (&["exec", "a"], 2),
            (&["exec", "a", "--", "true"], 2),
            (&["shell", "a"], 2),
            (&["logs", "lab/a"], 2),
            (&["cp", "here", "there"], 2),
            (&["cp", "a:/etc/hosts", "."], 2),
            (&["capture"], 2),
            (&["capture", "a:eth0"], 2),
            (&["capture", "--all"], 2),
            (&["report", "absent"], 2),
            (&["report", "."], 2),
            (&["completions", "no-shell"], 2),
        ],
    );
    insta::assert_snapshot!("command-lines", said);
    assert_eq!(fs::read_dir(sandbox.path("work")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(sandbox.path("state")).unwrap().count(), 0);
}

#[test]
fn what_is_wrong_in_a_file_is_said() {
    let sandbox = sandbox();
    let long = LAB.replace(
        "networks = [\"lan\"]",
        "[node.a.interface.a-name-of-17-byte]\nnetwork = \"lan\"",
    );
    sandbox.write("long-interface.toml", long);
    sandbox.write(
        "no-file.toml",
        format!("{LAB}files = [\"gone:/root/gone\"]\n"),
    );
    sandbox.write("many.toml", format!("{LAB}count = 10000\n"));
    sandbox.write("bytes.toml", b"name = \"\xff\"\n");
    sandbox.write("empty.toml", "");
    sandbox.write("long.toml", format!("{LAB}#{}", "x".repeat(1 << 20)));
    let no_files = "files = [\".:/root/folder\", \"/dev/zero:/root/zero\", \"loop:/root/loop\"]\n";
    sandbox.write("no-regular-files.toml", format!("{LAB}{no_files}"));
    std::os::unix::fs::symlink("loop", sandbox.path("work/loop")).unwrap();
    let files = [
        "long-interface.toml",
        "no-file.toml",
        "many.toml",
        "bytes.toml",
        "empty.toml",
        "long.toml",
        "no-regular-files.toml",
        "/dev/zero",
    ];
    let lines = files.map(|name| ["run".to_owned(), name.to_owned()]);
    let lines: Vec<[&str; 2]> = lines
        .iter()
        .map(|[verb, file]| [verb.as_str(), file.as_str()])
        .collect();
    let commands: Vec<(&[&str], i32)> = lines.iter().map(|words| (words.as_slice(), 2)).collect();
    insta::assert_snapshot!("files", session(&sandbox, &commands));
    assert!(
        !sandbox.path("work/runs").exists(),
        "a run directory was made"
    );
    assert_eq!(fs::read_dir(sandbox.path("state")).unwrap().count(), 0);
}

#[test]
fn what_is_wrong_in_a_table_that_a_file_names_is_said_before_anything_is_raised() {
    let sandbox = sandbox();
    let stress = "[node.b]\nnetworks = [\"lan\"]\n[[scenario]]\nname = \"load\"\nkind = \"stress\"\n\
        server = { node = \"a\" }\nclient = \"b\"\noperation = \"upload\"\nsize = \"1MB\"\n\
        published = \"table.csv\"\n";
    sandbox.write("lab.toml", format!("{LAB}{stress}"));
    sandbox.write(
        "table.csv",
        "operation,size_mb,client_workers,server_workers,total_seconds_per_client\n\
         upload,10,1,1,0.5\nupload,10,1,five,0.4\nuplaod,10,1,50,0.3\n",
    );
    let said = session(
        &sandbox,
        &[
            (&["validate", "lab.toml"], 2),
            (&["run", "--backend", "fake", "lab.toml"], 2),
        ],
    );
    insta::assert_snapshot!("table", said);
    assert!(
        !sandbox.path("work/runs").exists(),
        "a run directory was made"
    );
}

#[test]
fn what_this_machine_lacks_is_said() {
    let sandbox = sandbox();
    sandbox.write("lab.toml", LAB);
    sandbox.write("image.toml", format!("{LAB}image = \"python:3\"\n"));
    let lacking: [(&[&str], i32); 3] = [
        (&["run", "--backend", "docker"], 3),
        (&["run", "image.toml"], 3),
        (&["run", "image.toml", "--backend", "netns"], 3),
    ];
    insta::assert_snapshot!("lacking", session(&sandbox, &lacking));
    assert!(
        !sandbox.path("work/runs").exists(),
        "a run directory was made"
    );
    assert_eq!(fs::read_dir(sandbox.path("state")).unwrap().count(), 0);
}

#[test]
fn a_run_directory_with_other_things_in_it_is_left_as_it_is() {
    let sandbox = sandbox();
    sandbox.write("lab.toml", LAB);
    let thesis = sandbox.write("out/thesis.tex", "precious");
    let run = ["run", "--backend", "fake", "--out", "out"];
    insta::assert_snapshot!("occupied", session(&sandbox, &[(&run, 2)]));
    assert_eq!(fs::read_to_string(thesis).unwrap(), "precious");
}

#[test]
fn variables_stand_for_flags() {
    let mut sandbox = sandbox();
    sandbox.write("lab.toml", LAB);
    sandbox.set("ORCHESTRATOR_BACKEND", "fake");
    sandbox.set("ORCHESTRATOR_OUT", "out");
    sandbox.set("ORCHESTRATOR_SEED", "7f3a91c2");
    sandbox.set("ORCHESTRATOR_FORMAT", "json");
    let report = stdout(&sandbox.run(["run"]).succeeds());
    assert!(report.contains("\"seed\": \"7f3a91c2\""), "{report}");
    assert!(sandbox.path("work/out/report.json").exists());
    sandbox.set("ORCHESTRATOR_SEED", "xyz");
    sandbox.run(["run"]).ends_with(2);
}
