//! Ways out of a node, each tried by a program in it that runs as the node's root: out to this machine, and to the agent, whose
//! word decides a verdict.

use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use nix::libc;
use plumbing::capability::Rights;
use plumbing::child::ChildSetup;
use plumbing::confinement::Confinement;
use plumbing::own_limits::OwnLimits;
use plumbing::peer::is_unconfined;
use protocol::settings::Sandbox;

use crate::support::{NODE, Raised, plan, run};
use crate::user::{NOBODY, as_ordinary_user};

/// System calls that no program of a node may make, with arguments that would do no harm.
const CALLS: [(&str, libc::c_long); 26] = [
    ("acct", libc::SYS_acct),
    ("add_key", libc::SYS_add_key),
    ("bpf", libc::SYS_bpf),
    ("clock_settime", libc::SYS_clock_settime),
    ("fsopen", libc::SYS_fsopen),
    ("init_module", libc::SYS_init_module),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("kcmp", libc::SYS_kcmp),
    ("kexec_load", libc::SYS_kexec_load),
    ("keyctl", libc::SYS_keyctl),
    ("mount", libc::SYS_mount),
    ("mount_setattr", libc::SYS_mount_setattr),
    ("move_mount", libc::SYS_move_mount),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
    ("open_tree", libc::SYS_open_tree),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("pidfd_getfd", libc::SYS_pidfd_getfd),
    ("pivot_root", libc::SYS_pivot_root),
    ("process_vm_readv", libc::SYS_process_vm_readv),
    ("quotactl", libc::SYS_quotactl),
    ("request_key", libc::SYS_request_key),
    ("setns", libc::SYS_setns),
    ("swapon", libc::SYS_swapon),
    ("umount2", libc::SYS_umount2),
    ("unshare", libc::SYS_unshare),
    ("userfaultfd", libc::SYS_userfaultfd),
];

/// Prints what came of each try that did not come to `EPERM`.
const TRIES: &str = r#"
import ctypes, errno, os, resource, socket, stat, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

def call(number, *arguments):
    if libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)) == -1:
        raise OSError(ctypes.get_errno(), "")

def attempt(name, how, expected=("EPERM",)):
    try:
        how()
        came = "done"
    except ValueError:
        came = "EPERM"
    except OSError as error:
        came = errno.errorcode[error.errno]
    if came not in expected:
        print(name, came)

def read(path):
    with open(path, "rb") as file:
        file.read(1)

def write(path, text):
    with open(path, "w") as file:
        file.write(text)

for word in sys.argv[1:]:
    name, number = word.split("=")
    attempt(name, lambda: call(int(number), 0, 0, 0, 0, 0))

NEWUSER, SIGCHLD = 0x10000000, 17
attempt("clone with a user namespace", lambda: call(CLONE, NEWUSER | SIGCHLD, 0, 0, 0, 0))
attempt("clone3", lambda: call(CLONE3, 0, 0), ["ENOSYS"])
attempt("a socket to the host of a machine", lambda: socket.socket(40, socket.SOCK_STREAM))
attempt("the limits of the agent", lambda: resource.prlimit(1, resource.RLIMIT_CPU, (1, 1)))
ATTACH, SEIZE = 16, 0x4206
attempt("attaching to the agent", lambda: call(PTRACE, ATTACH, 1, 0, 0))
attempt("seizing the agent", lambda: call(PTRACE, SEIZE, 1, 0, 0))
closed = ["EACCES", "EPERM"]
for file in ["mem", "environ", "fd/0", "fd/1", "fd/3", "exe", "root/etc/passwd", "cwd", "maps"]:
    attempt("the agent's " + file, lambda: read("/proc/1/" + file), closed)
attempt("killing the agent", lambda: os.kill(1, 9) or os.kill(1, 0) or os.kill(1, 19), ["done", "EPERM"])

for name, kind, device in [("disk", stat.S_IFBLK, (8, 0)), ("memory", stat.S_IFCHR, (1, 1))]:
    attempt("making the device " + name, lambda: os.mknod("/tmp/" + name, kind | 0o600, os.makedev(*device)))
for device in ["kvm", "loop-control", "fuse", "mem", "sda", "vda", "userfaultfd"]:
    attempt("the device " + device, lambda: read("/dev/" + device), ["ENOENT"])
unwritable = ["EACCES", "EROFS", "EPERM", "ENOENT"]
for file in ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger",
             "/proc/sys/vm/drop_caches", "/proc/irq/default_smp_affinity", "/sys/kernel/uevent_helper"]:
    attempt("writing " + file, lambda: write(file, "0"), unwritable)
hidden = closed + ["ENOENT"]
for file in ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/latency_stats"]:
    if os.path.exists(file) and not stat.S_ISCHR(os.stat(file).st_mode):
        attempt("reading " + file, lambda: read(file), hidden if file != "/proc/keys" else hidden + ["done"])

