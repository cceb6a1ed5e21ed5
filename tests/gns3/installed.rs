//! Where the servers are: a virtual environment for each version, in the folder that
//! `ORCHESTRATOR_TEST_GNS3` names. `.ci/run` makes them there.

use std::fmt;
use std::path::{Path, PathBuf};

/// A version of GNS3's server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 2.2.
    Two,
    /// 3.0.
    Three,
}

impl Version {
    /// Both.
    pub(crate) const BOTH: [Self; 2] = [Self::Two, Self::Three];

    /// What its addresses begin with.
    pub(crate) fn api(self) -> &'static str {
        match self {
            Self::Two => "/v2",
            Self::Three => "/v3",
        }
    }

    /// The folder of its environment.
    pub(crate) fn folder(self) -> PathBuf {
        let folder = std::env::var_os("ORCHESTRATOR_TEST_GNS3");
        let folder = folder.map_or_else(|| PathBuf::from(DEFAULT), PathBuf::from);
        folder.join(self.to_string())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Two => "2.2.61",
            Self::Three => "3.0.6",
        })
    }
}

/// Whether a version is installed.
///
/// # Errors
/// How to install it.
pub(crate) fn installed(version: Version) -> Result<(), String> {
    let folder = version.folder();
    let program = folder.join("bin/gns3server");
    program.exists().then_some(()).ok_or_else(|| {
        let folder = folder.display();
        format!("gns3-server {version} is not in {folder}: python3 -m venv {folder} && {folder}/bin/pip install gns3-server=={version}")
    })
}

/// Whether the server could reach a Docker engine: it looks nowhere else.
///
/// # Errors
/// That there is none.
pub(crate) fn engine() -> Result<(), String> {
    let there = Path::new("/var/run/docker.sock").exists();
    there
        .then_some(())
        .ok_or_else(|| "no Docker engine is at /var/run/docker.sock".to_owned())
}

const DEFAULT: &str = "/tmp/orchestrator-gns3";
