//! Scripted conversations with file servers.

use e2e::conversations;

use crate::image::Image;
use crate::programs::with_image;
use crate::site::Site;

/// Every command, and what must be refused.
pub(crate) fn the_fifth_labs_commands_pass() {
    let site = Site::new();
    site.sandbox.copy_project("topologies");
    let file = "topologies/file-server-commands.toml";
    let chosen = ["--scenario", "commands", "--scenario", "original-client"];
    let words = ["run", file, "--out", "out"];
    let said = site.says(&[&words[..], &chosen].concat());
    assert!(said.contains("143 of 143 commands"), "{said}");
    site.assert_nothing_of("file-server-commands");
}

/// A server of somebody's, in an image of somebody's.
pub(crate) fn a_python_server_passes_in_its_image() {
    let site = Site::new();
    let image = Image::python(&site.engine);
    site.sandbox.copy_project("topologies");
    for (name, bytes) in conversations::files() {
        site.sandbox.write(name, bytes);
    }
    for connection in ["per-command", "shared"] {
        let lab = conversations::python(connection);
        site.sandbox
            .write("lab.toml", with_image(&lab, &image.name));
        let said = site.says(&["run", "--out", connection]);
        assert!(said.contains("11 of 11 commands"), "{said}");
        site.assert_nothing_of("python");
    }
}
