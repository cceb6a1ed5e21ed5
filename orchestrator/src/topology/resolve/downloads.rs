//! The downloads of a sender before it sends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use protocol::name::{FileName, NodeName};

use super::scenarios::Stage;
use crate::topology::document::transfer::DownloadEntry;
use crate::topology::document::word::{Filled, Flag};
use crate::topology::document::{At, Many};
use crate::topology::model::{Download, Source};

/// Reads the downloads of a scenario.
pub(super) fn read(stage: &Stage<'_>, entries: &Many<At<DownloadEntry>>) -> Vec<Download> {
    let mut reader = Reader {
        stage,
        keys: BTreeSet::new(),
        served: BTreeMap::new(),
    };
    let entries = entries.0.iter();
    entries.filter_map(|entry| reader.download(entry)).collect()
}

struct Reader<'a> {
    stage: &'a Stage<'a>,
    keys: BTreeSet<FileName>,
    /// The files that nodes serve, by name.
    served: BTreeMap<(NodeName, String), PathBuf>,
}

impl Reader<'_> {
    fn download(&mut self, entry: &At<DownloadEntry>) -> Option<Download> {
        let cx = self.stage.cx;
        let key = cx.need(&entry.value.key, &entry.span, "key");
        if let Some(key) = &key
            && !self.keys.insert(key.clone())
        {
            let message = format!("two downloads have the key {key}");
            let remedy = "files are named by their keys: write another";
            cx.mistake(&entry.value.key.span(), message, remedy);
        }
        if let Some(key) = key.as_ref().filter(|key| !is_unreserved(key.as_str())) {
            let message = format!("`{key}` cannot be a key");
            cx.mistake(&entry.value.key.span(), message, UNRESERVED);
        }
        let source = self.source(entry);
        Some(Download {
            key: key?,
            source: source?,
        })
    }

    fn source(&mut self, entry: &At<DownloadEntry>) -> Option<Source> {
        let (cx, keys) = (self.stage.cx, &entry.value);
        let by_node = !keys.from.is_absent() || !keys.file.is_absent();
        match (by_node, keys.url.is_absent()) {
            (true, true) => self.origin(entry),
            (false, false) => {
                let Filled(url) = cx.get(&keys.url)?;
                if !is_web(&url) {
                    let message = format!("nodes cannot fetch `{url}`");
                    let remedy = "write http://HOST/PATH or https://HOST/PATH";
                    cx.mistake(&keys.url.span(), message, remedy);
                }
                let downgrade = cx.get(&keys.downgrade);
                let downgrade = downgrade.is_some_and(|Flag(downgrade)| downgrade);
                if downgrade && !url.starts_with("https://") {
                    let remedy = "remove it: what comes is in the open from the start";
                    cx.mistake(&keys.downgrade.span(), "`downgrade` without https", remedy);
                }
                Some(Source::Url { url, downgrade })
            }
            (true, false) => {
                let remedy = "write one of the two: a node that serves a file, or a URL";
                cx.mistake(&keys.url.span(), "`url` besides `from` and `file`", remedy);
                None
            }
            (false, true) => {
                let remedy = "add from = NODE and file = PATH, or url = \"http://…\"";
                cx.mistake(&entry.span, "it is not said where it comes from", remedy);
                None
            }
        }
    }

    fn origin(&mut self, entry: &At<DownloadEntry>) -> Option<Source> {
        let (cx, keys) = (self.stage.cx, &entry.value);
        if keys.from.is_absent() {
            cx.missing(&entry.span, "from");
        }
        if !keys.downgrade.is_absent() {
            let remedy = "remove it: nodes serve files without TLS";
            cx.mistake(&keys.downgrade.span(), "`downgrade` without `url`", remedy);
        }
        let node = self.stage.names.node(cx, &keys.from);
        let Filled(path) = cx.need(&keys.file, &entry.span, "file")?;
        let (path, span) = (Path::new(&path), keys.file.span());
        let ending = path.extension().and_then(|ending| ending.to_str());
        let ending = ending.map(str::to_ascii_lowercase).unwrap_or_default();
        if !ENDINGS.contains(&ending.as_str()) {
            let message = format!("{} is of no type that the labs download", path.display());
            let remedy = format!("write a file whose name ends in {}", ENDINGS.join(", "));
            cx.mistake(&span, message, remedy);
        }
        let file = cx.input(path, &span);
        let name = path.file_name()?.to_str()?.to_owned();
        let node = node?;
        if !is_unreserved(&name) {
            let message = format!("`{name}` would have to be written otherwise in a URL");
            cx.mistake(&span, message, UNRESERVED);
        }
        let at = (node.clone(), name.clone());
        let before = self.served.insert(at, file.clone());
        if before.is_some_and(|before| before != file) {
            let message = format!("{node} serves two files called {name}");
            cx.mistake(&span, message, "rename one");
        }
        Some(Source::Origin { node, file })
    }
}

fn is_web(url: &str) -> bool {
    let rest = ["http://", "https://"].map(|scheme| url.strip_prefix(scheme));
    let rest = rest.into_iter().flatten().next();
    let sound = |c: char| c.is_ascii_graphic();
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(sound))
}

/// Whether a text means itself in a URL (RFC 3986 §2.3).
fn is_unreserved(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    text.chars().all(fits)
}

const UNRESERVED: &str = "write letters, digits, and - . _ ~ only";

/// The endings of the files that the original labs download.
const ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "gif", "zip", "mov"];
