//! Scripted conversations with file servers, ours and others, from end to end.

use std::fs;

use e2e::conversations::{self, command, lab};
use e2e::sandbox::{Who, stderr, stdout};
use serde_json::Value;

use crate::stage::{Play, Stage};

pub(crate) const TRIALS: &[Play] = &[
    ("the_fifth_lab_passes", the_fifth_lab_passes),
    ("a_python_server_passes", a_python_server_passes),
    ("what_is_wrong_is_named", what_is_wrong_is_named),
    ("a_server_that_hangs_is_left", a_server_that_hangs_is_left),
    ("files_of_others_stay", files_of_others_stay),
];

fn report(stage: &Stage) -> Value {
    let path = stage.sandbox.path("work/out/report.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn the_fifth_lab_passes(who: Who) {
    let stage = Stage::new(who);
    stage.sandbox.copy_project("topologies");
    let chosen = "--scenario commands --scenario original-client";
    let lab = "topologies/file-server-commands.toml";
    let shown = stage.print(&format!("run {lab} {chosen} --out out"));
    // 23 commands in six cells, and 5.
    assert!(shown.contains("143 of 143 commands"), "{shown}");
    let report = report(&stage);
    let [commands, original] = list(&report, "scenarios") else {
        panic!("{report:#}");
    };
    assert_eq!(list(original, "cells").len(), 1);
    for cell in list(commands, "cells") {
        assert_eq!(cell["outcome"], "passed", "{cell:#}");
        let shared = cell["params"]["connection"] == "shared";
        let connections = if shared { 1.0 } else { 23.0 };
        assert_eq!(cell["metrics"]["connections"], connections, "{cell:#}");
        // Six fetched, four stored.
        let files = list(cell, "files");
        assert!(files.len() == 10 && files.iter().all(|file| file["outcome"] == "equal"));
    }
    stage.is_as_before();
}

fn with_files(stage: &Stage) {
    for (name, bytes) in conversations::files() {
        stage.sandbox.write(name, bytes);
    }
}

fn a_python_server_passes(who: Who) {
    for connection in ["per-command", "shared"] {
        let stage = Stage::with_lab(who, &conversations::python(connection));
        stage.sandbox.copy_project("topologies");
        with_files(&stage);
        let shown = stage.print("run --out out");
        assert!(shown.contains("11 of 11 commands"), "{shown}");
        stage.is_as_before();
    }
}

/// It answers each line, and each answer is wrong.
const WRONG: &str = r#"
import base64, json, os, socket, sys
port, folder = int(sys.argv[1]), sys.argv[4]
listener = socket.create_server(("", port))
while True:
    connection, _ = listener.accept()
    line = connection.makefile("rb").readline().decode().split()
    reply = dict(status="OK", data="done")
    if line[0] == "LIST":
        reply["data"] = ["one.bin", "ghost.bin"]
    if line[0] == "GET":
        content = bytearray(open(os.path.join(folder, line[1]), "rb").read())
        content[70000] ^= 1
        reply["data_file"] = base64.b64encode(content).decode()
    if line[0] == "DOWNLOAD":
        connection.sendall(b'{"status": "OK", "data_file": "Zm9v')
        connection.close()
        continue
    if line[0] == "UPLOAD":
        name = "hasil.txt" if line[1].endswith(".txt") else line[1]
        open(os.path.join(folder, name), "wb").write(base64.b64decode(line[2])[:-1])
    connection.sendall(json.dumps(reply).encode() + b"\r\n\r\n")
    connection.close()
"#;

fn what_is_wrong_is_named(who: Who) {
    let wrong = [
        (
            "list = true\nexpect.names = [\"two.bin\", \"one.bin\"]",
            "the list lacks \"two.bin\"\nthe list has \"ghost.bin\" besides",
        ),
        (
            "get = \"one.bin\"",
            "one.bin at client is changed, the first difference at byte 70000",
        ),
        (
            "download = \"one.bin\"",
            "the reply is wrong: the connection ended within the reply",
        ),
        (
            "upload = \"two.bin\"",
            "two.bin at server is cut short, the first difference at byte 77776",
        ),
        ("upload = \"notes.txt\"", "notes.txt at server is missing"),
        (
            "delete = \"one.bin\"",
            "one.bin is still in the server's folder",
        ),
        (
            "get = \"two.bin\"\nexpect.status = \"error\"",
            "it was done, but was to be refused",
        ),
        (
            "raw = \"LIST\"\nexpect.equal = \"two.bin\"",
            "no file came along",
        ),
    ];
    let commands: String = wrong.map(|(keys, _)| command(keys)).concat();
    let stage = Stage::with_lab(who, &lab("wrong.py", &commands));
    stage.sandbox.write("wrong.py", WRONG);
    with_files(&stage);
    let shown = stdout(&stage.run("run --out out").ends_with(1));
    assert!(shown.contains("8 of 8 commands failed"), "{shown}");
    let report = report(&stage);
    let cell = &list(&report["scenarios"][0], "cells")[0];
    let steps = list(cell, "steps");
    assert_eq!(steps.len(), wrong.len());
    for (step, (keys, text)) in steps.iter().zip(wrong) {
        assert_eq!(step["detail"].as_str(), Some(text), "{keys}");
    }
    let kept = stage
        .sandbox
        .path("work/out/received/s/all/client/1-one.bin/one.bin");
    assert_eq!(fs::read(kept).unwrap().len(), 200_000);
    let junit = fs::read_to_string(stage.sandbox.path("work/out/junit.xml")).unwrap();
    assert!(junit.contains("command GET one.bin"), "{junit}");
    for form in ["report.md", "report.html"] {
        let text = fs::read_to_string(stage.sandbox.path("work/out").join(form)).unwrap();
        for words in ["GET one.bin", "first difference at byte"] {
            assert!(text.contains(words), "{form}: {text}");
        }
    }
    stage.is_as_before();
}

const SILENT: &str = r#"
import signal, socket, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
listener = socket.create_server(("", int(sys.argv[1])))
kept = [listener.accept() for _ in iter(int, 1)]
"#;

fn a_server_that_hangs_is_left(who: Who) {
    let said = ["list = true\nwithin = \"200ms\"", "get = \"one.bin\""];
    let commands = format!("timeout = \"1500ms\"\n{}", said.map(command).concat());
    let stage = Stage::with_lab(who, &lab("silent.py", &commands));
    stage.sandbox.write("silent.py", SILENT);
    with_files(&stage);
    let ran = stage.run("run --out out").ends_with(1);
    let shown = stdout(&ran);
    for words in ["no reply within 200ms", "did not end within 1.5s"] {
        assert!(shown.contains(words), "{shown}");
    }
    let told = stderr(&ran);
    let words = "the server on server did not end within 12 s of SIGTERM and was killed";
    assert!(told.contains(words), "{told}");
    stage.is_as_before();
}

fn files_of_others_stay(who: Who) {
    let commands = format!("matrix.run-of = [1, 2]\n{}", command("list = true"));
    let text = lab("wrong.py", &commands).replace(
        "wrong.py:/root/server.py\"]",
        "wrong.py:/root/server.py\", \"notes.txt:/root/files/mine.txt\"]",
    );
    let stage = Stage::with_lab(who, &format!("vars.run-of = 1\n{text}"));
    stage.sandbox.write("wrong.py", WRONG);
    with_files(&stage);
    stage.run("up").ends_with(1);
    let shown = stdout(&stage.run("run --lab python --out out").ends_with(1));
    let words = "the server's folder /root/files is not empty, it holds mine.txt: write another";
    assert!(shown.contains(words), "{shown}");
    let kept = stage.print("exec server -- cat /root/files/mine.txt");
    assert_eq!(kept, "notes");
    stage.print("down python");
    stage.is_as_before();
}
