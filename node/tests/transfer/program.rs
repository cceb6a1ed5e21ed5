//! Roles of the node binary at work.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use protocol::role::RoleEvent;
use protocol::task::{Arrival, Framing, Model, RunRecord, Tally, TaskRecord, TaskResult};
use socket2::{Domain, Socket, Type};

/// A program that is ended with the test.
pub(crate) struct Program {
    child: Child,
    pub(crate) input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            input,
            lines,
        }
    }

    pub(crate) fn node<S: AsRef<str>>(words: &[S]) -> Self {
        let words = words.iter().map(S::as_ref);
        Self::start(Command::new(env!("CARGO_BIN_EXE_node")).args(words))
    }

    /// A server that listens already.
    pub(crate) fn receive(framing: Framing, port: u16, directory: &Path, more: &[&str]) -> Self {
        let (framing, port) = (framing.to_string(), port.to_string());
        let mut words = vec!["receive", "--framing", &framing, "--port", &port];
        words.extend([
            "--interface",
            "lo",
            "--directory",
            directory.to_str().unwrap(),
        ]);
        words.extend(more);
        let mut server = Self::node(&words);
        assert_eq!(server.event(), Some(RoleEvent::Ready));
        server
    }

    pub(crate) fn line(&mut self) -> Option<String> {
        self.lines.next().map(Result::unwrap)
    }

    pub(crate) fn event(&mut self) -> Option<RoleEvent> {
        self.line().map(|line| serde_json::from_str(&line).unwrap())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn code(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }

    /// Tells a server how many datagrams there were, and waits for its end.
    pub(crate) fn all_sent(mut self, datagrams: u64) -> (Vec<Arrival>, Tally) {
        writeln!(self.input, "{{\"datagrams\":{datagrams}}}").unwrap();
        let mut arrivals = Vec::new();
        while let Some(event) = self.event() {
            match event {
                RoleEvent::Arrived(arrival) => arrivals.push(arrival),
                RoleEvent::Counted(tally) => {
                    assert_eq!(self.code(), 0);
                    return (arrivals, tally);
                }
                other => panic!("{other:?}"),
            }
        }
        panic!("the server ended without a count");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has mostly ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a sender told of its tasks, sorted by file, and of its run.
pub(crate) struct Sent {
    pub(crate) tasks: Vec<TaskRecord>,
    pub(crate) run: RunRecord,
}

impl Sent {
    /// Sends files to the loopback's broadcast address.
    pub(crate) fn of(
        model: Model,
        framing: Framing,
        port: u16,
        files: &[PathBuf],
        more: &[&str],
    ) -> Self {
        let mut sender = Program::node(&send(model, framing, port, files, more));
        let mut tasks = Vec::new();
        let mut run = None;
        while let Some(event) = sender.event() {
            match event {
                RoleEvent::Task(record) => tasks.push(record),
                RoleEvent::Ran(record) => run = Some(record),
                RoleEvent::Ready => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(sender.code(), 0);
        tasks.sort_by(|a, b| a.file.as_str().cmp(b.file.as_str()));
        Self {
            tasks,
            run: run.unwrap(),
        }
    }

    pub(crate) fn datagrams(&self) -> u64 {
        self.tasks.iter().map(|task| task.datagrams).sum()
    }

    pub(crate) fn all_done(&self) -> bool {
        self.tasks
            .iter()
            .all(|task| task.result == TaskResult::Done)
    }
}

/// The words that send files to the loopback's broadcast address.
pub(crate) fn send(
    model: Model,
    framing: Framing,
    port: u16,
    files: &[PathBuf],
    more: &[&str],
) -> Vec<String> {
    let (model, framing) = (model.to_string(), framing.to_string());
    let mut words = vec!["send", "--model", &model, "--framing", &framing];
    words.extend(["--interface", "lo"]);
    words.extend(more);
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    for file in files {
        words.push("--task".to_owned());
        words.push(format!("{}=127.255.255.255:{port}", file.display()));
    }
    words
}

/// Files of these lengths, each with bytes of its own.
pub(crate) fn files(home: &Path, lengths: &[u32]) -> Vec<PathBuf> {
    let file = |(number, length): (u32, &u32)| {
        let path = home.join(format!("file-{number}"));
        let byte = |place: u32| (place + number).wrapping_mul(2_654_435_761).to_be_bytes()[0];
        fs::write(&path, (0..*length).map(byte).collect::<Vec<u8>>()).unwrap();
        path
    };
    (0..).zip(lengths).map(file).collect()
}

/// A port that nobody else is given while the tests run: it is held, and shared only with those that
/// share it as servers do.
pub(crate) fn free_port() -> u16 {
    let held = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    held.bind(&any.into()).unwrap();
    // From now on servers may share it; the system gave it to nobody else.
    held.set_reuse_port(true).unwrap();
    held.set_reuse_address(true).unwrap();
    let port = held.local_addr().unwrap().as_socket_ipv4().unwrap().port();
    HELD.lock().unwrap().push(held);
    port
}

static HELD: Mutex<Vec<Socket>> = Mutex::new(Vec::new());
