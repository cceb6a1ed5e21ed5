//! Files that the program makes and that lie in the project, against what it makes of them now.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

/// A file, and the words that make it.
const MADE: [(&str, &[&str]); 2] = [
    (
        "gns3/orchestrator-node.gns3a",
        &["export", "gns3-appliance"],
    ),
    (
        "gns3/two-servers.gns3project",
        &["export", "gns3project", "topologies/two-servers.toml"],
    ),
];

#[test]
fn what_is_generated_is_fresh() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (file, words) in MADE {
        let made = Command::new(env!("CARGO_BIN_EXE_orchestrator-under-test"))
            .args(words)
            .current_dir(&root)
            .output()?;
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{file}: {said}");
        let words = words.join(" ");
        assert!(
            fs::read(root.join(file))? == made.stdout,
            "{file} is stale; run `orchestrator {words} --output {file}`"
        );
    }
    Ok(())
}
