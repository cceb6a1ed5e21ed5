//! The settings of the built-in file server.

use std::time::Duration;

use protocol::unit::ByteSize;

/// The settings of the built-in file server. Those that are none have the server's own defaults (`node serve
/// --help`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service {
    /// When an uploaded file must be on the disk.
    pub sync: Option<Durability>,
    /// Whether it counts on the original lab's clients.
    pub compat: bool,
    /// The longest file that may be uploaded.
    pub max_file: Option<ByteSize>,
    /// The longest request line in bytes, contents not counted.
    pub max_line: Option<u32>,
    /// The number of connections that may be open.
    pub connections: Option<u32>,
    /// The longest time that a connection may make no progress.
    pub idle: Option<Duration>,
    /// The least part of a content or a reply that must move within that time.
    pub slowest: Option<ByteSize>,
    /// After how long a silence a command without a line's end is whole.
    pub silence: Option<Duration>,
    /// The time that requests already begun may take once the server is to end.
    pub drain: Option<Duration>,
    /// The bytes read or written at once.
    pub buffer: Option<ByteSize>,
}

/// When an uploaded file must be on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When the kernel thinks fit.
    None,
    /// Its content, before it has its name.
    File,
    /// Its name too, before the upload is acknowledged.
    All,
}

/// A value of a [`Service`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// A time.
    Time(Duration),
    /// A number of bytes.
    Size(ByteSize),
    /// A number.
    Count(u32),
    /// A word.
    Word(&'static str),
    /// `true`.
    Flag,
}

impl Service {
    /// Returns the settings that are set, by their names in the file.
    pub fn settings(&self) -> Vec<(&'static str, Setting)> {
        let sync = self.sync.map(|sync| Setting::Word(sync.word()));
        let all = [
            ("sync", sync),
            ("compat", self.compat.then_some(Setting::Flag)),
            ("max_file", self.max_file.map(Setting::Size)),
            ("max_line", self.max_line.map(Setting::Count)),
            ("connections", self.connections.map(Setting::Count)),
            ("idle", self.idle.map(Setting::Time)),
            ("slowest", self.slowest.map(Setting::Size)),
            ("silence", self.silence.map(Setting::Time)),
            ("drain", self.drain.map(Setting::Time)),
            ("buffer", self.buffer.map(Setting::Size)),
        ];
        let set = all.into_iter();
        set.filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }

    /// The arguments of `node serve` that set the same.
    pub fn arguments(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (name, value) in self.settings() {
            words.push(format!("--{}", name.replace('_', "-")));
            match value {
                Setting::Time(time) => words.push(format!("{}ms", time.as_millis())),
                Setting::Size(size) => words.push(size.0.to_string()),
                Setting::Count(count) => words.push(count.to_string()),
                Setting::Word(word) => words.push(word.to_owned()),
                Setting::Flag => {}
            }
        }
        words
    }
}

impl Durability {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::File => "file",
            Self::All => "all",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_set_is_said_to_the_server() {
        assert_eq!(Service::default().arguments(), Vec::<String>::new());
        let service = Service {
            compat: true,
            max_file: Some(ByteSize(5 << 20)),
            idle: Some(Duration::from_secs(2)),
            ..Service::default()
        };
        let words = ["--compat", "--max-file", "5242880", "--idle", "2000ms"];
        assert_eq!(service.arguments(), words);
    }
}
