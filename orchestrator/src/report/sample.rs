//! Runs for the tests of the reports.

use std::collections::BTreeMap;

use super::model::{
    CaptureReport, CellReport, FileOutcome, FileReport, Finding, HostReport, NodeReport, Outcome,
    Picture, ProofReport, ReplyReport, RunReport, SCHEMA, ScenarioReport, StepReport, TaskReport,
    Timings, WorkReport,
};

/// Everything as it should be: two images at two nodes in three cells, and the steps of a program.
pub(super) fn passed() -> RunReport {
    let node = |name: &str, address: &str| NodeReport {
        name: name.to_owned(),
        interfaces: vec![format!("eth0 {address}/24")],
    };
    RunReport {
        schema: SCHEMA,
        lab: "two-servers".to_owned(),
        summary: Some("alpine-3 broadcasts two images to alpine-1 and alpine-2".to_owned()),
        backend: "netns".to_owned(),
        seed: "7f3a91c2".to_owned(),
        started: "2026-11-21T03:01:12Z".to_owned(),
        outcome: Outcome::Passed,
        duration_s: 0.341,
        timings: Timings {
            raise: 0.011,
            ready: 0.005,
            run: 0.301,
            down: 0.024,
        },
        segments: 1,
        nodes: vec![
            node("alpine-1", "192.168.122.5"),
            node("alpine-2", "192.168.122.153"),
            node("alpine-3", "192.168.122.138"),
        ],
        picture: Picture {
            mermaid: "graph TD\n  lan((lan)) --- alpine-1".to_owned(),
            svg: SVG.to_owned(),
        },
        scenarios: vec![broadcast(), mirror()],
        captures: ["alpine-1", "alpine-2", "alpine-3"].map(capture).into(),
        warnings: Vec::new(),
        host: HostReport {
            kernel: "6.1.0-44-cloud-amd64".to_owned(),
            architecture: "x86_64".to_owned(),
            cpus: 2,
            orchestrator: "0.1.0".to_owned(),
        },
    }
}

/// Two files wrong, a step failed, a node without frames.
pub(super) fn failed() -> RunReport {
    let mut report = passed();
    report.outcome = Outcome::Failed;
    report.duration_s = 3.412;
    let broadcast = &mut report.scenarios[0];
    broadcast.outcome = Outcome::Failed;
    let cell = &mut broadcast.cells[1];
    cell.outcome = Outcome::Failed;
    let changed = &mut cell.files[3];
    changed.outcome = FileOutcome::Changed;
    changed.sha256_received = Some("0".repeat(64));
    changed.first_difference = Some(4_096);
    changed.missing = vec![(4_096, 8_192), (12_000, 13_024)];
    changed.kept = Some("received/broadcast/model=multi-thread/alpine-2/asteroid.png".to_owned());
    let missing = &mut cell.files[0];
    missing.outcome = FileOutcome::Missing;
    missing.bytes_received = None;
    missing.sha256_received = None;
    missing.missing = vec![(0, missing.bytes)];
    cell.files.push(FileReport {
        name: "asteroid.png.part".to_owned(),
        bytes: 0,
        bytes_received: Some(512),
        sha256_sent: None,
        outcome: FileOutcome::Extra,
        ..cell.files[1].clone()
    });
    let text = "alpine-2's eth0 saw 830 of 840 broadcast frames that alpine-3's eth0 sent";
    broadcast.proofs[0] = ProofReport {
        outcome: Outcome::Failed,
        summary: text.to_owned(),
        findings: vec![Finding {
            outcome: Outcome::Failed,
            node: Some("alpine-2".to_owned()),
            text: text.to_owned(),
        }],
        ..broadcast.proofs[0].clone()
    };
    let mirror = &mut report.scenarios[1];
    mirror.outcome = Outcome::Failed;
    mirror.cells[0].outcome = Outcome::Failed;
    let step = &mut mirror.cells[0].steps[1];
    step.outcome = Outcome::Failed;
    step.detail = Some("exit code 1, expected 0\nstderr: no route to host".to_owned());
    mirror.cells[0].steps[2].outcome = Outcome::Skipped;
    report
}

/// A capture lost frames, and the files are equal.
pub(super) fn incomplete() -> RunReport {
    let mut report = passed();
    report.outcome = Outcome::Incomplete;
    report.captures[1].dropped = 7;
    let broadcast = &mut report.scenarios[0];
    broadcast.outcome = Outcome::Incomplete;
    broadcast.proofs[0] = ProofReport {
        outcome: Outcome::Incomplete,
        summary: "no verdict on the broadcast frames: incomplete capture at alpine-2".to_owned(),
        findings: vec![Finding {
            outcome: Outcome::Incomplete,
            node: Some("alpine-2".to_owned()),
            text: "the capture of alpine-2's eth0 is incomplete: the kernel dropped 7 frames"
                .to_owned(),
        }],
        ..broadcast.proofs[0].clone()
    };
    report
}

