//! Arguments of verbs that read and write files, and of those for the machine.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::raise::parse_setting;
use super::verb::BackendChoice;
use crate::cli::site::SwitchChoice;

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
    /// The kind of node that networks become: GNS3's Ethernet switches, which need Dynamips, or nodes that
    /// bridge.
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
    /// The labs that are meant, by name or, where they were raised elsewhere, by identity [default: all that
    /// are recorded in the state folder].
    #[arg(value_name = "LAB")]
    pub labs: Vec<String>,
    /// Only say what would be removed.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Remove the cached node images of the Docker engine too.
    #[arg(long)]
    pub images: bool,
}
