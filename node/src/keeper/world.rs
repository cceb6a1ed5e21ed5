//! The views that the nodes of a lab share below their own writes: the keeper's mount namespace, pruned to
//! what nodes are built from, so that each node copies a short mount table.
//!
//! ```text
//! /closed     the lowest layer of nodes in a sandbox: an empty /tmp and /run, its own /dev, a copy of /etc
//! /seen/N     a part of this machine that they see, read-only; /source/N: itself; /nothing: an empty layer
//! /binds/N    a further part, as the file asks
//! /open       the lowest layer of other nodes; /host: this machine's files, read-only; /here: where the user is
//! /devices    this machine's device files, where new ones cannot be made
//! /stage      where a node mounts its own root
//! /node       the program, read-only
//! /proc       as on this machine, until a node has its own
//! /sys        the same, in a user namespace: the kernel lets nodes mount their own only where both can be seen
//! ```

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use plumbing::enclosure::Users;
use plumbing::mount::{self, Below};
use protocol::keeper::{KeeperFailure, LabSpec, NodeSpec};
use protocol::settings::Sandbox;

use super::closed::{self, ClosedViews};
use super::failure::{DuringStep, OnNode};
use super::open;
use super::template::Template;
use super::view::{Private, Shown, View, existing_folder, in_order};

/// The keeper's privileges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Privilege {
    /// It administers the machine.
    Machine,
    /// It is root in a user namespace only.
    UserNamespace,
}

impl Privilege {
    /// Returns whether it is root in a user namespace only.
    pub(super) fn in_user_namespace(self) -> bool {
        self == Self::UserNamespace
    }

    /// Returns the users of nodes in a sandbox, by their numbers here.
    pub(super) fn users(self) -> Users {
        match self {
            Self::Machine => USERS_OF_NODES,
            Self::UserNamespace => Users { first: 0, count: 1 },
        }
    }
}

/// The parts that nodes are built from. Paths are absolute, as on this machine and in a node.
#[derive(Debug)]
pub(super) struct World {
    pub(super) privilege: Privilege,
    views: BTreeMap<Sandbox, View>,
    nodes: Vec<OfNode>,
    /// Names in `/dev` that are shown from `/devices`.
    pub(super) devices: Vec<&'static str>,
}

/// The parts that a node has for itself.
#[derive(Debug)]
pub(super) struct OfNode {
    /// Its kind of view.
    pub(super) sandbox: Sandbox,
    /// Further parts of this machine, read-only.
    pub(super) binds: Vec<Shown>,
    /// Further folders that it writes to privately, parents before children.
    pub(super) private: Vec<Private>,
}

impl World {
    /// Builds it where [`super::program`] has mounted the keeper's root, and makes it the root of this process's mount
    /// namespace, which must be its own.
    pub(super) fn build(privilege: Privilege, spec: &LabSpec) -> Result<Self, KeeperFailure> {
        let doing = "preparing what nodes see of this machine";
        let mut world = Self {
            privilege,
            views: BTreeMap::new(),
            nodes: Vec::new(),
            devices: Vec::new(),
        };
        world.prepare_keeper().during(doing)?;
        let (open, closed): (Vec<_>, _) = (spec.nodes.iter())
            .map(|node| node.settings.sandbox)
            .partition(|&sandbox| sandbox == Sandbox::Off);
        if !open.is_empty() {
            world.open(spec).during(doing)?;
        }
        if !closed.is_empty() {
            world
                .close(spec, closed.contains(&Sandbox::Default))
                .during(doing)?;
        }
        let mut binds = Binds::default();
        for node in &spec.nodes {
            let own = world.of_node(node, &mut binds).during(doing);
            world.nodes.push(own.on_node(&node.settings.name)?);
        }
        mount::change_root(Path::new(BASE)).during("changing the keeper's root")?;
        Ok(world)
    }

    /// Returns the parts that a node has in common with others, and its own.
    pub(super) fn parts_of(&self, node: usize) -> Option<(&View, &OfNode)> {
        let own = self.nodes.get(node)?;
        Some((self.views.get(&own.sandbox)?, own))
    }