/// Nothing could be tried.
pub(super) fn skipped() -> RunReport {
    let mut report = passed();
    report.outcome = Outcome::Skipped;
    report.captures.clear();
    report.scenarios.truncate(1);
    let broadcast = &mut report.scenarios[0];
    broadcast.outcome = Outcome::Skipped;
    broadcast.reason = Some("this kernel has no sch_netem, which loss needs".to_owned());
    broadcast.cells.clear();
    broadcast.proofs.clear();
    report
}

/// Every text tries to break out of where it stands.
pub(super) fn hostile() -> RunReport {
    let evil = "<script>alert(\"1\")</script>'&]]>--> \u{1b}[2J\u{0} |\n# `x`";
    let mut report = failed();
    report.lab = evil.to_owned();
    report.summary = Some(evil.to_owned());
    report.warnings = vec![evil.to_owned()];
    report.picture.mermaid = format!("```\n{evil}");
    report.picture.svg = format!("<svg onload='alert(1)'>{evil}</svg>");
    report.host.kernel = evil.to_owned();
    for capture in &mut report.captures {
        capture.file = evil.to_owned();
        capture.cut_short = Some(evil.to_owned());
    }
    report.scenarios.extend(taught().scenarios);
    report.scenarios.extend(conversed().scenarios);
    for scenario in &mut report.scenarios {
        scenario.name = evil.to_owned();
        scenario.headline = evil.to_owned();
        scenario.reason = Some(evil.to_owned());
        for cell in &mut scenario.cells {
            cell.params = BTreeMap::from([(evil.to_owned(), evil.to_owned())]);
            cell.metrics.insert(evil.to_owned(), 1.0);
            for file in &mut cell.files {
                file.name = evil.to_owned();
                file.sha256_received = Some(evil.to_owned());
                file.received_as = Some(evil.to_owned());
                file.note = Some(evil.to_owned());
            }
            cell.expected = cell.expected.take().map(|_| evil.to_owned());
            if let Some(work) = &mut cell.work {
                work.model = evil.to_owned();
                work.started = evil.to_owned();
                work.files[0].file = evil.to_owned();
                work.files[0].worker = evil.to_owned();
                work.files[0].reason = Some(evil.to_owned());
            }
            for step in &mut cell.steps {
                step.name = evil.to_owned();
                step.detail = Some(evil.to_owned());
                if let Some(reply) = &mut step.reply {
                    reply.status = Some(evil.to_owned());
                    reply.words = evil.to_owned();
                    reply.names = None;
                }
            }
        }
        for proof in &mut scenario.proofs {
            proof.name = evil.to_owned();
            proof.summary = evil.to_owned();
            for finding in &mut proof.findings {
                finding.text = evil.to_owned();
            }
        }
    }
    report
}

fn broadcast() -> ScenarioReport {
    let cell = |(model, seconds): (&str, f64)| CellReport {
        params: BTreeMap::from([("model".to_owned(), model.to_owned())]),
        outcome: Outcome::Passed,
        duration_s: seconds,
        metrics: BTreeMap::from([
            ("goodput_bytes_per_s".to_owned(), 1_200_000.0 / seconds),
            ("datagrams".to_owned(), 840.0),
        ]),
        files: ["alpine-1", "alpine-2"]
            .into_iter()
            .flat_map(files)
            .collect(),
        steps: Vec::new(),
        findings: Vec::new(),
        work: Some(work(model, seconds)),
        ..CellReport::default()
    };
    let models = [
        ("single-thread", 0.012),
        ("multi-thread", 0.009),
        ("multi-process-async", 0.014),
    ];
    ScenarioReport {
        name: "broadcast".to_owned(),
        kind: "broadcast".to_owned(),
        outcome: Outcome::Passed,
        headline: "data.jpg, asteroid.png (1.2 MB) from alpine-3 to 2 nodes".to_owned(),
        reason: None,
        cells: models.map(cell).into(),
        proofs: vec![ProofReport {
            name: "broadcast frames".to_owned(),
            outcome: Outcome::Passed,
            summary: "every broadcast frame (2 520) reached both receivers".to_owned(),
            findings: Vec::new(),
        }],
        ..ScenarioReport::default()
    }
}

fn work(model: &str, seconds: f64) -> WorkReport {
    let task = |(file, datagrams): (&str, u64)| TaskReport {
        file: file.to_owned(),
        to: "255.255.255.255:5005".to_owned(),
        worker: format!("thread {file}"),
        started: "2026-11-21T03:01:12.1Z".to_owned(),
        seconds,
        bytes: datagrams * 1_456,
        datagrams,
        outcome: Outcome::Passed,
        reason: None,
    };
    WorkReport {
        model: model.to_owned(),
        framing: "reliable".to_owned(),
        started: "2026-11-21T03:01:12.1Z".to_owned(),
        ended: "2026-11-21T03:01:12.2Z".to_owned(),
        seconds,
        processes: 1,
        threads: 3,
        tasks: 2,
        pool: Some(4),
        deadline_s: 10.0,
        pause_s: 0.0,
        files: [("data.jpg", 105), ("asteroid.png", 735)].map(task).into(),
    }
}

