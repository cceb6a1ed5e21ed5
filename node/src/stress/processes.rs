//! Clients that are processes.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::scope;
use std::time::Instant;

use protocol::role::RoleEvent;
use protocol::stress::ClientRecord;

use super::command::{Ended, tell};
use super::job::{Job, Outcome};

/// Does all jobs at once.
pub(super) fn run(jobs: Vec<Job>) -> io::Result<Ended> {
    let mut clients: Vec<Client> = jobs
        .into_iter()
        .map(Client::start)
        .collect::<Result<_, _>>()?;
    clients.iter_mut().try_for_each(Client::await_ready)?;
    let began = Instant::now();
    clients.iter_mut().try_for_each(Client::go)?;
    let records: io::Result<Vec<ClientRecord>> = scope(|scope| {
        let ends = clients.into_iter().map(|client| {
            scope.spawn(move || {
                let record = client.record(began)?;
                tell(&record).map(|()| record)
            })
        });
        let ends: Vec<_> = ends.collect();
        ends.into_iter()
            .map(|end| {
                end.join()
                    .map_err(|_| io::Error::other("a client broke off"))?
            })
            .collect()
    });
    Ok(Ended {
        seconds: began.elapsed().as_secs_f64(),
        records: records?,
    })
}

/// A client's process. It is killed when this is dropped.
#[derive(Debug)]
struct Client {
    job: Job,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Client {
    /// Starts this program once more.
    fn start(job: Job) -> io::Result<Self> {
        let mut command = Command::new(THIS_PROGRAM);
        command.args(["stress-worker", "--number", &job.client.to_string()]);
        command.args(job.options.words());
        if let Some(expected) = &job.expected {
            command.args(["--expected", expected]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self {
                job,
                child,
                input,
                output: BufReader::new(output),
            }),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn await_ready(&mut self) -> io::Result<()> {
        match self.event()? {
            Some(RoleEvent::Ready) => Ok(()),
            _ => Err(io::Error::other("a client could not begin")),
        }
    }

    fn go(&mut self) -> io::Result<()> {
        match self.input.write_all(b"go\n") {
            // It has ended, which its output tells.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Returns its record, once it has ended.
    fn record(mut self, began: Instant) -> io::Result<ClientRecord> {
        if let Some(RoleEvent::Client(record)) = self.event()? {
            return Ok(record);
        }
        let status = self.child.wait()?;
        let how = match (status.code(), status.signal()) {
            (_, Some(signal)) => format!("signal {signal}"),
            (code, None) => format!("exit code {}", code.unwrap_or_default()),
        };
        let outcome = Outcome {
            failure: Some(format!("its process ended with {how}")),
            ..Outcome::default()
        };
        Ok(self
            .job
            .clone()
            .record(began.elapsed().as_secs_f64(), outcome))
    }

    fn event(&mut self) -> io::Result<Option<RoleEvent>> {
        let mut line = String::new();
        match self.output.read_line(&mut line)? {
            0 => Ok(None),
            _ => Ok(Some(serde_json::from_str(&line)?)),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Mostly it has ended by itself, and nothing better can be done where not.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The node binary, also where it lies in memory only (`proc_pid_exe(5)`).
const THIS_PROGRAM: &str = "/proc/self/exe";
