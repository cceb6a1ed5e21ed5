//! Every concurrency model under every framing, to any number of receivers: a lab and its judgement.

use serde_json::Value;

/// What the nodes of a lab lose of the datagrams that arrive.
#[derive(Debug, Clone, Copy)]
pub enum Loss {
    /// Nothing, but for what the machine itself loses.
    None,
    /// One in five, each node others.
    OneInFive,
}

impl Loss {
    /// What the lab is called.
    pub fn name(self, receivers: usize) -> String {
        match self {
            Self::None => format!("models-{receivers}"),
            Self::OneInFive => format!("lossy-{receivers}"),
        }
    }

    /// The lab's text.
    pub fn lab(self, receivers: usize) -> String {
        match self {
            Self::None => lab(receivers),
            Self::OneInFive => lossy_lab(receivers),
        }
    }

    /// Fails where the report of a run of that lab does not say what it must.
    pub fn judge(self, report: &Value, receivers: usize) {
        match self {
            Self::None => judge(report, receivers),
            Self::OneInFive => judge_lossy(report, receivers),
        }
    }
}

/// A lab whose sender has three small files, and this many receivers. What a receiver has room for
/// without rights does not depend on the machine: at most some two hundred datagrams at once.
fn lab(receivers: usize) -> String {
    let models = MODELS.join("\", \"");
    let scenario = |name: &str, framing: &str, files: &str, more: &str| {
        format!(
            "[[scenario]]\nname = \"{name}\"\nkind = \"broadcast\"\nfrom = \"sender\"\n\
             to = [\"receiver\"]\nfiles = [{files}]\nframing = \"{framing}\"\n\
             matrix.model = [\"{models}\"]\ntimeout = \"120s\"\ndeadline = \"60s\"\n{more}\n"
        )
    };
    let fails = "expect = \"fail\"\nreason = \"two files in one cannot be told apart\"\n";
    let three = "\"one.bin\", \"two.bin\", \"three.bin\"";
    [
        format!(
            "name = \"{}\"\n[network.lan]\nsubnet = \"10.0.0.0/24\"\n",
            Loss::None.name(receivers)
        ),
        "[node.sender]\nnetworks = [\"lan\"]\n".to_owned(),
        format!("[node.receiver]\ncount = {receivers}\nnetworks = [\"lan\"]\n"),
        scenario("reliable", "reliable", three, ""),
        scenario("datagram", "datagram", three, "workers = 2\n"),
        scenario("byte", "byte", "\"one.bin\"", ""),
        scenario("bytes", "byte", "\"one.bin\", \"two.bin\"", fails),
    ]
    .concat()
}

/// The same where every node loses one datagram in five of what arrives, each others: what is repaired
/// arrives whole, and who repairs nothing is to fail.
fn lossy_lab(receivers: usize) -> String {
    let models = MODELS.join("\", \"");
    let names: Vec<String> = (1..=receivers)
        .map(|number| format!("receiver-{number}"))
        .collect();
    let scenario = |framing: &str, files: &str, more: &str| {
        format!(
            "[[scenario]]\nname = \"{framing}\"\nkind = \"broadcast\"\nfrom = \"sender\"\n\
             to = [\"{}\"]\nfiles = [{files}]\nframing = \"{framing}\"\n\
             matrix.model = [\"{models}\"]\ntimeout = \"120s\"\ndeadline = \"60s\"\n{more}\n",
            names.join("\", \"")
        )
    };
    let node = |name: &str, seed: usize| {
        format!("[node.{name}]\nnetworks = [\"lan\"]\nenv = {{ NODE_DROP = \"20%:{seed}\" }}\n")
    };
    let fails = "expect = \"fail\"\nreason = \"nothing is sent again\"\n";
    let mut text = format!(
        "name = \"{}\"\n[network.lan]\nsubnet = \"10.0.0.0/24\"\n",
        Loss::OneInFive.name(receivers)
    );
    text.push_str(&node("sender", 0));
    for (name, seed) in names.iter().zip(SEEDS) {
        text.push_str(&node(name, seed));
    }
    let three = "\"one.bin\", \"two.bin\", \"three.bin\"";
    text.push_str(&scenario("reliable", three, ""));
    text.push_str(&scenario("datagram", three, fails));
    text.push_str(&scenario("byte", "\"one.bin\"", fails));
    text
}

