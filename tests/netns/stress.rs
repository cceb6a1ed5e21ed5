//! Clients at a file server: the shipped labs, servers of one's own, good ones and bad ones, and runs
//! that are interrupted and taken up again.

use std::fs;

use e2e::patience::until;
use e2e::sandbox::{Who, stderr};
use serde_json::Value;

use crate::stage::{Play, Stage};

pub(crate) const TRIALS: &[Play] = &[
    ("the_smoke_lab_passes", the_smoke_lab_passes),
    ("repetitions_have_an_interval", repetitions_have_an_interval),
    ("a_server_of_ones_own_passes", a_server_of_ones_own_passes),
    (
        "bad_servers_fail_with_their_clients",
        bad_servers_fail_with_their_clients,
    ),
    (
        "captures_that_lack_frames_make_the_run_incomplete",
        captures_that_lack_frames_make_the_run_incomplete,
    ),
    (
        "a_server_that_does_not_come_up_is_told",
        a_server_that_does_not_come_up_is_told,
    ),
    ("clients_that_hang_are_told", clients_that_hang_are_told),
    (
        "a_killed_run_is_taken_up_again",
        a_killed_run_is_taken_up_again,
    ),
];

fn report(stage: &Stage) -> Value {
    let path = stage.sandbox.path("work/out/report.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn cells(report: &Value) -> Vec<Value> {
    report["scenarios"][0]["cells"].as_array().unwrap().clone()
}

/// Every client of every cell did it, and every byte was verified.
fn all_done(report: &Value) {
    for cell in cells(report) {
        let load = &cell["load"];
        let clients = load["client_workers"].as_u64().unwrap();
        assert_eq!(load["clients_ok"].as_u64(), Some(clients), "{cell}");
        let bytes = clients * load["size"].as_u64().unwrap();
        assert_eq!(load["verified_bytes"].as_u64(), Some(bytes), "{cell}");
        assert!(load["times"]["mean"].as_f64().unwrap() > 0.0, "{cell}");
    }
}

fn the_smoke_lab_passes(who: Who) {
    let stage = Stage::new(who);
    stage.sandbox.copy_project("topologies");
    let said = stage.print("run topologies/stress-smoke.toml --out out");
    assert!(
        said.contains("36 of 36 clients done, every byte verified"),
        "{said}"
    );
    assert!(said.contains("Fastest pool model: "), "{said}");
    let report = report(&stage);
    all_done(&report);
    for cell in cells(&report) {
        assert_eq!(cell["load"]["server_workers_ok"], 5, "{cell}");
        assert_eq!(cell["load"]["server_workers_failed"], 0, "{cell}");
    }
    let captures = report["captures"].as_array().unwrap();
    assert_eq!(captures.len(), 2);
    assert!(
        captures
            .iter()
            .all(|capture| capture["packets"].as_u64() > Some(100))
    );
    let rows = report["scenarios"][0]["load"]["rows"]
        .as_array()
        .unwrap()
        .len();
    let csv = fs::read_to_string(stage.sandbox.path("work/out/tables/stress.csv")).unwrap();
    assert!(csv.starts_with("No,Operation,Size(MB),Client Workers,Server workers,Avg Time(s),"));
    assert_eq!((rows, csv.lines().count()), (12, 13));
    let markdown = fs::read_to_string(stage.sandbox.path("work/out/report.md")).unwrap();
    assert!(markdown.contains("| No | Operation | Size(MB) | Client Workers | Server workers |"));
    stage.is_as_before();
}

fn repetitions_have_an_interval(who: Who) {
    let stage = Stage::new(who);
    stage.sandbox.copy_project("topologies");
    let line =
        "run topologies/stress-smoke.toml --out out --repeat 3 --cells model=async,clients=5";
    stage.run(line).succeeds();
    let report = report(&stage);
    assert_eq!(cells(&report).len(), 6);
    all_done(&report);
    let rows = &report["scenarios"][0]["load"]["rows"];
    for (row, number) in [(&rows[0], 10), (&rows[1], 12)] {
        assert_eq!(
            (row["no"].as_u64(), row["runs"].as_u64()),
            (Some(number), Some(3)),
            "{row}"
        );
        assert_eq!(row["client_success"], 15, "{row}");
        assert!(row["avg_time_ci95_s"].as_f64().unwrap() > 0.0, "{row}");
    }
}

fn a_server_of_ones_own_passes(who: Who) {
    let stage = Stage::new(who);
    stage.sandbox.copy_project("topologies");
    stage
        .run("run topologies/own-file-server.toml --out out")
        .succeeds();
    let report = report(&stage);
    assert_eq!(cells(&report).len(), 8);
    all_done(&report);
    stage.is_as_before();
}

/// A server in Python with three clients, and one of its lines replaced.
fn with_server(who: Who, line: &str, other: &str, operation: &str) -> Stage {
    let stage = Stage::new(who);
    stage.sandbox.copy_project("topologies/inputs");
    let path = stage.sandbox.path("work/topologies/inputs/file-server.py");
    let program = fs::read_to_string(path).unwrap();
    assert!(program.contains(line), "the server has no line `{line}`");
    stage
        .sandbox
        .write("server.py", program.replace(line, other));
    let lab = r#"
name = "own"
[network.lan]
subnet = "10.0.0.0/24"
[node.server]
networks = ["lan"]
files = ["server.py:/root/server.py"]
[node.client]
networks = ["lan"]
[[scenario]]
name = "s"
kind = "stress"
client = { node = "client", workers = 3 }
operation = "OPERATION"
size = "100kB"
timeout = "TIMEOUT"
server = { node = "server", command = ["python3", "/root/server.py", "45000", "5", "thread", "/dev/shm/files"] }
"#;
    let timeout = if other.contains("sleep") { "2s" } else { "30s" };
    let lab = lab
        .replace("OPERATION", operation)
        .replace("TIMEOUT", timeout);
    stage.sandbox.write("lab.toml", lab);
    stage
}

fn bad_servers_fail_with_their_clients(who: Who) {
    let store = "                file.write(content)\n";
    let changed = "                file.write(content[:-1] + bytes([content[-1] ^ (name == 'stress-1.bin')]))\n";
    let lost = "                file.write(content)\n            if name == 'stress-2.bin': os.remove(path)\n";
    let refused = "                raise ValueError('no room for ' + name[:6])\n";
    let read = "base64.b64encode(file.read()).decode()";
    let cut = "base64.b64encode(file.read()[:-1]).decode()";
    let cases = [
        (
            "upload",
            store,
            changed,
            2,
            "client 1 failed: what the server stored is not what was sent",
        ),
        (
            "upload",
            store,
            lost,
            2,
            "client 2 failed: the server has not stored it",
        ),
        (
            "upload",
            store,
            refused,
            0,
            "clients 0, 1 and 2 failed: the server said: no room for stress",
        ),
        ("download", read, cut, 0, "clients 0, 1 and 2 failed: "),
    ];
    for (operation, line, other, ok, says) in cases {
        let stage = with_server(who, line, other, operation);
        let ran = stage.run("run --out out").ends_with(1);
        let report = report(&stage);
        let cell = &cells(&report)[0];
        assert_eq!(cell["load"]["clients_ok"], ok, "{cell}");
        assert_eq!(cell["load"]["clients_failed"], 3 - ok, "{cell}");
        let said = e2e::sandbox::stdout(&ran);
        assert!(said.contains(says), "{says}: {said}");
        stage.is_as_before();
    }
}

/// Whoever runs it: files that arrived whole do not make up for captures that are not.
fn captures_that_lack_frames_make_the_run_incomplete(who: Who) {
    let stage = Stage::new(who);
    stage.sandbox.copy_project("topologies");
    let path = stage.sandbox.path("work/topologies/stress-smoke.toml");
    let text = fs::read_to_string(path).unwrap();
    let kind = "kind = \"stress\"\n";
    assert!(text.contains(kind), "{text}");
    let limited = text.replace(kind, &format!("{kind}capture_limit = \"1KiB\"\n"));
    stage.sandbox.write("topologies/limited.toml", limited);
    let line = "run topologies/limited.toml --out out --cells 1";
    let said = e2e::sandbox::stdout(&stage.run(line).ends_with(1));
    let why = "is incomplete: the size limit for captures was reached";
    assert!(said.contains(why), "{said}");
    let report = report(&stage);
    all_done(&report);
    assert_eq!(report["outcome"], "incomplete", "{said}");
    assert_eq!(report["scenarios"][0]["cells"][0]["outcome"], "passed");
    stage.is_as_before();
}

fn a_server_that_does_not_come_up_is_told(who: Who) {
    let stage = with_server(who, "    main()\n", "    sys.exit('no mood')\n", "upload");
    let said = e2e::sandbox::stdout(&stage.run("run --out out").ends_with(1));
    assert!(
        said.contains("the server did not come up: exit code 1, no mood"),
        "{said}"
    );
    let text = fs::read_to_string(stage.sandbox.path("work/lab.toml")).unwrap();
    stage
        .sandbox
        .write("lab.toml", text.replace("python3", "python-that-is-not"));
    let said = e2e::sandbox::stdout(&stage.run("run --out out").ends_with(1));
    assert!(
        said.contains("the server did not come up: ") && said.contains("python-that-is-not"),
        "{said}"
    );
    stage.is_as_before();
}

fn clients_that_hang_are_told(who: Who) {
    let line = "    \"\"\"The reply to a request.\"\"\"\n";
    let other = "    import time\n    time.sleep(600)\n";
    let stage = with_server(who, line, other, "upload");
    let said = e2e::sandbox::stdout(&stage.run("run --out out").ends_with(1));
    assert!(said.contains("clients 0, 1 and 2 failed: "), "{said}");
    stage.is_as_before();
}

/// Cells that have ended by what the run folder says.
fn ended(stage: &Stage) -> usize {
    let text = fs::read_to_string(stage.sandbox.path("work/out/cells.ndjson")).unwrap_or_default();
    text.lines().count().saturating_sub(1)
}

fn a_killed_run_is_taken_up_again(who: Who) {
    let stage = Stage::new(who);
    stage.sandbox.copy_project("topologies");
    let line = "run topologies/stress-smoke.toml --out out --repeat 4";
    let mut child = stage.start(line);
    until("some cells have ended", || {
        ended(&stage) >= 3 || child.try_wait().unwrap().is_some()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    stage.becomes_as_before();
    stage.run("clean").succeeds();
    let text = fs::read_to_string(stage.sandbox.path("work/out/cells.ndjson")).unwrap();
    let whole = text
        .lines()
        .skip(1)
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let whole: Vec<Value> = whole.collect();
    assert!(
        (3..48).contains(&whole.len()),
        "{} cells have ended",
        whole.len()
    );

    let lab = "topologies/stress-smoke.toml";
    let changed = |set: &str| format!("run {lab} --out out --resume {set}");
    let refused = stderr(&stage.run(&changed("--repeat 2")).ends_with(2));
    assert!(refused.contains("holds a run with --repeat 4"), "{refused}");
    let refused = stderr(
        &stage
            .run(&changed("--repeat 4 --set clients=2"))
            .ends_with(2),
    );
    assert!(
        refused.contains("holds a run with nothing set"),
        "{refused}"
    );

    let said = stage.print(&changed("--repeat 4"));
    let warned = format!(
        "{} of 48 cells of stress were run before the run was interrupted",
        whole.len()
    );
    assert!(said.contains(&warned), "{said}");
    let report = report(&stage);
    all_done(&report);
    let cells = cells(&report);
    let numbers: Vec<_> = cells
        .iter()
        .map(|cell| cell["number"].as_u64().unwrap())
        .collect();
    let four_of_each = (1..=12).flat_map(|number| [number; 4]);
    assert_eq!(numbers, four_of_each.collect::<Vec<_>>());
    for (earlier, cell) in whole.iter().zip(&cells) {
        assert_eq!(
            earlier["cell"]["duration_s"], cell["duration_s"],
            "it was run again"
        );
    }
    let text = fs::read_to_string(stage.sandbox.path("work").join(lab)).unwrap();
    stage.sandbox.write(lab, text.replace("2MiB", "1MiB"));
    let refused = stderr(&stage.run(&changed("--repeat 4")).ends_with(2));
    assert!(refused.contains("of another topology"), "{refused}");
    let none = stderr(
        &stage
            .run(&format!("run {lab} --out none --resume"))
            .ends_with(2),
    );
    assert!(
        none.contains("holds no run that can be taken up again"),
        "{none}"
    );
}