for file in ["oom_score_adj", "coredump_filter", "clear_refs", "timerslack_ns"]:
    attempt("writing the agent's " + file, lambda: write("/proc/1/" + file, "1"), unwritable)
for file in ["/etc/shadow", "/root/.ssh/id_rsa", "/sys/fs/cgroup/memory/cgroup.procs", "/sys/kernel/debug/sched"]:
    attempt("reading " + file, lambda: read(file), hidden)
attempt("more open files", lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 20, 1 << 20)), ["EPERM"])

# The networks that the lab's own are joined to, by their numbers (IFLA_TARGET_NETNSID, linux/if_link.h).
def dump(number):
    route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    body = bytes(16) + (8).to_bytes(2, "little") + (46).to_bytes(2, "little") + number.to_bytes(4, "little")
    head = (16 + len(body)).to_bytes(4, "little") + (18).to_bytes(2, "little") + (0x301).to_bytes(2, "little") + bytes(8)
    route.send(head + body)
    answer = route.recv(65536)
    refused = -int.from_bytes(answer[16:20], "little", signed=True)
    if int.from_bytes(answer[4:6], "little") in (2, 3) and refused:
        raise OSError(refused, "")
for number in range(3):
    attempt("the network with number %d" % number, lambda: dump(number), ["EACCES", "EPERM", "EINVAL"])

if any(line.strip().split(":")[2] not in ("/", "/..") for line in open("/proc/self/cgroup")):
    print("control groups", open("/proc/self/cgroup").read())

status = dict(line.split(":", 1) for line in open("/proc/self/status"))
rights = {name: int(status[name], 16) for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]}
if rights != {"CapInh": 0, "CapPrm": RIGHTS, "CapEff": RIGHTS, "CapBnd": RIGHTS, "CapAmb": 0}:
    print("rights", {name: hex(right) for name, right in rights.items()})
for name, expected in [("NoNewPrivs", "1"), ("Seccomp", "2")]:
    if status[name].strip() != expected:
        print(name, status[name])
print("all tried")
"#;

/// The rights that container engines give, without `SETPCAP`, and `NET_ADMIN`.
const RIGHTS: u64 = 0xa004_34fb;

/// Does all that labs need.
const NEEDS: &str = r#"
import fcntl, os, signal, socket, struct, subprocess, threading
socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)).bind(("eth0", 0))
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
if os.path.exists("/dev/net/tun") and os.access("/dev/net/tun", os.R_OK | os.W_OK):
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", b"tap0", 2 | 0x1000))
for words in ["ip link add d0 type dummy", "ip route add 10.9.0.0/24 via 10.0.0.2",
              "ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev eth0", "tc qdisc add dev eth0 root pfifo limit 10",
              "tc qdisc add dev eth0 clsact", "ping -c 1 -W 5 10.0.0.2"]:
    done = subprocess.run(words.split(), capture_output=True, text=True)
    if done.returncode and "Unknown device type" not in done.stderr and "Specified qdisc" not in done.stderr:
        print(words, done.stderr)
started = threading.Thread(target=lambda: None)
started.start()
started.join()
child = os.fork()
if child == 0:
    os.setgroups([])
    os.setgid(1)
    os.setuid(1)
    signal.pause()
os.kill(child, signal.SIGTERM)
os.waitpid(child, 0)
os.mkfifo("/tmp/pipe")
os.chown("/tmp/pipe", 0, 0)
print("all done")
"#;

/// Runs a Python program in the first node.
async fn python(lab: &Raised, program: &str, arguments: &str) -> String {
    let put = lab.controls[0].put("/tmp/tries.py", 0o644, program.as_bytes());
    put.await.unwrap();
    let script = format!("/usr/bin/python3 /tmp/tries.py {arguments} 2>&1; true");
    lab.shell(0, &script).await
}

async fn no_way_leads_out_of_a_node() {
    let lab = Raised::new(plan("escapes", 2)).await;
    let calls = CALLS.map(|(name, number)| format!("{name}={number}"));
    let numbers = format!(
        "CLONE, CLONE3, PTRACE, RIGHTS = {}, {}, {}, {RIGHTS}\n{TRIES}",
        libc::SYS_clone,
        libc::SYS_clone3,
        libc::SYS_ptrace
    );
    assert_eq!(python(&lab, &numbers, &calls.join(" ")).await, "all tried");
    assert_eq!(python(&lab, NEEDS, "").await, "all done");
    // The agent is as it was.
    assert_eq!(lab.shell(0, "echo there").await, "there");
    lab.remove().await;
}

