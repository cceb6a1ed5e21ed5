//! The project's own files, as the rules see them.

use std::fs;
use std::io;
use std::path::Path;

/// A file of the project.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its path from the project's root.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// All files that rules look at.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Sorted by path.
    pub(crate) sources: Vec<Source>,
}

impl Tree {
    /// Reads the project at `root`.
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut sources = Vec::new();
        read_folder(root, "", &mut sources)?;
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { sources })
    }

    /// A made-up project, to see a rule fire.
    pub(crate) fn sample(files: &[(&str, &str)]) -> Self {
        let source = |&(path, text): &(&str, &str)| Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        Self {
            sources: files.iter().map(source).collect(),
        }
    }

    /// Every Rust file.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.sources
            .iter()
            .filter(|source| source.has_extension("rs"))
    }

    /// Every Rust file of the product: neither tests nor benchmarks nor build scripts.
    pub(crate) fn product(&self) -> impl Iterator<Item = &Source> {
        self.rust().filter(|source| {
            let path = &source.path;
            path.split('/').nth(1) == Some("src")
                && !path.starts_with("tests/")
                && !path.starts_with("bench/")
        })
    }

    /// The file at a path.
    pub(crate) fn file(&self, path: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == path)
    }
}

impl Source {
    /// Whether its name ends so.
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|found| found == extension)
    }

    /// Its file name.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Its lines, numbered from 1, without comments. What looks like a comment in a string goes too.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let bare = |line: &'_ str| line.find("//").unwrap_or(line.len());
        self.text
            .lines()
            .enumerate()
            .map(move |(index, line)| (index + 1, &line[..bare(line)]))
    }

    /// Complains of every code line for which `wrong` holds.
    pub(crate) fn complain(&self, wrong: impl Fn(&str) -> bool) -> Vec<String> {
        let bad = self.code().filter(|(_, line)| wrong(line));
        bad.map(|(number, line)| format!("{}:{number}: {}", self.path, line.trim()))
            .collect()
    }

    /// Complains of every line, comments included, for which `wrong` holds.
    pub(crate) fn find(&self, wrong: impl Fn(&str) -> bool) -> Vec<String> {
        let bad = self.text.lines().enumerate();
        let bad = bad.filter(|(_, line)| wrong(line));
        bad.map(|(index, line)| format!("{}:{}: {}", self.path, index + 1, line.trim()))
            .collect()
    }
}

/// Whether `word` stands in `line` with no letter, digit or underscore at either side.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

fn read_folder(folder: &Path, prefix: &str, sources: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && !name.starts_with('.') && !name.starts_with("target") {
            read_folder(&entry.path(), &format!("{path}/"), sources)?;
        } else if kind.is_file() && READ.iter().any(|end| name.ends_with(end)) {
            let text = fs::read_to_string(entry.path())?;
            sources.push(Source { path, text });
        }
    }
    Ok(())
}

const READ: [&str; 3] = [".rs", ".toml", ".md"];
