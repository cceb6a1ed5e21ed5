//! The command line: verbs, flags, their environment variables and their help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::scenario::CellChoice;
use crate::topology::unit::Time;

use super::site::{Gns3Args, SwitchChoice};

/// Raises a network lab from one file, runs its scenarios and proves every byte.
#[derive(Debug, Parser)]
#[command(name = "orchestrator", version, about, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// What every verb understands.
    #[command(flatten)]
    pub global: Global,
}

/// What every verb understands.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// How results are printed on standard output.
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
    /// How the log on standard error is written.
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

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// How the log is written.
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

/// What to do.
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

/// What to raise and where.
#[derive(Debug, Clone, Args)]
pub struct RaiseArgs {
    /// The topology file.
    #[arg(default_value = "lab.toml")]
    pub file: PathBuf,
    /// Where to raise it.
    #[arg(long, value_enum, default_value_t, env = "ORCHESTRATOR_BACKEND")]
    pub backend: BackendChoice,
    /// Set a variable of the file.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_setting, env = "ORCHESTRATOR_SET", value_delimiter = ';')]
    pub settings: Vec<(String, String)>,
}

/// How scenarios are run.
#[derive(Debug, Clone, Args)]
pub struct ScenarioArgs {
    /// The run directory [default: runs/LAB-TIME].
    #[arg(long, value_name = "DIR", env = "ORCHESTRATOR_OUT")]
    pub out: Option<PathBuf>,
    /// Run only this scenario; may be given more than once.
    #[arg(
        long,
        value_name = "NAME",
        env = "ORCHESTRATOR_SCENARIO",
        value_delimiter = ','
    )]
    pub scenario: Vec<String>,
    /// Run only these cells of the matrices: by number, as in 1-20,51, or by values that must all hold,
    /// as in operation=upload,size=1*,model=thread|process; may be given more than once.
    #[arg(
        long,
        value_name = "CELLS",
        env = "ORCHESTRATOR_CELLS",
        value_delimiter = ';'
    )]
    pub cells: Vec<CellChoice>,
    /// Go on with the run in --out that was interrupted: cells that have ended are not run again.
    #[arg(long, requires = "out", env = "ORCHESTRATOR_RESUME")]
    pub resume: bool,
    /// The seed of everything random, eight hexadecimal digits [default: a new one].
    #[arg(long, value_name = "HEX", value_parser = parse_seed, env = "ORCHESTRATOR_SEED")]
    pub seed: Option<u32>,
    /// Run the scenarios this many times.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000), env = "ORCHESTRATOR_REPEAT")]
    pub repeat: u32,
    /// Keep all received files, not only those that differ.
    #[arg(long, env = "ORCHESTRATOR_KEEP_RECEIVED")]
    pub keep_received: bool,
    /// Exit with 3 if anything was skipped.
    #[arg(long, env = "ORCHESTRATOR_NO_SKIP")]
    pub no_skip: bool,
}

/// `up`.
#[derive(Debug, Clone, Args)]
pub struct UpArgs {
    /// What to raise and where.
    #[command(flatten)]
    pub raise: RaiseArgs,
    /// How scenarios are run.
    #[command(flatten)]
    pub scenarios: ScenarioArgs,
    /// Only raise the lab.
    #[arg(long)]
    pub no_run: bool,
}

/// `run`.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// What to raise and where.
    #[command(flatten)]
    pub raise: RaiseArgs,
    /// How scenarios are run.
    #[command(flatten)]
    pub scenarios: ScenarioArgs,
    /// Leave the lab up if anything fails.
    #[arg(long, env = "ORCHESTRATOR_KEEP_ON_FAILURE")]
    pub keep_on_failure: bool,
    /// Run in this lab, which is up where it is, instead of raising one; it stays up.
    #[arg(long, value_name = "LAB", conflicts_with = "file")]
    pub lab: Option<String>,
}

/// `down`.
#[derive(Debug, Clone, Args)]
pub struct DownArgs {
    /// The lab's name, or the file that it was raised from.
    #[arg(required_unless_present = "all")]
    pub lab: Option<String>,
    /// Take every lab down.
    #[arg(long, conflicts_with = "lab")]
    pub all: bool,
}

/// `validate`.
#[derive(Debug, Clone, Args)]
pub struct ValidateArgs {
    /// The topology files.
    #[arg(default_value = "lab.toml")]
    pub files: Vec<PathBuf>,
    /// Set a variable of the files.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_setting, env = "ORCHESTRATOR_SET", value_delimiter = ';')]
    pub settings: Vec<(String, String)>,
}

/// `graph`.
#[derive(Debug, Clone, Args)]
pub struct GraphArgs {
    /// The topology file.
    #[arg(default_value = "lab.toml")]
    pub file: PathBuf,
    /// The language of the drawing.
    #[arg(
        long = "as",
        value_enum,
        default_value_t,
        value_name = "LANGUAGE",
        env = "ORCHESTRATOR_GRAPH_AS"
    )]
    pub language: GraphLanguage,
    /// Set a variable of the file.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_setting, env = "ORCHESTRATOR_SET", value_delimiter = ';')]
    pub settings: Vec<(String, String)>,
}

