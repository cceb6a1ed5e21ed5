//! The view of nodes without a sandbox: all that the lab's user sees, beneath the node's own writes.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::mount::MsFlags;
use plumbing::mount::{self, Below};
use plumbing::mount_table;
use protocol::keeper::LabSpec;

use super::view::{Private, Shown, View, below, existing_folder, in_order};
use super::world::{Privilege, base};

/// Builds the view in the keeper's root, where it is to have its own template.
pub(super) fn build(
    privilege: Privilege,
    spec: &LabSpec,
    state: Option<&Path>,
) -> io::Result<View> {
    let mut view = View {
        layers: vec![Path::new(TEMPLATE)],
        ..View::default()
    };
    fs::create_dir(base("host"))?;
    match privilege {
        Privilege::Machine => show_machine(&mut view)?,
        Privilege::UserNamespace => show_folders(&mut view, spec, state)?,
    }
    show_where_the_user_is(&mut view, spec)?;
    Ok(view)
}

/// As the machine's administrator: an overlay over the whole root, and one over each further
/// file system with files in it.
fn show_machine(view: &mut View) -> io::Result<()> {
    view.layers.push(Path::new(HOST));
    mount::bind(Path::new("/"), &base("host"), Below::LeftOut)?;
    for hidden in ["dev", "tmp", "run"] {
        mount::hide_lower_layers(&base("open").join(hidden))?;
    }
    for mounted in mount_table::read()? {
        let target = mounted.target;
        let files = target.is_dir() && holds_files(&mounted.kind) && !is_left_out(&target);
        let known = |private: &Private| private.target == target;
        if files && !view.private.iter().any(known) {
            // A folder that another mount hides in the machine's root cannot be shown.
            if mount::bind(&target, &below(&base("host"), &target), Below::LeftOut).is_ok() {
                view.private.push(Private {
                    layer: below(Path::new(HOST), &target),
                    target,
                });
            }
        }
    }
    view.private.sort_by(|a, b| a.target.cmp(&b.target));
    mount::make_read_only(&base("host"), Below::Included)
}

/// In a user namespace, which must not uncover what lies under a mount: the root's folders one by
/// one, read-only, with an overlay over those that programs write to.
fn show_folders(view: &mut View, spec: &LabSpec, state: Option<&Path>) -> io::Result<()> {
    for entry in fs::read_dir("/")? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let in_template = below(&base("open"), &path);
        if kind.is_symlink() {
            symlink(fs::read_link(&path)?, in_template)?;
        } else if kind.is_dir() && !is_left_out(&path) && !in_template.exists() {
            fs::create_dir(&in_template)?;
            let shown = below(&base("host"), &path);
            fs::create_dir(&shown)?;
            mount::bind(&path, &shown, Below::Included)?;
            mount::make_read_only(&shown, Below::Included)?;
            let layer = below(Path::new(HOST), &path);
            view.shown.push(Shown {
                source: layer.clone(),
                target: path,
                layer,
            });
        }
    }
    let written = ["/etc", "/home", "/var/tmp"].map(PathBuf::from);
    let here = spec.working_directory.as_deref().map(Path::new);
    let wanted = written.into_iter().chain(here.and_then(existing_folder));
    let wanted = in_order(wanted.filter(|folder| folder.is_dir()));
    view.private = wanted
        .into_iter()
        .filter_map(|folder| view.make_private(folder))
        .collect();
    hide_state_folder(view, state)
}

/// Hides the labs of this user, whose agents' sockets could be connected to. Through an overlay none can be.
fn hide_state_folder(view: &View, state: Option<&Path>) -> io::Result<()> {
    let Some(state) = state.filter(|state| view.layer_of(state).is_some()) else {
        return Ok(());
    };
    if view
        .private
        .iter()
        .any(|one| state.starts_with(&one.target))
    {
        return Ok(());
    }
    let (shown, sealed) = (below(&base("host"), state), MsFlags::MS_RDONLY);
    mount::mount_new("tmpfs", &shown, sealed, "mode=755")
}

/// The user's folder is shown, also if it is in a place that nodes have anew.
fn show_where_the_user_is(view: &mut View, spec: &LabSpec) -> io::Result<()> {
    let here = spec.working_directory.as_deref().map(PathBuf::from);
    let here = here.filter(|here| here.starts_with("/tmp") && *here != *"/tmp" && here.is_dir());
    let Some(here) = here else {
        return Ok(());
    };
    fs::create_dir(base("here"))?;
    mount::bind(&here, &base("here"), Below::Included)?;
    mount::make_read_only(&base("here"), Below::Included)?;
    fs::create_dir_all(below(&base("open"), &here))?;
    view.private.push(Private {
        target: here,
        layer: PathBuf::from("/here"),
    });
    Ok(())
}

/// Returns whether a file system of this kind has files of its own, rather than the kernel's.
fn holds_files(kind: &str) -> bool {
    !WITHOUT_FILES.contains(&kind)
}

/// Returns whether nodes have something else in this place.
fn is_left_out(path: &Path) -> bool {
    path == "/" || LEFT_OUT.iter().any(|left_out| path.starts_with(left_out))
}

const HOST: &str = "/host";
const TEMPLATE: &str = "/open";

/// Folders in whose place nodes have something of their own, or that hold other tools' containers.
const LEFT_OUT: [&str; 13] = [
    "/boot",
    "/dev",
    "/proc",
    "/run",
    "/sys",
    "/tmp",
    "/lost+found",
    "/snap",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/kubelet",
    "/var/run",
];

const WITHOUT_FILES: [&str; 22] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "overlay",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "sysfs",
    "tracefs",
];
