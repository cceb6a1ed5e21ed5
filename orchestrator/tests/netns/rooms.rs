//! The view that a node has of this machine, and the files of its own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use protocol::control::Exit;
use protocol::keeper::Bind;
use protocol::settings::Sandbox;

use crate::support::{Raised, plan, run};
use crate::user::{NOBODY, as_ordinary_user};

/// Runs a Python program in a node.
async fn python(lab: &Raised, node: usize, program: &str) -> String {
    let put = lab.controls[node].put("/tmp/program.py", 0o644, program.as_bytes());
    put.await.unwrap();
    lab.shell(node, "/usr/bin/python3 /tmp/program.py 2>&1")
        .await
}

/// In a home, an interpreter that is there for nodes, and a key that is not.
fn furnish(home: &Path) {
    let shims = home.join(".pyenv/shims");
    fs::create_dir_all(&shims).unwrap();
    fs::write(shims.join("greet"), "#!/bin/sh\necho hello\n").unwrap();
    fs::set_permissions(shims.join("greet"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::write(home.join(".ssh/key"), "secret").unwrap();
}

async fn the_home_of_the_labs_user_is_closed_but_for_interpreters() {
    let home = std::env::home_dir().unwrap();
    let mut plan = plan("home", 3);
    plan.nodes[1].settings.sandbox = Sandbox::Strict;
    plan.nodes[2].settings.sandbox = Sandbox::Off;
    let lab = Raised::new(plan).await;
    let home = home.display();
    let greeting = format!("{home}/.pyenv/shims/greet");
    let key = format!("cat {home}/.ssh/key");
    assert_eq!(lab.shell(0, &greeting).await, "hello");
    assert_ne!(lab.try_shell(0, &key).await.exit, Exit::Code(0));
    assert_ne!(lab.try_shell(1, &greeting).await.exit, Exit::Code(0));
    assert_ne!(lab.try_shell(1, &key).await.exit, Exit::Code(0));
    let here = std::env::current_dir().unwrap();
    let marker = here.join("marker");
    fs::write(&marker, "").unwrap();
    lab.shell(0, &format!("test ! -e {}", marker.display()))
        .await;
    lab.shell(2, &format!("test -e {}", marker.display())).await;
    // The user's environment stays outside, but for what programs need.
    assert_eq!(lab.shell(0, "echo $CARGO_MANIFEST_DIR").await, "");
    lab.remove().await;
}

#[test]
fn the_home_of_a_user_is_closed_but_for_interpreters() {
    as_ordinary_user("rooms::for_a_user_the_home_is_closed_but_for_interpreters");
}

#[test]
#[ignore = "run as an ordinary user by the test above"]
fn for_a_user_the_home_is_closed_but_for_interpreters() {
    furnish(&std::env::home_dir().unwrap());
    run(the_home_of_the_labs_user_is_closed_but_for_interpreters());
}

/// A folder of `/opt`, which nodes see, with all that must not be shared.
fn shared_folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix(SHARED).tempdir_in("/opt");
    let folder = folder.unwrap();
    chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("original"), "original").unwrap();
    fs::write(folder.path().join("lock"), "").unwrap();
    let fifo = folder.path().join("fifo");
    mkfifo(&fifo, Mode::from_bits_truncate(0o666)).unwrap();
    for open in ["lock", "fifo"] {
        let open = folder.path().join(open);
        fs::set_permissions(open, fs::Permissions::from_mode(0o666)).unwrap();
    }
    folder
}

/// The beginning of the name of such a folder.
const SHARED: &str = "netns-shared-";

/// Prints each thing of this machine that can be reached through the folder.
const REACH: &str = r#"
import fcntl, os, socket, sys
folder = FOLDER
if open(folder + "/readable").read() != "seen\n":
    print("what everybody may read is not there")
try:
    if open(folder + "/original").read():
        print("the original")
except OSError:
    pass
try:
    socket.socket(socket.AF_UNIX).connect(folder + "/socket")
    print("a socket")
except OSError:
    pass
try:
    os.open(folder + "/fifo", os.O_WRONLY | os.O_NONBLOCK)
    print("a FIFO")
except OSError:
    pass
fcntl.flock(open(folder + "/lock"), fcntl.LOCK_EX | fcntl.LOCK_NB)
try:
    open(folder + "/new", "w")
    print("a new file")
except OSError:
    pass
print("all tried")
"#;