/// The files that the lab sends: names and contents.
pub fn files() -> Vec<(&'static str, Vec<u8>)> {
    let bytes = |length: u32, salt: u32| -> Vec<u8> {
        let byte = |place: u32| (place ^ salt).wrapping_mul(2_654_435_761).to_be_bytes()[0];
        (0..length).map(byte).collect()
    };
    vec![
        ("one.bin", bytes(60, 1)),
        ("two.bin", bytes(70, 2)),
        ("three.bin", bytes(20_000, 3)),
    ]
}

/// Fails where a report of that lab does not say that every file arrived whole under every model, or
/// was mixed where it must be, and that each model was truly at work.
fn judge(report: &Value, receivers: usize) {
    assert_eq!(report["outcome"], "passed", "{report:#}");
    let names = ["reliable", "datagram", "byte", "bytes"];
    let scenarios = report["scenarios"].as_array().unwrap();
    assert_eq!(scenarios.len(), names.len());
    for (scenario, name) in scenarios.iter().zip(names) {
        assert_eq!(scenario["name"], name);
        let cells = scenario["cells"].as_array().unwrap();
        assert_eq!(cells.len(), MODELS.len(), "{scenario:#}");
        for (cell, model) in cells.iter().zip(MODELS) {
            assert_eq!(cell["outcome"], "passed", "{cell:#}");
            let files = cell["files"].as_array().unwrap();
            let sent = cell["work"]["files"].as_array().unwrap().len();
            assert_eq!(files.len(), sent * receivers);
            let whole = if name == "bytes" { "mixed" } else { "equal" };
            let all = files.iter().all(|file| file["outcome"] == whole);
            assert!(all, "{cell:#}");
            assert_eq!(cell["expected"].is_string(), name == "bytes");
            let at_work = ["processes", "threads", "tasks"].map(|who| cell["work"][who].as_u64());
            let expected = at_work_under(model, sent as u64, name == "datagram");
            assert_eq!(at_work, expected.map(Some), "{model}: {cell:#}");
        }
    }
}

/// Fails where a report of the lab that loses does not say that every file was repaired, and what
/// became of those that nobody repairs.
fn judge_lossy(report: &Value, receivers: usize) {
    assert_eq!(report["outcome"], "passed", "{report:#}");
    for scenario in report["scenarios"].as_array().unwrap() {
        let cells = scenario["cells"].as_array().unwrap();
        assert_eq!(cells.len(), MODELS.len(), "{scenario:#}");
        for cell in cells {
            let files = cell["files"].as_array().unwrap();
            let count = |outcome: &str| files.iter().filter(|f| f["outcome"] == outcome).count();
            match scenario["name"].as_str() {
                Some("reliable") => assert_eq!(count("equal"), 3 * receivers, "{cell:#}"),
                // Of three datagrams each has lost the first.
                Some("datagram") => assert_eq!(
                    (count("equal"), count("missing")),
                    (2 * receivers, receivers),
                    "{cell:#}"
                ),
                // Without numbers nobody can tell what is missing, but that something is.
                _ => assert_eq!(count("cut") + count("changed"), receivers, "{cell:#}"),
            }
        }
    }
}

/// The processes, threads and tasks at once of a model, with so many files.
fn at_work_under(model: &str, files: u64, two_workers: bool) -> [u64; 3] {
    match model {
        "single-thread" => [1, 1, 1],
        "multi-thread" => [1, files + 1, files],
        "multi-thread-async" => [1, if two_workers { 3 } else { 5 }, files],
        _ => [files + 1, 1, files],
    }
}

const MODELS: [&str; 5] = [
    "single-thread",
    "multi-thread",
    "multi-thread-async",
    "multi-process",
    "multi-process-async",
];

/// Of seeds, those that lose just the first of three datagrams.
const SEEDS: [usize; 16] = [
    3, 18, 21, 48, 49, 62, 66, 68, 82, 83, 102, 103, 106, 107, 121, 122,
];
