//! Arguments of verbs that raise labs, run them and take them down.

use std::path::PathBuf;

use clap::Args;

use super::verb::BackendChoice;
use crate::scenario::CellChoice;

/// The lab to raise, and the backend.
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

/// Options for running scenarios.
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
    /// The lab to raise, and the backend.
    #[command(flatten)]
    pub raise: RaiseArgs,
    /// Options for running scenarios.
    #[command(flatten)]
    pub scenarios: ScenarioArgs,
    /// Only raise the lab.
    #[arg(long)]
    pub no_run: bool,
}

/// `run`.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The lab to raise, and the backend.
    #[command(flatten)]
    pub raise: RaiseArgs,
    /// Options for running scenarios.
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

pub(super) fn parse_setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, as in loss=5%".to_owned()),
    }
}

fn parse_seed(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 16)
        .map_err(|_| "write up to eight hexadecimal digits, as in 7f3a91c2".to_owned())
}
