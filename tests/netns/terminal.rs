//! A shell on a terminal.

use std::fs::File;
use std::io::{Read, Write};

use e2e::sandbox::Who;
use nix::pty::{Winsize, openpty};

use crate::stage::{Play, Stage};

pub(crate) const TRIALS: &[Play] = &[("a_shell_has_a_terminal", a_shell_has_a_terminal)];

const LAB: &str = "
name = \"shell\"
[node.a]
";

fn a_shell_has_a_terminal(who: Who) {
    let stage = Stage::with_lab(who, LAB);
    stage.run("deploy").succeeds();
    let size = Winsize {
        ws_row: 33,
        ws_col: 77,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let ends = openpty(Some(&size), None).unwrap();
    let (mut ours, its) = (File::from(ends.master), File::from(ends.slave));
    let mut command = stage.sandbox.command(["shell", "a"]);
    command.stdin(its.try_clone().unwrap());
    command.stdout(its.try_clone().unwrap()).stderr(its);
    let mut child = command.spawn().unwrap();
    // What holds the terminal's other end must be the child alone, or its end is never seen.
    drop(command);
    ours.write_all(b"tty; stty size; exit 5\n").unwrap();
    let mut shown = Vec::new();
    // EIO says that the other end is closed (pty(7)).
    let _ = ours.read_to_end(&mut shown);
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains("/dev/pts/"), "{shown}");
    assert!(shown.contains("33 77"), "{shown}");
    assert_eq!(child.wait().unwrap().code(), Some(5));
    stage.run("down shell").succeeds();
    stage.is_as_before();
}
