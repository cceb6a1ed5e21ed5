//! Runs tests again as an ordinary user.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Runs an ignored test of this binary as the user `nobody`, from a place that they can read.
pub(crate) fn as_ordinary_user(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.path().join("test");
    // Another process writes the copy: if this one did, and forked meanwhile for another test, the
    // copy could not be run (ETXTBSY).
    let copied = Command::new("/bin/cp")
        .arg(std::env::current_exe().unwrap())
        .arg(&copy)
        .status();
    assert!(copied.unwrap().success());
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    let output = Command::new(&copy)
        .args([test, "--exact", "--ignored", "--nocapture"])
        .current_dir(&home)
        .env("TMPDIR", &home)
        .env("HOME", &home)
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "as an ordinary user:\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Its number.
pub(crate) const NOBODY: u32 = 65_534;
