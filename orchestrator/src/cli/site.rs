//! The site: the state folder and the GNS3 server, which every verb that acts on labs needs.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use plumbing::own_program;

use crate::backend::docker::DockerBackend;
use crate::backend::fake::FakeBackend;
use crate::backend::gns3::{
    Access, Credentials, Gns3Backend, Options, PendingCloses, Secret, ServerUrl,
};
use crate::backend::netns::NetnsBackend;
use crate::backend::{Backend, BackendKind, Resource};
use crate::gns3::switch::SwitchKind;
use crate::lab::StateDir;

use super::environment;
use super::failure::Failure;

/// Which GNS3 server is meant and who we are there. There is no flag for a password: everybody who lists
/// processes would read it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "GNS3 server")]
pub struct Gns3Args {
    /// The server: http://HOST:PORT.
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "URL",
        env = "ORCHESTRATOR_GNS3_URL",
        hide_env_values = true
    )]
    // Read later: what is wrong with it must not repeat a password that somebody has written there.
    pub gns3_url: Option<String>,
    /// The user there [default: admin, where the server wants one].
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "NAME",
        env = "ORCHESTRATOR_GNS3_USER"
    )]
    pub gns3_user: Option<String>,
    /// A file whose first line is the password, in the place of the variable `ORCHESTRATOR_GNS3_PASSWORD`
    /// [default: admin, as servers have it at first].
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "FILE",
        env = "ORCHESTRATOR_GNS3_PASSWORD_FILE"
    )]
    pub gns3_password_file: Option<PathBuf>,
    /// The kind of node that switches become there.
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_enum,
        default_value_t,
        env = "ORCHESTRATOR_GNS3_SWITCH"
    )]
    pub gns3_switch: SwitchChoice,
}

/// The kind of node that networks become.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum SwitchChoice {
    /// GNS3's Ethernet switches, which need Dynamips on the server.
    #[default]
    Ethernet,
    /// Docker nodes that bridge their adapters.
    Docker,
}

impl From<SwitchChoice> for SwitchKind {
    fn from(choice: SwitchChoice) -> Self {
        match choice {
            SwitchChoice::Ethernet => Self::Ethernet,
            SwitchChoice::Docker => Self::Docker,
        }
    }
}

impl Gns3Args {
    /// Which server, and who we are there.
    ///
    /// # Errors
    /// If the address is wrong, or the password's file cannot be read.
    fn access(&self) -> Result<Access, Failure> {
        let password = match &self.gns3_password_file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    Failure::Input(format!("reading {}: {error}", path.display()))
                })?;
                Some(text.lines().next().unwrap_or_default().to_owned())
            }
            None => environment::gns3_password(),
        };
        let known = self.gns3_user.is_some() || password.is_some();
        let credentials = known.then(|| Credentials {
            user: self.gns3_user.clone().unwrap_or_else(|| ADMIN.to_owned()),
            password: Secret::new(password.unwrap_or_else(|| ADMIN.to_owned())),
        });
        let url = self.gns3_url.as_deref().map(str::parse::<ServerUrl>);
        Ok(Access {
            url: url
                .transpose()
                .map_err(|error| Failure::Input(error.to_string()))?,
            credentials,
        })
    }
}

/// The state folder and the GNS3 server to use.
#[derive(Debug)]
pub struct Site {
    /// The folder in which labs are recorded.
    pub state: StateDir,
    gns3: Options,
    pending_closes: PendingCloses,
}

impl Site {
    /// Opens the state folder, and reads the password if there is one. Sessions over consoles are ended with
    /// `pending_closes`.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn open(
        state: PathBuf,
        gns3: &Gns3Args,
        pending_closes: PendingCloses,
    ) -> Result<Self, Failure> {
        Ok(Self {
            state: StateDir::open(state)?,
            gns3: Options {
                access: gns3.access()?,
                switches: gns3.gns3_switch.into(),
            },
            pending_closes,
        })
    }

    /// Returns the GNS3 servers to be searched: the one that is named, and those that `resources` are on.
    pub fn servers(&self, resources: &[Resource]) -> Vec<Gns3Backend> {
        let on = resources.iter().filter_map(Gns3Backend::server_of);
        let named = self.gns3.access.url.clone();
        let urls: BTreeSet<ServerUrl> = named.into_iter().chain(on).collect();
        let at = |url| {
            let mut options = self.gns3.clone();
            options.access.url = Some(url);
            self.gns3_with(options)
        };
        urls.into_iter().map(at).collect()
    }

    /// Returns the backend of a kind.
    pub fn backend(&self, kind: BackendKind) -> Arc<dyn Backend> {
        match kind {
            BackendKind::Netns => {
                let program = PathBuf::from(own_program::PATH);
                Arc::new(NetnsBackend::new(self.state.path().to_owned(), program))
            }
            BackendKind::Docker => {
                let origin = self.state.origin().clone();
                Arc::new(DockerBackend::from_environment(node_binary).recorded_in(origin))
            }
            BackendKind::Gns3 => Arc::new(self.gns3()),
            BackendKind::Fake => Arc::new(FakeBackend::with_faults(&environment::fake_faults())),
        }
    }

    /// Returns the GNS3 server to use.
    pub fn gns3(&self) -> Gns3Backend {
        self.gns3_with(self.gns3.clone())
    }

    fn gns3_with(&self, options: Options) -> Gns3Backend {
        let pending_closes = self.pending_closes.clone();
        let origin = self.state.origin().clone();
        Gns3Backend::new(options, node_binary, origin, pending_closes)
    }
}

/// Reads the node binary, which is this program's own file.
///
/// # Errors
/// If the program was linked dynamically, for containers have no C library; or the system's.
pub fn node_binary() -> io::Result<&'static [u8]> {
    if cfg!(target_feature = "crt-static") {
        own_program::bytes()
    } else {
        Err(io::Error::other(LINKED_DYNAMICALLY))
    }
}

const LINKED_DYNAMICALLY: &str = "this program was linked dynamically, and containers have no C library; build it in the \
    folder of its source, whose configuration says how, with RUSTFLAGS unset";

/// The user and the password that a server has at its first start.
const ADMIN: &str = "admin";