async fn nothing_in_a_shown_folder_is_shared(folder: &Path) {
    let original = folder.join("original");
    fs::write(folder.join("readable"), "seen\n").unwrap();
    let _socket = UnixListener::bind(folder.join("socket")).unwrap();
    fs::set_permissions(folder.join("socket"), fs::Permissions::from_mode(0o777)).unwrap();
    let mut both = fs::OpenOptions::new();
    let _reader = both
        .read(true)
        .write(true)
        .open(folder.join("fifo"))
        .unwrap();
    let lock = fs::File::open(folder.join("lock")).unwrap();
    let _lock = Flock::lock(lock, FlockArg::LockExclusive).unwrap();
    let mut plan = plan("shared", 1);
    plan.hidden.insert(original);
    let lab = Raised::new(plan).await;
    let reach = REACH.replace("FOLDER", &format!("{:?}", folder.display().to_string()));
    assert_eq!(python(&lab, 0, &reach).await, "all tried");
    lab.remove().await;
}

#[test]
fn a_node_of_root_shares_nothing_in_a_shown_folder() {
    let folder = shared_folder();
    run(nothing_in_a_shown_folder_is_shared(folder.path()));
}

#[test]
fn a_node_of_a_user_shares_nothing_in_a_shown_folder() {
    let _folder = shared_folder();
    as_ordinary_user("rooms::for_a_user_nothing_in_a_shown_folder_is_shared");
}

#[test]
#[ignore = "run as an ordinary user by the test above"]
fn for_a_user_nothing_in_a_shown_folder_is_shared() {
    let mut found = fs::read_dir("/opt")
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_ours = |path: &std::path::PathBuf| {
        path.to_string_lossy().contains(SHARED) && fs::write(path.join("probe"), "").is_ok()
    };
    let folder = found.find(is_ours).unwrap();
    run(nothing_in_a_shown_folder_is_shared(&folder));
}

async fn what_the_file_binds_is_seen_and_cannot_be_changed(place: &Path) {
    let tool = place.join("tool");
    fs::create_dir(&tool).unwrap();
    fs::write(tool.join("data"), "from here").unwrap();
    let mut plan = plan("binds", 2);
    let bind = |from: &Path, to: &str| Bind {
        from: from.display().to_string(),
        to: to.to_owned(),
    };
    plan.nodes[0].binds = vec![
        bind(&tool, "/opt-of-mine/tool"),
        bind(&tool.join("data"), "/root/one"),
    ];
    let lab = Raised::new(plan).await;
    for path in ["/opt-of-mine/tool/data", "/root/one"] {
        assert_eq!(lab.shell(0, &format!("cat {path}")).await, "from here");
        lab.try_shell(0, &format!("echo changed > {path}; rm -f {path}"))
            .await;
        lab.shell(1, &format!("test ! -e {path}")).await;
    }
    assert_eq!(fs::read_to_string(tool.join("data")).unwrap(), "from here");
    lab.remove().await;
}

#[test]
fn what_a_node_of_root_binds_cannot_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    run(what_the_file_binds_is_seen_and_cannot_be_changed(
        folder.path(),
    ));
}

#[test]
fn what_a_node_of_a_user_binds_cannot_be_changed() {
    as_ordinary_user("rooms::for_a_user_what_is_bound_cannot_be_changed");
}

#[test]
#[ignore = "run as an ordinary user by the test above"]
fn for_a_user_what_is_bound_cannot_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    run(what_the_file_binds_is_seen_and_cannot_be_changed(
        folder.path(),
    ));
}

/// Changes settings as root of a machine does: a user, a setting in a folder, a file that there was.
const SETTINGS: &str = r#"
import os
with open("/etc/passwd", "a") as file:
    file.write("guest:x:1000:1000::/home/guest:/bin/sh\n")
os.makedirs("/etc/service.d")
with open("/etc/service.d/own.conf", "w") as file:
    file.write("own")
os.makedirs("/home/guest")
os.chown("/home/guest", 1000, 1000) if IS_ROOT else None
os.remove("/etc/services") if os.path.exists("/etc/services") else None
for folder in ["/var/log", "/var/lib", "/var/cache", "/run", "/srv", "/mnt"]:
    with open(folder + "/own", "w") as file:
        file.write("own")
print(os.path.exists("/etc/shadow"))
"#;

async fn settings_are_a_nodes_own(is_root: bool) {
    let lab = Raised::new(plan("settings", 2)).await;
    let program = SETTINGS.replace("IS_ROOT", if is_root { "True" } else { "False" });
    assert_eq!(python(&lab, 0, &program).await, "False");
    lab.shell(0, "grep -q guest /etc/passwd").await;
    lab.shell(1, "! grep -q guest /etc/passwd").await;
    assert!(!Path::new("/etc/service.d").exists());
    lab.remove().await;
}

#[test]
fn settings_of_root_are_a_nodes_own() {
    run(settings_are_a_nodes_own(true));
}

#[test]
fn settings_of_a_user_are_a_nodes_own() {
    as_ordinary_user("rooms::for_a_user_settings_are_a_nodes_own");
}

#[test]
#[ignore = "run as an ordinary user by the test above"]
fn for_a_user_settings_are_a_nodes_own() {
    run(settings_are_a_nodes_own(false));
}
