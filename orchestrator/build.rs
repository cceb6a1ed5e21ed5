//! Leaves a link to the program at `target/PROFILE`, where people look for it: cargo puts what it builds for a named
//! target (see `.cargo/config.toml`) at `target/TARGET/PROFILE`.

use std::env::{self, VarError};
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name| env::var(name).map_err(|error: VarError| io::Error::other(error));
    let (out, target) = (variable("OUT_DIR")?, variable("TARGET")?);
    // target/TARGET/PROFILE/build/PACKAGE/out
    let Some((all, profile)) = out.split_once(&format!("/{target}/")) else {
        return Ok(());
    };
    let profile = profile.split('/').next().unwrap_or_default();
    let folder = Path::new(all).join(profile);
    std::fs::create_dir_all(&folder)?;
    let link = folder.join("orchestrator");
    // It may be the program of an earlier version.
    match std::fs::remove_file(&link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    symlink(format!("../{target}/{profile}/orchestrator"), link)
}