    fn prepare_keeper(&self) -> io::Result<()> {
        for folder in ["binds", "devices", "stage", "proc", "sys"] {
            fs::create_dir(base(folder))?;
        }
        match self.privilege {
            Privilege::Machine => mount::bind(Path::new("/proc"), &base("proc"), Below::LeftOut),
            Privilege::UserNamespace => {
                mount::bind(Path::new("/proc"), &base("proc"), Below::Included)?;
                mount::bind(Path::new("/sys"), &base("sys"), Below::Included)
            }
        }?;
        Ok(())
    }

    fn open(&mut self, spec: &LabSpec) -> io::Result<()> {
        let template = Template::make("open", 0)?;
        self.devices = template.make_devices(self.privilege)?;
        let view = open::build(self.privilege, spec, state_folder()?.as_deref())?;
        self.views.insert(Sandbox::Off, view);
        Ok(())
    }

    fn close(&mut self, spec: &LabSpec, with_interpreters: bool) -> io::Result<()> {
        let template = Template::make("closed", self.privilege.users().first)?;
        self.devices = template.make_devices(self.privilege)?;
        let hidden = spec.hidden.iter().map(PathBuf::from);
        let hidden: Vec<_> = hidden.chain(state_folder()?).collect();
        let mut views = ClosedViews::begin(self.privilege, &template, &hidden)?;
        let mut strict = views.system()?;
        let mut usual = strict.clone();
        let home = spec.home.as_deref().map(Path::new);
        if let Some(home) = home.filter(|home| with_interpreters && home.is_absolute()) {
            usual.shown.extend(views.interpreters(home)?);
        }
        usual.hidden.clone_from(&hidden);
        closed::hide_in(&usual)?;
        strict.hidden = hidden;
        self.views.insert(Sandbox::Default, usual);
        self.views.insert(Sandbox::Strict, strict);
        Ok(())
    }

    fn of_node(&self, node: &NodeSpec, binds: &mut Binds) -> io::Result<OfNode> {
        let sandbox = node.settings.sandbox;
        let mut own = OfNode {
            sandbox,
            binds: Vec::new(),
            private: Vec::new(),
        };
        for bind in &node.binds {
            let source = binds.show(&bind.from)?;
            own.binds.push(Shown {
                target: PathBuf::from(&bind.to),
                layer: source.clone(),
                source,
            });
        }
        let Some(view) = self.views.get(&sandbox) else {
            return Ok(own);
        };
        let targets = node.file_targets.iter().map(Path::new);
        let folders = targets.filter_map(|target| existing_folder(target.parent()?));
        let folders = in_order(folders).into_iter();
        own.private = folders
            .filter_map(|folder| view.make_private(folder))
            .collect();
        Ok(own)
    }
}

/// The parts of this machine that the file asks for.
#[derive(Debug, Default)]
struct Binds {
    made: BTreeMap<String, PathBuf>,
}

impl Binds {
    /// Shows a folder or file of this machine to nodes; returns its place in the keeper's root.
    fn show(&mut self, path: &str) -> io::Result<PathBuf> {
        if let Some(made) = self.made.get(path) {
            return Ok(made.clone());
        }
        let name = self.made.len().to_string();
        let shown = base("binds").join(&name);
        if fs::metadata(path)?.is_dir() {
            fs::create_dir(&shown)?;
        } else {
            fs::write(&shown, "")?;
        }
        mount::bind(Path::new(path), &shown, Below::Included)?;
        mount::seal(&shown, Below::Included)?;
        let made = Path::new("/binds").join(name);
        self.made.insert(path.to_owned(), made.clone());
        Ok(made)
    }
}

/// Returns the folder of all labs of this user. The keeper runs in STATE/LAB/nodes.
fn state_folder() -> io::Result<Option<PathBuf>> {
    Ok(env::current_dir()?.ancestors().nth(2).map(Path::to_owned))
}

/// Returns the place in the keeper's future root of a folder of it.
pub(super) fn base(folder: &str) -> PathBuf {
    Path::new(BASE).join(folder)
}

/// The place where the keeper's own root is mounted at first: a folder that every machine has, and of which
/// nodes see nothing.
pub(super) const BASE: &str = "/run";

/// The users of nodes in a sandbox, where root raises the lab. They are no real users', and none that `/etc/subuid` gives
/// away: systemd's list of numbers leaves these free (UIDS-GIDS.md, "1879048192…2147483647").
const USERS_OF_NODES: Users = Users {
    first: 0x7E57_0000,
    count: 0x1_0000,
};