/// The language of a drawing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum GraphLanguage {
    /// Mermaid, which Markdown viewers draw.
    #[default]
    Mermaid,
    /// Graphviz.
    Dot,
    /// A picture.
    Svg,
}

/// `ps`.
#[derive(Debug, Clone, Args)]
pub struct PsArgs {
    /// Only this lab.
    pub lab: Option<String>,
}

/// A node: `NODE`, or `LAB/NODE` where two labs are up.
#[derive(Debug, Clone, Args)]
pub struct NodeArg {
    /// The node, or LAB/NODE where two labs are up.
    pub node: String,
}

/// `exec`.
#[derive(Debug, Clone, Args)]
pub struct ExecArgs {
    /// The node.
    #[command(flatten)]
    pub node: NodeArg,
    /// Give the program a terminal.
    #[arg(short, long)]
    pub tty: bool,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    pub command: Vec<String>,
}

/// `logs`.
#[derive(Debug, Clone, Args)]
pub struct LogsArgs {
    /// The node.
    #[command(flatten)]
    pub node: NodeArg,
    /// Go on with what is still to come.
    #[arg(short, long)]
    pub follow: bool,
}

/// `cp`.
#[derive(Debug, Clone, Args)]
pub struct CpArgs {
    /// A file here, or a node, a colon and an absolute path.
    pub from: String,
    /// A file or folder here, or a node, a colon and an absolute path.
    pub to: String,
}

/// `capture`.
#[derive(Debug, Clone, Args)]
pub struct CaptureArgs {
    /// The interface, as NODE:INTERFACE.
    #[arg(required_unless_present = "all")]
    pub end: Option<String>,
    /// Capture every interface of the lab; `--write` is then a folder.
    #[arg(long, conflicts_with = "end", requires = "write")]
    pub all: bool,
    /// The lab, where two are up and every interface is captured.
    #[arg(long, requires = "all")]
    pub lab: Option<String>,
    /// Where to write [default: standard output].
    #[arg(short, long, value_name = "FILE", env = "ORCHESTRATOR_WRITE")]
    pub write: Option<PathBuf>,
    /// Keep only this many bytes of each frame.
    #[arg(long, value_name = "BYTES")]
    pub snap_length: Option<u32>,
    /// End after this long, such as 10s [default: at Ctrl-C].
    #[arg(long, value_name = "TIME")]
    pub duration: Option<Time>,
}

/// `report`.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// The run directory.
    pub directory: PathBuf,
}

/// `export`.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The form.
    #[arg(value_name = "FORMAT")]
    pub form: ExportFormat,
    /// The topology file [default: lab.toml; of gns3-appliance: none, a node with one adapter].
    pub file: Option<PathBuf>,
    /// Where to write; a project's own folder, with its nodes' files, is written beside it
    /// [default: standard output].
    #[arg(short, long, value_name = "FILE", env = "ORCHESTRATOR_OUTPUT")]
    pub output: Option<PathBuf>,
    /// What networks become: GNS3's Ethernet switches, which need Dynamips, or nodes that bridge.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "KIND",
        env = "ORCHESTRATOR_SWITCH"
    )]
    pub switch: SwitchChoice,
    /// Set a variable of the file; an import then finds the lab without its scenarios.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_setting, env = "ORCHESTRATOR_SET", value_delimiter = ';')]
    pub settings: Vec<(String, String)>,
}

/// The form of another tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// GNS3's project, of revision 9: for 2.2 and 3.x.
    Gns3,
    /// GNS3's portable project, with the nodes' files.
    Gns3project,
    /// GNS3's appliance: a node to be dragged into any project.
    Gns3Appliance,
}

/// `import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// The lab: a .gns3 file in its folder, or a .gns3project archive.
    pub file: PathBuf,
    /// Where to write the topology file [default: standard output].
    #[arg(short, long, value_name = "FILE", env = "ORCHESTRATOR_OUTPUT")]
    pub output: Option<PathBuf>,
}

/// `image`.
#[derive(Debug, Clone, Args)]
pub struct ImageArgs {
    /// The image's name [default: that of exported nodes].
    #[arg(long, value_name = "NAME:VERSION", env = "ORCHESTRATOR_TAG")]
    pub tag: Option<String>,
    /// Write it to this file instead, for `docker load` elsewhere.
    #[arg(short, long, value_name = "FILE", env = "ORCHESTRATOR_OUTPUT")]
    pub output: Option<PathBuf>,
}

/// `doctor`.
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// Look at this backend only.
    // Without a variable: one that says where labs are raised would hide the rest of the machine.
    #[arg(long, value_enum)]
    pub backend: Option<BackendChoice>,
}

/// `clean`.
#[derive(Debug, Clone, Args)]
pub struct CleanArgs {
    /// Only say what would be removed.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Remove the cached node images of the Docker engine too.
    #[arg(long)]
    pub images: bool,
}

fn parse_setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, as in loss=5%".to_owned()),
    }
}

fn parse_seed(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 16)
        .map_err(|_| "write up to eight hexadecimal digits, as in 7f3a91c2".to_owned())
}

const EXIT_CODES: &str = "\
Exit codes: 0 passed · 1 a scenario or verification failed · 2 the input is wrong ·
3 this machine lacks something, or all was skipped · 4 it could not be carried out ·
5 leftovers remain · 130 interrupted";
