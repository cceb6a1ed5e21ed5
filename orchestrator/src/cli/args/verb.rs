//! The verbs and what every verb understands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::document::{
    CleanArgs, DoctorArgs, ExportArgs, GraphArgs, ImageArgs, ImportArgs, ReportArgs, ValidateArgs,
};
use super::inside::{CaptureArgs, CpArgs, ExecArgs, FaultArgs, LogsArgs, NodeArg, PsArgs};
use super::raise::{DownArgs, RaiseArgs, RunArgs, UpArgs};
use crate::cli::site::Gns3Args;

/// Raises a network lab from one file, runs its scenarios and proves every byte.
#[derive(Debug, Parser)]
#[command(name = "orchestrator", version, about, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Arguments {
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
    /// The options of every verb.
    #[command(flatten)]
    pub global: Global,
}

/// The options of every verb.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The format of results on standard output.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "ORCHESTRATOR_FORMAT"
    )]
    pub format: Format,
    /// Print results and errors only.
    #[arg(short, long, global = true, env = "ORCHESTRATOR_QUIET")]
    pub quiet: bool,
    /// Log more: -v what is done, -vv every request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// The format of the log on standard error.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "ORCHESTRATOR_LOG_FORMAT"
    )]
    pub log_format: LogFormat,
    /// Where labs that are up are recorded [default: /run/orchestrator or `$XDG_RUNTIME_DIR`/orchestrator].
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "ORCHESTRATOR_STATE_DIR"
    )]
    pub state_dir: Option<PathBuf>,
    /// Which GNS3 server is meant.
    #[command(flatten)]
    pub gns3: Gns3Args,
}

/// The format of results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// The format of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Where to raise a lab.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum BackendChoice {
    /// Docker if the file needs images, else netns, else Docker.
    #[default]
    Auto,
    /// Linux namespaces on this machine.
    Netns,
    /// A Docker engine, the one that `DOCKER_HOST` names.
    Docker,
    /// A GNS3 server, the one that --gns3-url names.
    Gns3,
    /// In memory, for tests of this tool.
    #[value(hide = true)]
    Fake,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Raise a lab, run its scenarios, verify, and leave it up.
    #[command(after_help = "Example: orchestrator up topologies/two-servers.toml")]
    Up(UpArgs),
    /// Raise a lab and leave it up without running its scenarios.
    #[command(after_help = "Example: orchestrator deploy topologies/two-servers.toml")]
    Deploy(RaiseArgs),
    /// Raise a lab, run its scenarios, verify, and take it down: the form for CI.
    #[command(
        visible_alias = "test",
        after_help = "Example: orchestrator run topologies/two-servers.toml --out results"
    )]
    Run(RunArgs),
    /// Take labs down.
    #[command(
        visible_alias = "destroy",
        after_help = "Examples: orchestrator down two-servers\n          orchestrator down --all"
    )]
    Down(DownArgs),
    /// Check topology files; print what the impairments between nodes add up to.
    #[command(after_help = "Example: orchestrator validate topologies/*.toml")]
    Validate(ValidateArgs),
    /// Print the JSON Schema of topology files.
    #[command(after_help = "Example: orchestrator schema > topology.schema.json")]
    Schema,
    /// Draw a topology.
    #[command(
        after_help = "Example: orchestrator graph topologies/two-servers.toml --as svg > lab.svg"
    )]
    Graph(GraphArgs),
    /// List the labs that are up, and their nodes.
    #[command(visible_alias = "inspect", after_help = "Example: orchestrator ps")]
    Ps(PsArgs),
    /// Run a program in a node.
    #[command(after_help = "Example: orchestrator exec alpine-1 -- ip address")]
    Exec(ExecArgs),
    /// Open a shell in a node.
    #[command(after_help = "Example: orchestrator shell alpine-1")]
    Shell(NodeArg),
    /// Print the log of a node's own command.
    #[command(after_help = "Example: orchestrator logs alpine-1 --follow")]
    Logs(LogsArgs),
    /// Copy a file into or out of a node.
    #[command(after_help = "Example: orchestrator cp alpine-1:/root/received/data.jpg .")]
    Cp(CpArgs),
    /// Capture the frames of a node's interface as pcapng.
    #[command(
        after_help = "Examples: orchestrator capture alpine-1:eth0 --write lan.pcapng\n          orchestrator capture --all --write captures/"
    )]
    Capture(CaptureArgs),
    /// Make something fail in a lab that is up, or work again.
    #[command(
        after_help = "Examples: orchestrator fault down alpine-1:eth0\n          orchestrator fault up alpine-1:eth0\n          orchestrator fault pause alpine-2\n          orchestrator fault resume alpine-2"
    )]
    Fault(FaultArgs),
    /// Render the reports of a finished run again.
    #[command(after_help = "Example: orchestrator report runs/two-servers-20261121-030112")]
    Report(ReportArgs),
    /// Write a lab in the form of another tool.
    #[command(
        after_help = "Examples: orchestrator export gns3project topologies/two-servers.toml -o two-servers.gns3project\n          orchestrator export gns3-appliance -o orchestrator-node.gns3a"
    )]
    Export(ExportArgs),
    /// Make a topology file of another tool's lab.
    #[command(
        after_help = "Example: orchestrator import two-servers.gns3project -o two-servers.toml"
    )]
    Import(ImportArgs),
    /// Make the image of nodes on GNS3's servers: in the Docker engine, or as a file for `docker load`.
    #[command(after_help = "Example: orchestrator image -o orchestrator-node.tar")]
    Image(ImageArgs),
    /// Say what this machine can do, and how to mend what it can't.
    #[command(visible_alias = "check", after_help = "Example: orchestrator doctor")]
    Doctor(DoctorArgs),
    /// Remove what crashed runs have left; labs that are up stay.
    #[command(after_help = "Example: orchestrator clean --dry-run")]
    Clean(CleanArgs),
    /// Print a script that completes commands in a shell.
    #[command(
        after_help = "Example: orchestrator completions bash > /etc/bash_completion.d/orchestrator"
    )]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

const EXIT_CODES: &str = "\
Exit codes: 0 passed · 1 a scenario or verification failed · 2 the input is wrong ·
3 this machine lacks something, or all was skipped · 4 it could not be carried out ·
5 leftovers remain · 130 interrupted";