/// It failed as it was to.
pub(super) fn taught() -> RunReport {
    let mut report = passed();
    report.scenarios.truncate(1);
    let broadcast = &mut report.scenarios[0];
    broadcast.cells.truncate(1);
    let cell = &mut broadcast.cells[0];
    cell.expected = Some("one of them fits no buffer".to_owned());
    for file in &mut cell.files {
        if file.name == "asteroid.png" {
            file.outcome = FileOutcome::Cut;
            file.received_as = Some("img1.jpg".to_owned());
            file.note = Some("what did not fit into the buffer is lost".to_owned());
        }
    }
    report
}

/// Commands to a file server, of which one comes to something else.
pub(super) fn conversed() -> RunReport {
    let mut report = passed();
    report.outcome = Outcome::Failed;
    report.captures.clear();
    let command = |(name, words, names, bytes): (&str, &str, Option<usize>, Option<u64>)| {
        let is_wrong = name.starts_with("GET");
        let wrong = "the list lacks \"a.txt\"\nthe list has \"b.txt\" besides";
        StepReport {
            name: name.to_owned(),
            outcome: if is_wrong {
                Outcome::Failed
            } else {
                Outcome::Passed
            },
            duration_s: 0.002,
            detail: is_wrong.then(|| wrong.to_owned()),
            reply: Some(ReplyReport {
                status: (!is_wrong)
                    .then(|| if words.is_empty() { "OK" } else { "ERROR" }.to_owned()),
                words: words.to_owned(),
                names,
                bytes,
                connection: 1,
            }),
        }
    };
    let commands = [
        ("LIST", "", Some(1), None),
        ("UPLOAD asteroid.png", "", None, Some(1_048_776)),
        ("GET a.txt", "", None, None),
        ("DELETE b.txt", "b.txt does not exist", None, None),
    ];
    let cell = |model: &str| CellReport {
        params: BTreeMap::from([("model".to_owned(), model.to_owned())]),
        outcome: Outcome::Failed,
        duration_s: 0.05,
        metrics: BTreeMap::from([
            ("connections".to_owned(), 4.0),
            ("moved_bytes".to_owned(), 1_048_776.0),
        ]),
        files: vec![files("server")[1].clone()],
        steps: commands.map(command).into(),
        ..CellReport::default()
    };
    report.scenarios = vec![ScenarioReport {
        name: "commands".to_owned(),
        kind: "file-server".to_owned(),
        outcome: Outcome::Failed,
        headline: "4 commands from client to server:46666".to_owned(),
        cells: ["thread", "process"].map(cell).into(),
        ..ScenarioReport::default()
    }];
    report
}

fn mirror() -> ScenarioReport {
    let step = |(name, seconds): (&str, f64)| StepReport {
        name: name.to_owned(),
        outcome: Outcome::Passed,
        duration_s: seconds,
        detail: None,
        reply: None,
    };
    let steps = [
        ("receiver listens", 0.031),
        ("run send.py on alpine-3", 0.082),
        ("copies are equal", 0.001),
    ];
    ScenarioReport {
        name: "own-program".to_owned(),
        kind: "steps".to_owned(),
        outcome: Outcome::Passed,
        headline: "a Python sender and receiver".to_owned(),
        reason: None,
        cells: vec![CellReport {
            links: vec![
                "alpine-1:eth0: delay 20 ms ± 2 ms, loss 5 %, each way, by its GNS3 link filter"
                    .to_owned(),
            ],
            duration_s: 0.114,
            steps: steps.map(step).into(),
            ..CellReport::default()
        }],
        ..ScenarioReport::default()
    }
}

fn files(node: &str) -> [FileReport; 2] {
    let file = |name: &str, bytes, digit: &str| FileReport {
        node: node.to_owned(),
        name: name.to_owned(),
        bytes,
        bytes_received: Some(bytes),
        sha256_sent: Some(digit.repeat(32)),
        sha256_received: Some(digit.repeat(32)),
        outcome: FileOutcome::Equal,
        first_difference: None,
        missing: Vec::new(),
        kept: None,
        received_as: None,
        note: None,
    };
    [
        file("data.jpg", 151_402, "a7"),
        file("asteroid.png", 1_048_776, "3c"),
    ]
}

fn capture(node: &str) -> CaptureReport {
    CaptureReport {
        scenario: "broadcast".to_owned(),
        node: node.to_owned(),
        interface: "eth0".to_owned(),
        file: format!("captures/broadcast/{node}-eth0.pcapng"),
        packets: 2_804,
        dropped: 0,
        cut_short: None,
    }
}

const SVG: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 420 150" width="420" height="150"><style>text{font:12px monospace;fill:#1f2933}@media (prefers-color-scheme:dark){text{fill:#e4e7eb}rect{fill:#1f2933}}</style><path d="M20 30H300" stroke="#2b6cb0" stroke-width="7" stroke-linecap="round"/><text x="310" y="34">lan 192.168.122.0/24</text><path d="M70 30V80M210 30V80" stroke="#7b8794"/><rect x="20" y="80" width="120" height="44" rx="6" fill="#fff" stroke="#7b8794"/><text x="30" y="106">alpine-1</text><rect x="160" y="80" width="120" height="44" rx="6" fill="#fff" stroke="#7b8794"/><text x="170" y="106">alpine-2</text></svg>"##;
