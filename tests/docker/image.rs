//! Images of people's own, made from this machine's files: no registry is asked for anything.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use tar::{Builder, Header};

use crate::engine::Engine;

/// An image that is removed when this is dropped.
pub(crate) struct Image<'a> {
    engine: &'a Engine,
    /// Its name and tag.
    pub(crate) name: String,
}

impl<'a> Image<'a> {
    /// This machine's Python with the modules that the shipped programs import, and no more: neither
    /// a shell nor an /etc.
    pub(crate) fn python(engine: &'a Engine) -> Self {
        Self::of(engine, "e2e-python", &python(), &[])
    }

    /// This machine's `sleep`.
    pub(crate) fn programs(engine: &'a Engine) -> Self {
        let mut files = libraries("/bin/sleep");
        files.insert("/bin/sleep".to_owned());
        Self::of(engine, "e2e-programs", &files, &[])
    }

    /// One with these files, each at its own place, and changes to its configuration.
    pub(crate) fn of(
        engine: &'a Engine,
        name: &str,
        files: &BTreeSet<String>,
        changes: &[&str],
    ) -> Self {
        let mut tar = Builder::new(Vec::new());
        for path in files {
            append(&mut tar, path);
        }
        let name = format!("{name}:{}", std::process::id());
        engine.import(&name, tar.into_inner().unwrap(), changes);
        Self { engine, name }
    }
}

impl Drop for Image<'_> {
    fn drop(&mut self) {
        self.engine.remove_image(&self.name);
    }
}

fn append(tar: &mut Builder<Vec<u8>>, path: &str) {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut header = Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o755);
    let path = path.trim_start_matches('/');
    tar.append_data(&mut header, path, &bytes[..]).unwrap();
}

/// The interpreter, its modules, and the libraries of both.
fn python() -> BTreeSet<String> {
    // Names become addresses by way of IDNA.
    let script = "import encodings.idna, site, socket, struct, sys\n\
                  import base64, concurrent.futures.process, concurrent.futures.thread, json, shlex\n\
                  import multiprocessing.popen_fork, multiprocessing.resource_tracker\n\
                  import multiprocessing.queues, multiprocessing.synchronize\n\
                  import hashlib, hmac, multiprocessing.resource_sharer, tempfile\n\
                  print(sys.executable)\n\
                  for module in list(sys.modules.values()):\n    \
                      print(getattr(module, '__file__', None) or '')";
    let listed = output("/usr/bin/python3", &["-I", "-S", "-c", script]);
    let mut files: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
    files.retain(|path| path.starts_with('/'));
    let binaries: Vec<String> = files
        .iter()
        .filter(|path| !is_source(path))
        .cloned()
        .collect();
    for binary in binaries {
        files.extend(libraries(&binary));
    }
    files
}

fn is_source(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|ending| ending == "py")
}

/// The libraries of a program, its loader among them.
fn libraries(program: &str) -> BTreeSet<String> {
    let listed = output("ldd", &[program]);
    let path = |line: &str| {
        let mut words = line.split_whitespace();
        words.find(|word| word.starts_with('/')).map(str::to_owned)
    };
    listed.lines().filter_map(path).collect()
}

fn output(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
