//! A program in a node that would speak in its agent's place.

use crate::image::Image;
use crate::site::Site;

/// Prints each way that was open.
const TRIES: &str = r#"
import os, socket, stat
def attempt(name, how, *closed):
    try:
        how()
    except closed or PermissionError:
        return
    print(name)
for file in ["fd/0", "fd/1", "mem", "environ", "exe", "cwd"]:
    attempt("the agent's " + file, lambda: open("/proc/1/" + file, "rb").read(1))
attempt("a device", lambda: os.mknod("/disk", stat.S_IFBLK | 0o600, os.makedev(8, 0)))
agent = socket.socket(socket.AF_UNIX)
agent.settimeout(10)
agent.connect("/.orchestrator/agent.sock")
try:
    if agent.recv(1):
        print("the agent's socket")
except ConnectionResetError:
    pass
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(status["CapBnd"].strip(), status["NoNewPrivs"].strip(), status["Seccomp"].strip())
"#;

/// Puts another program in the place of the node's, and then another socket in that of its agent.
const PROGRAM: &str = r##"
import os
os.rename("/.orchestrator/node", "/.orchestrator/was")
with open("/.orchestrator/node", "w") as file:
    file.write("#!/bin/false")
os.chmod("/.orchestrator/node", 0o755)
"##;
const SOCKET: &str = r#"
import os, socket
path = "/.orchestrator/agent.sock"
os.rename(path, path + ".was")
if os.fork() == 0:
    os.setsid()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path + ".new")
    listener.listen()
    os.rename(path + ".new", path)
    while True:
        listener.accept()
while not os.path.exists(path):
    pass
os._exit(0)
"#;

pub(crate) fn a_program_cannot_speak_in_its_agents_place() {
    let site = Site::new();
    let image = Image::python(&site.engine);
    let lab = format!(
        "name = \"e2e-escapes\"\n[node.a]\nimage = \"{}\"\n",
        image.name
    );
    site.sandbox.write("lab.toml", lab);
    site.sandbox.run(["deploy"]).succeeds();
    let python = |script| ["exec", "a", "--", "python3", "-c", script];
    assert_eq!(site.says(&python(TRIES)), "00000000a00424fb 1 2\n");
    site.says(&python(PROGRAM));
    assert_eq!(site.says(&python("print('there')")), "there\n");
    // It can keep others from the agent, and that is all.
    site.says(&python(SOCKET));
    let said = site.complains(&python("print('there')"), 4);
    assert!(said.contains("node a"), "{said}");
    site.says(&["down", "e2e-escapes"]);
    site.assert_nothing_of("e2e-escapes");
}
