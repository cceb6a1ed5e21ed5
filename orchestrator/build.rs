//! Builds the static node binary and hands it to the crate, which carries it inside itself.
//!
//! A nested cargo has its own target folder, for one with the same folder as the outer cargo waits
//! for its lock for ever. The outer cargo sets `CARGO_ENCODED_RUSTFLAGS` (often empty), which would
//! silently override `+crt-static`; and without an explicit `--target` that flag breaks proc macros.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    for input in ["node", "roles", "plumbing", "protocol"] {
        println!(
            "cargo::rerun-if-changed={}",
            root.join(input).join("src").display()
        );
        println!(
            "cargo::rerun-if-changed={}",
            root.join(input).join("Cargo.toml").display()
        );
    }
    // The latter has the profile that it is built with.
    for input in ["Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let target = format!("{}-unknown-linux-gnu", env::var("CARGO_CFG_TARGET_ARCH")?);
    // Beside the profile's `build` folder: it outlives a change of this script's own hash.
    let folder = out.ancestors().nth(3).unwrap_or(&out).join("embedded-node");
    let status = Command::new(env::var("CARGO")?)
        .current_dir(&root)
        .args([
            "build",
            "--package",
            "node",
            "--bin",
            "node",
            "--release",
            "--locked",
        ])
        .args(["--target", &target])
        .arg("--target-dir")
        .arg(&folder)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("CLIPPY_ARGS")
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .status()?;
    if !status.success() {
        return Err(format!("building the node binary for {target} failed: {status}").into());
    }
    let built = folder.join(&target).join("release/node");
    std::fs::copy(&built, out.join("node"))?;
    Ok(())
}
