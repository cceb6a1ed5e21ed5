//! From what is to be run ([`protocol::control::Command`]) to a process.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command as Start, Stdio};
use std::sync::{Arc, OnceLock};

use plumbing::capability::Rights;
use plumbing::child::ChildSetup;
use plumbing::confinement::Confinement;
use plumbing::enclosure::Enclosure;
use plumbing::own_limits::OwnLimits;
use plumbing::own_program;
use protocol::control::{Command, Failure, FailureKind, Program};
use protocol::role::PROGRAM;
use protocol::settings::Sandbox;

use super::children::{Child, Children};
use super::failure::{refusal, system};
use super::limits::NodeLimits;
use super::options::{Environment, Room};

/// The setup that every process of the node gets.
#[derive(Debug)]
pub(super) struct ProcessSetup {
    pub(super) limits: NodeLimits,
    environment: Environment,
    own_limits: OwnLimits,
    /// Made when the first program starts, for many a node has none.
    confinement: OnceLock<Arc<Confinement>>,
    sandbox: OnceLock<Sandbox>,
    enclosure: Option<Arc<Enclosure>>,
    /// Its programs have the right over its network.
    owns_network: bool,
    /// Where a process runs that is not told where.
    directory: PathBuf,
}

/// Where a process's standard streams lead.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) input: Stdio,
    pub(super) output: Stdio,
    pub(super) error: Stdio,
    /// They are a terminal that controls the process's session.
    pub(super) terminal: bool,
}

impl ProcessSetup {
    /// The agent's own directory is the image's, if the image says one.
    pub(super) fn new(room: Room) -> Self {
        let own = std::env::current_dir().unwrap_or_default();
        let directory = if own.parent().is_some() {
            own
        } else if Path::new(HOME).is_dir() {
            PathBuf::from(HOME)
        } else {
            PathBuf::from("/")
        };
        Self {
            limits: NodeLimits::new(room.group),
            environment: room.environment,
            own_limits: room.limits,
            confinement: OnceLock::new(),
            sandbox: room.sandbox.map_or_else(OnceLock::new, OnceLock::from),
            enclosure: room.enclosure.map(Arc::new),
            owns_network: room.owns_network,
            directory,
        }
    }

    /// Starts a process. The ends of its piped streams are in the second part.
    pub(super) fn start(
        &self,
        children: &Children,
        command: &Command,
        streams: Streams,
    ) -> Result<(Child, std::process::Child), Failure> {
        let (program, arguments) = match &command.program {
            Program::Own(words) => words
                .split_first()
                .map(|(program, rest)| (program.as_str(), rest))
                .ok_or_else(|| refusal(FailureKind::Invalid, "no program was named"))?,
            Program::Role(arguments) => (own_program::PATH, &arguments[..]),
        };
        let directory = command.directory.as_ref().map(Path::new);
        let directory = directory.unwrap_or(&self.directory);
        let mut start = Start::new(program);
        start.args(arguments).current_dir(directory);
        if matches!(command.program, Program::Role(_)) {
            start.arg0(PROGRAM);
        }
        if let Environment::Only(variables) = &self.environment {
            start.env_clear().envs(variables);
        }
        start.envs(&command.env);
        start.stdin(streams.input);
        start.stdout(streams.output).stderr(streams.error);
        let joins = self.limits.joins();
        let setup = ChildSetup {
            terminal: streams.terminal,
            control_groups: joins
                .map_err(|error| system("making the node's control group", &error))?,
            limits: self.own_limits,
            enclosure: self.enclosure.clone(),
            confinement: self.confinement(&command.program)?,
        };
        setup.apply(&mut start);
        children
            .spawn(&mut start)
            .map_err(|error| self.explain(command, program, directory, &error))
    }

    /// Returns the number of the user that files of the node belong to, if it is another than this process's own.
    pub(super) fn owner(&self) -> Option<u32> {
        self.enclosure
            .as_ref()
            .map(|enclosure| enclosure.users().first)
    }

    /// Confines all programs, or none. Later calls change nothing.
    pub(super) fn confine(&self, sandbox: Sandbox) {
        let _ = self.sandbox.set(sandbox);
    }

    fn confinement(
        &self,
        program: &Program,
    ) -> Result<Option<(Arc<Confinement>, Rights)>, Failure> {
        if self.sandbox.get() == Some(&Sandbox::Off) {
            return Ok(None);
        }
        let rights = match program {
            Program::Role(_) => Rights::Trusted,
            Program::Own(_) if self.owns_network => Rights::OverNetwork,
            Program::Own(_) => Rights::Few,
        };
        let made = if let Some(made) = self.confinement.get() {
            made
        } else {
            let made = Confinement::new().map_err(|error| system("confining programs", &error))?;
            self.confinement.get_or_init(|| Arc::new(made))
        };
        Ok(Some((Arc::clone(made), rights)))
    }

    /// The system names neither which of several things is missing nor where it looked.
    fn explain(
        &self,
        command: &Command,
        program: &str,
        directory: &Path,
        error: &io::Error,
    ) -> Failure {
        let missing = error.kind() == io::ErrorKind::NotFound;
        if let Err(error) = std::fs::read_dir(directory) {
            return system(
                format_args!("{program}: its directory {}", directory.display()),
                &error,
            );
        }
        if missing && program.contains('/') && Path::new(program).exists() {
            let message = format!("{program}: the interpreter that it names is not in the node");
            return refusal(FailureKind::NotFound, message);
        }
        if missing && program.contains('/') && self.enclosure.is_some() {
            let message = format!(
                "{program}: there is no such file in the node, which sees the system's folders alone; put it there with `files`, \
                 or show its folder with `binds`"
            );
            return refusal(FailureKind::NotFound, message);
        }
        if missing && !program.contains('/') {
            let message = match self.search_path(command) {
                Some(path) => format!("{program}: no such program in PATH ({path})"),
                None => format!("{program}: no such program, and PATH is not set"),
            };
            return refusal(FailureKind::NotFound, message);
        }
        system(format_args!("{program}: cannot be started"), error)
    }

    fn search_path(&self, command: &Command) -> Option<String> {
        let given = command.env.get("PATH").cloned();
        given.or_else(|| match &self.environment {
            Environment::Inherited => std::env::var("PATH").ok(),
            Environment::Only(variables) => variables.get("PATH").cloned(),
        })
    }
}

/// The home of a node's only user.
const HOME: &str = "/root";