/// Starts a confined program that connects to the socket `at`, or listens there, and then says so.
fn confined(script: &str, at: &Path) -> Child {
    let script = format!(
        "import socket, sys, time; s = socket.socket(1); {script}; print(flush=True); time.sleep(60)"
    );
    let mut start = Command::new("/usr/bin/python3");
    start.arg("-c").arg(script).arg(at).stdout(Stdio::piped());
    let setup = ChildSetup {
        terminal: false,
        control_groups: Arc::new([]),
        limits: OwnLimits::default(),
        enclosure: None,
        confinement: Some((Arc::new(Confinement::new().unwrap()), Rights::Few)),
    };
    setup.apply(&mut start);
    let mut program = start.spawn().unwrap();
    let said = program.stdout.as_mut().unwrap();
    said.read_exact(&mut [0]).unwrap();
    program
}

fn end(mut program: Child) {
    program.kill().unwrap();
    program.wait().unwrap();
}

/// On Docker a node's programs see the agent's socket, and could put another in its place.
#[test]
fn a_program_of_a_node_is_known_at_the_other_end_of_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    let ours = folder.path().join("ours");
    let listener = UnixListener::bind(&ours).unwrap();
    let program = confined("s.connect(sys.argv[1])", &ours);
    let (stream, _) = listener.accept().unwrap();
    assert!(!is_unconfined(&stream).unwrap());
    end(program);
    is_unconfined(&stream).unwrap_err();
    let its = folder.path().join("its");
    let program = confined("s.bind(sys.argv[1]); s.listen()", &its);
    let stream = UnixStream::connect(&its).unwrap();
    assert!(!is_unconfined(&stream).unwrap());
    end(program);
}

#[test]
fn no_way_leads_out_of_a_node_of_root() {
    run(no_way_leads_out_of_a_node());
}

#[test]
fn no_way_leads_out_of_a_node_of_a_user() {
    as_ordinary_user("escapes::for_a_user_no_way_leads_out_of_a_node");
}

#[test]
#[ignore = "run as an ordinary user by the test above"]
fn for_a_user_no_way_leads_out_of_a_node() {
    run(no_way_leads_out_of_a_node());
}

/// Returns the kernel's words on how a node's programs are confined.
async fn confinement(lab: &Raised, node: usize) -> String {
    let words = lab
        .shell(node, "grep -E 'NoNewPrivs|Seccomp:' /proc/self/status")
        .await;
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns how the numbers of a node's users are mapped to those of this machine.
async fn users(lab: &Raised, node: usize) -> Vec<String> {
    let map = lab.shell(node, "cat /proc/self/uid_map").await;
    map.split_whitespace().map(str::to_owned).collect()
}

/// They are none of a real user, and the agent is another user than all of them.
#[test]
fn the_users_of_a_node_of_root_are_none_of_this_machine() {
    run(async {
        let lab = Raised::new(plan("users", 1)).await;
        assert_eq!(users(&lab, 0).await, ["0", "2119630848", "65536"]);
        assert_eq!(lab.shell(0, "stat -c %u /proc/1").await, "65534");
        assert_eq!(
            lab.shell(0, "stat -c %u /root /tmp /etc/passwd").await,
            "0\n0\n0"
        );
        lab.remove().await;
    });
}

/// Its agents' sockets are in a part of the file system that nodes of an ordinary user are shown as it is.
#[test]
fn a_node_of_a_user_does_not_see_the_sockets_of_others() {
    let shown = tempfile::Builder::new().prefix(SHOWN).tempdir_in("/opt");
    let shown = shown.unwrap();
    std::os::unix::fs::chown(shown.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    as_ordinary_user("escapes::for_a_user_sockets_of_others_are_out_of_sight");
}

#[test]
#[ignore = "run as an ordinary user by the test above"]
fn for_a_user_sockets_of_others_are_out_of_sight() {
    run(async {
        let mut found = std::fs::read_dir("/opt")
            .unwrap()
            .map(|entry| entry.unwrap());
        let place = found.find(|entry| entry.file_name().to_string_lossy().starts_with(SHOWN));
        let state = tempfile::tempdir_in(place.unwrap().path()).unwrap();
        let path = state.path().display().to_string();
        let lab = Raised::recorded_in(state, Path::new(NODE), plan("sockets", 2)).await;
        let here = std::fs::read_dir(&path).unwrap().count();
        assert_ne!(here, 0);
        assert_eq!(lab.shell(0, &format!("ls -A {path}")).await, "");
        lab.remove().await;
    });
}

/// The beginning of the name of a folder of an ordinary user's in `/opt`.
const SHOWN: &str = "netns-shown-";

#[test]
fn a_node_without_a_sandbox_is_not_confined_and_others_are() {
    run(async {
        let mut plan = plan("free", 2);
        plan.nodes[0].settings.sandbox = Sandbox::Off;
        let lab = Raised::new(plan).await;
        assert_eq!(confinement(&lab, 0).await, "NoNewPrivs: 0 Seccomp: 0");
        assert_eq!(confinement(&lab, 1).await, "NoNewPrivs: 1 Seccomp: 2");
        lab.shell(0, "mount -t tmpfs none /mnt && umount /mnt")
            .await;
        lab.remove().await;
    });
}
