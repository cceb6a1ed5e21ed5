//! The view of nodes in a sandbox: the system's folders, a copy of its settings, and the interpreters in the home of the lab's
//! user. Nothing else of this machine has a place there.
//!
//! All of it is read-only, and seen through an overlay: through that no socket of this machine can be connected to, no
//! FIFO joined and no lock shared, for they are the overlay's own.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::mount::MsFlags;
use plumbing::mount::{self, Below, Overlay};

use super::settings_copy;
use super::template::Template;
use super::view::{Shown, View, below};
use super::world::{BASE, Privilege, base};

/// Builds the views of nodes in a sandbox.
#[derive(Debug)]
pub(super) struct ClosedViews<'a> {
    privilege: Privilege,
    template: &'a Template,
    made: usize,
}

impl<'a> ClosedViews<'a> {
    /// Begins with a template, to which the system's settings are added, but for those that are to be hidden.
    pub(super) fn begin(
        privilege: Privilege,
        template: &'a Template,
        hidden: &[PathBuf],
    ) -> io::Result<Self> {
        for folder in ["seen", "source", "nothing"] {
            fs::create_dir(base(folder))?;
        }
        File::create(base(NO_FILE))?.set_permissions(Permissions::from_mode(0o0))?;
        settings_copy::copy(Path::new("/etc"), template, hidden)?;
        for (folder, mode) in OWN {
            template.make_folder(Path::new(folder), mode)?;
        }
        for (link, target) in LINKS {
            symlink(target, template.at(Path::new(link)))?;
        }
        for folder in OF_SERVICES {
            mirror(Path::new(folder), template)?;
        }
        Ok(Self {
            privilege,
            template,
            made: 0,
        })
    }

    /// Shows the system's folders.
    pub(super) fn system(&mut self) -> io::Result<View> {
        let mut shown = Vec::new();
        for folder in SYSTEM.map(Path::new) {
            match fs::read_link(folder) {
                Ok(target) => symlink(target, self.template.at(folder))?,
                Err(_) => shown.extend(self.show(folder)?),
            }
        }
        Ok(View {
            layers: vec![Path::new(TEMPLATE)],
            shown,
            ..View::default()
        })
    }

    /// Shows the interpreters in a home, and nothing else of it.
    pub(super) fn interpreters(&mut self, home: &Path) -> io::Result<Vec<Shown>> {
        let mut shown = Vec::new();
        for folder in INTERPRETERS {
            shown.extend(self.show(&home.join(folder))?);
        }
        Ok(shown)
    }

    /// Shows a folder of this machine, if it is one.
    fn show(&mut self, folder: &Path) -> io::Result<Option<Shown>> {
        if !folder.is_dir() {
            return Ok(None);
        }
        let name = self.made.to_string();
        self.made += 1;
        self.template.make_folders(folder)?;
        let (source, seen) = (base("source").join(&name), base("seen").join(&name));
        fs::create_dir(&source)?;
        fs::create_dir(&seen)?;
        mount::bind(folder, &source, Below::Included)?;
        mount::seal(&source, Below::Included)?;
        let overlay = Overlay {
            lower: &[&base("nothing"), &source],
            written: None,
        };
        // None is allowed where other mounts lie below.
        if overlay
            .mount(&seen, self.privilege.in_user_namespace())
            .is_err()
        {
            mount::bind(&source, &seen, Below::Included)?;
        }
        Ok(Some(Shown {
            target: folder.to_owned(),
            layer: Path::new("/source").join(&name),
            source: Path::new("/seen").join(name),
        }))
    }
}

/// Hides what a view shows and must not.
pub(super) fn hide_in(view: &View) -> io::Result<()> {
    for path in view
        .hidden
        .iter()
        .filter_map(|path| fs::canonicalize(path).ok())
    {
        for shown in &view.shown {
            let Ok(inside) = path.strip_prefix(&shown.target) else {
                continue;
            };
            let place = below(&below(Path::new(BASE), &shown.source), inside);
            if path.is_dir() {
                mount::mount_new("tmpfs", &place, MsFlags::MS_RDONLY, "mode=755")?;
            } else {
                mount::bind(&base(NO_FILE), &place, Below::LeftOut)?;
            }
        }
    }
    Ok(())
}

/// Makes empty folders with the names of those in a folder of this machine, where services expect them.
fn mirror(folder: &Path, template: &Template) -> io::Result<()> {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let mirrored = entry.path();
        if entry.file_type()?.is_dir() && !template.at(&mirrored).exists() {
            template.make_folder(&mirrored, 0o755)?;
        }
    }
    Ok(())
}

/// A file that nobody may read or write.
const NO_FILE: &str = "no-file";

const TEMPLATE: &str = "/closed";

/// The folders of a system's programs (hier(7), and those of NixOS and Guix).
const SYSTEM: [&str; 10] = [
    "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/usr", "/opt", "/nix", "/gnu",
];

/// Folders in a home in which interpreters and their libraries are. No others: beside them lie keys and tokens.
const INTERPRETERS: [&str; 6] = [
    ".pyenv",
    ".nvm",
    ".rustup",
    ".cargo/bin",
    ".local/bin",
    ".local/lib",
];

/// Folders that are a node's own, with their permission bits; parents before children.
const OWN: [(&str, u32); 12] = [
    ("/home", 0o755),
    ("/media", 0o755),
    ("/mnt", 0o755),
    ("/srv", 0o755),
    ("/var", 0o755),
    ("/var/cache", 0o755),
    ("/var/lib", 0o755),
    ("/var/local", 0o755),
    ("/var/log", 0o755),
    ("/var/opt", 0o755),
    ("/var/spool", 0o755),
    ("/var/tmp", 0o1777),
];

const LINKS: [(&str, &str); 3] = [
    ("/var/lock", "/run/lock"),
    ("/var/mail", "spool/mail"),
    ("/var/run", "/run"),
];

/// Folders in which services have one each.
const OF_SERVICES: [&str; 4] = ["/var/cache", "/var/lib", "/var/log", "/var/spool"];
