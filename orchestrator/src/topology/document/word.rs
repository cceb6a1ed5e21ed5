//! The words of the file: how each is parsed, what to write in place of a wrong one, and its JSON Schema.

use ipnet::IpNet;
use protocol::conversation::Connections;
use protocol::name::{FileName, InterfaceName, LabName, NameError, NetworkName, NodeName};
use protocol::settings::{MacAddress, MacError, Sandbox};
use protocol::stress::{Operation, Workers};
use protocol::unit::{ByteSize, Percent, Rate, Time, UnitError};
use schemars::{Schema, json_schema};
use std::net::IpAddr;

use crate::topology::model::{
    Answer, BroadcastAddress, CaptureMode, Durability, Framing, LineEnd, Model, StaticRoute,
};
use crate::topology::suggestion::instead_of;

/// A value that is one word of the file.
pub(in crate::topology) trait Word: Sized {
    /// Its TOML type, besides a string.
    const SHAPE: Shape = Shape::Text;
    /// The noun for it, with its article.
    const NOUN: &'static str;
    /// The form of the word: a regular expression for editors, anchored by [`Self::schema`]. The parser may
    /// be stricter.
    const PATTERN: &'static str = ".*";

    /// Parses the text after its variables are replaced. An error says what to write instead.
    fn parse(text: &str) -> Result<Self, String>;

    /// Its JSON Schema. Any word may be given as a string with variables.
    fn schema() -> Schema {
        let pattern = match Self::PATTERN {
            ".*" => return Self::SHAPE.schema(json_schema!({ "type": "string" })),
            pattern => format!("^({pattern}|.*\\$\\{{.*)$"),
        };
        Self::SHAPE.schema(json_schema!({ "type": "string", "pattern": pattern }))
    }
}

/// The TOML type of a word, besides a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::topology) enum Shape {
    /// Nothing.
    Text,
    /// An integer.
    Integer,
    /// An integer or a float.
    Number,
    /// `true` or `false`.
    Flag,
    /// All of these.
    Scalar,
}

impl Shape {
    fn schema(self, text: Schema) -> Schema {
        let other = match self {
            Self::Text => return text,
            Self::Integer => json_schema!({ "type": "integer", "minimum": 0 }),
            Self::Number => json_schema!({ "type": "number", "minimum": 0 }),
            Self::Flag => json_schema!({ "type": "boolean" }),
            Self::Scalar => json_schema!({ "type": ["number", "boolean"] }),
        };
        json_schema!({ "anyOf": [other, text] })
    }
}

/// Any text.
#[derive(Debug)]
pub(in crate::topology) struct Text(pub(in crate::topology) String);

/// Any text but an empty one.
#[derive(Debug)]
pub(in crate::topology) struct Filled(pub(in crate::topology) String);

/// A variable's value.
#[derive(Debug)]
pub(in crate::topology) struct Scalar;

/// `true` or `false`.
#[derive(Debug)]
pub(in crate::topology) struct Flag(pub(in crate::topology) bool);

/// A number of things, at least one.
#[derive(Debug)]
pub(in crate::topology) struct Count(pub(in crate::topology) u32);

/// An exit code.
#[derive(Debug)]
pub(in crate::topology) struct ExitCode(pub(in crate::topology) i32);

/// A port's number.
#[derive(Debug)]
pub(in crate::topology) struct Port(pub(in crate::topology) u16);

/// Processors, in thousandths of one.
#[derive(Debug)]
pub(in crate::topology) struct Cpus(pub(in crate::topology) u32);

/// A subnet.
#[derive(Debug)]
pub(in crate::topology) struct Subnet(pub(in crate::topology) IpNet);

/// An address, with or without the length of its prefix.
#[derive(Debug, Clone, Copy)]
pub(in crate::topology) struct Address {
    pub(in crate::topology) ip: IpAddr,
    pub(in crate::topology) prefix: Option<u8>,
}

/// The reference of a container image.
#[derive(Debug)]
pub(in crate::topology) struct Image(pub(in crate::topology) String);

/// Whether a scenario is to pass or to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::topology) enum ExpectWord {
    Pass,
    Fail,
}

/// A signal's number.
#[derive(Debug)]
pub(in crate::topology) struct Signal(pub(in crate::topology) i32);

impl Word for Text {
    const NOUN: &'static str = "a text";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

impl Word for Filled {
    const NOUN: &'static str = "a text";
    const PATTERN: &'static str = "[\\s\\S]+";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("write something, or leave it out".to_owned()),
            text => Ok(Self(text.to_owned())),
        }
    }
}

impl Word for Scalar {
    const SHAPE: Shape = Shape::Scalar;
    const NOUN: &'static str = "a value";

    fn parse(_: &str) -> Result<Self, String> {
        Ok(Self)
    }
}

impl Word for Flag {
    const SHAPE: Shape = Shape::Flag;
    const NOUN: &'static str = "true or false";
    const PATTERN: &'static str = "true|false";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Self)
            .map_err(|_| "write true or false".to_owned())
    }
}

impl Word for Count {
    const SHAPE: Shape = Shape::Integer;
    const NOUN: &'static str = "a number of things";
    const PATTERN: &'static str = "[0-9]+";

    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(0) | Err(_) => Err("write a whole number of at least 1".to_owned()),
            Ok(count) => Ok(Self(count)),
        }
    }
}

impl Word for ExitCode {
    const SHAPE: Shape = Shape::Integer;
    const NOUN: &'static str = "an exit code";
    const PATTERN: &'static str = "[0-9]+";

    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(code @ 0..=255) => Ok(Self(code)),
            _ => Err("write a whole number from 0 to 255".to_owned()),
        }
    }
}

impl Word for Port {
    const SHAPE: Shape = Shape::Integer;
    const NOUN: &'static str = "a port";
    const PATTERN: &'static str = "[0-9]+";

    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(0) | Err(_) => Err("write a whole number from 1 to 65535".to_owned()),
            Ok(port) => Ok(Self(port)),
        }
    }
}

impl Word for Cpus {
    const SHAPE: Shape = Shape::Number;
    const NOUN: &'static str = "a number of processors";
    const PATTERN: &'static str = "[0-9.]+";

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked before"
    )]
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(cpus) if (0.01..=1024.0).contains(&cpus) => Ok(Self((cpus * 1000.0).round() as u32)),
            _ => Err("write a number from 0.01 to 1024, such as 1.5".to_owned()),
        }
    }
}

impl Word for Subnet {
    const NOUN: &'static str = "a subnet";
    const PATTERN: &'static str = "[0-9a-fA-F:.]+/[0-9]+";

    fn parse(text: &str) -> Result<Self, String> {
        let net: IpNet = text.parse().map_err(|_| {
            "write an address and the length of its prefix: 10.0.0.0/24, fd00::/64".to_owned()
        })?;
        let reserved = match net {
            IpNet::V4(net) => {
                let first = net.network();
                first.is_loopback() || first.is_multicast() || first.octets()[0] >= 240
            }
            IpNet::V6(net) => net.network().is_multicast() || net.network().is_loopback(),
        };
        if net.trunc() != net {
            Err(format!(
                "write {}, the first address of that subnet",
                net.trunc()
            ))
        } else if reserved || net.network().is_unspecified() {
            Err("write one for hosts: 10.0.0.0/24, fd00::/64".to_owned())
        } else {
            Ok(Self(net))
        }
    }
}

impl Word for Address {
    const NOUN: &'static str = "an address";
    const PATTERN: &'static str = "[0-9a-fA-F:.]+(/[0-9]+)?";

    fn parse(text: &str) -> Result<Self, String> {
        let remedy = || "write an address: 10.0.0.5, fd00::5, 10.0.0.5/24".to_owned();
        if text.contains('/') {
            let net: IpNet = text.parse().map_err(|_| remedy())?;
            return Ok(Self {
                ip: net.addr(),
                prefix: Some(net.prefix_len()),
            });
        }
        let ip = text.parse().map_err(|_| remedy())?;
        Ok(Self { ip, prefix: None })
    }
}

impl Word for Image {
    const NOUN: &'static str = "an image";
    const PATTERN: &'static str = "[a-z0-9][A-Za-z0-9._/:@-]*";

    fn parse(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._/:@-".contains(c);
        let name = text.split(['@', ':']).next().unwrap_or_default();
        let good = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && text.chars().all(fits)
            && (name == text || !name.contains(|c: char| c.is_ascii_uppercase()));
        good.then(|| Self(text.to_owned()))
            .ok_or_else(|| "write a reference as engines take it: python:3.12-alpine".to_owned())
    }
}

impl Word for Signal {
    const NOUN: &'static str = "a signal";
    const PATTERN: &'static str = "(SIG)?[A-Z0-9]+";

    fn parse(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix("SIG").unwrap_or(text);
        SIGNALS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, number)| Self(*number))
            .ok_or_else(|| instead_of(name, &SIGNALS.map(|(known, _)| known)))
    }
}

impl Word for StaticRoute {
    const NOUN: &'static str = "a route";
    const PATTERN: &'static str = "(default|[0-9a-fA-F:.]+/[0-9]+) via [0-9a-fA-F:.]+";

    fn parse(text: &str) -> Result<Self, String> {
        let remedy = || "write subnet via neighbour: 10.2.0.0/24 via 10.1.0.2".to_owned();
        let (to, via) = text.split_once(" via ").ok_or_else(remedy)?;
        let via: IpAddr = via.parse().map_err(|_| remedy())?;
        let everything = match via {
            IpAddr::V4(_) => "0.0.0.0/0",
            IpAddr::V6(_) => "::/0",
        };
        let to = if to == "default" { everything } else { to };
        let to: IpNet = to.parse().map_err(|_| remedy())?;
        if to.addr().is_ipv4() != via.is_ipv4() {
            return Err("write both in IPv4 or both in IPv6".to_owned());
        }
        if to.trunc() != to {
            return Err(format!("write {} via {via}", to.trunc()));
        }
        Ok(Self { to, via })
    }
}

/// Words that parse themselves and whose errors say what to write.
macro_rules! parsed {
    ($($word:ty, $noun:literal, $pattern:literal, $remedy:expr;)*) => {$(
        impl Word for $word {
            const NOUN: &'static str = $noun;
            const PATTERN: &'static str = $pattern;

            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err($remedy)
            }
        }
    )*};
}

parsed! {
    LabName, "a lab's name", "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", |e: NameError| e.to_string();
    NodeName, "a node's name", "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", |e: NameError| e.to_string();
    NetworkName, "a network's name", "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", |e: NameError| e.to_string();
    InterfaceName, "an interface's name", "[!-.0-9;-~]{1,15}", |e: NameError| e.to_string();
    FileName, "a name", "[^/]{1,255}", |e: NameError| e.to_string();
    MacAddress, "a MAC address", "[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}", |e: MacError| e.to_string();
    Time, "a duration", "[0-9.]+(ns|us|µs|ms|s|m|h)", |e: UnitError| e.remedy.to_owned();
    Percent, "a share", "[0-9.]+%", |e: UnitError| e.remedy.to_owned();
    Rate, "a data rate", "[0-9.]+[kmg]?bit", |e: UnitError| e.remedy.to_owned();
    ByteSize, "a size", "[0-9.]+(B|kB|KB|KiB|MB|MiB|GB|GiB)", |e: UnitError| e.remedy.to_owned();
}

/// Words of which there are few.
macro_rules! one_of {
    ($($word:ty, $noun:literal: $($text:literal => $value:expr),*;)*) => {$(
        impl Word for $word {
            const NOUN: &'static str = $noun;

            fn parse(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok($value),)*
                    other => Err(instead_of(other, &[$($text),*])),
                }
            }

            fn schema() -> Schema {
                json_schema!({ "anyOf": [
                    { "enum": [$($text),*] },
                    { "type": "string", "pattern": "\\$\\{" },
                ] })
            }
        }
    )*};
}

one_of! {
    CaptureMode, "a capture mode":
        "full" => Self::Full, "headers" => Self::Headers, "off" => Self::Off;
    BroadcastAddress, "a broadcast address":
        "limited" => Self::Limited, "subnet" => Self::Subnet;
    ExpectWord, "an outcome": "pass" => Self::Pass, "fail" => Self::Fail;
    Framing, "a framing":
        "reliable" => Self::Reliable, "datagram" => Self::Datagram, "byte" => Self::Byte;
    Sandbox, "a sandbox":
        "default" => Self::Default, "strict" => Self::Strict, "off" => Self::Off;
    Connections, "a way to connect":
        "per-command" => Self::PerCommand, "shared" => Self::Shared;
    Answer, "a status": "ok" => Self::Ok, "error" => Self::Error;
    LineEnd, "an end of a line":
        "crlf" => Self::Crlf, "lf" => Self::Lf, "silence" => Self::Silence;
    Operation, "an operation":
        "upload" => Self::Upload, "download" => Self::Download;
    Durability, "a moment to be on the disk":
        "none" => Self::None, "file" => Self::File, "all" => Self::All;
    Workers, "a kind of worker":
        "thread" => Self::Thread, "process" => Self::Process, "async" => Self::Async;
    Model, "a model":
        "single-thread" => Self::SingleThread,
        "multi-thread" => Self::MultiThread,
        "multi-thread-async" => Self::MultiThreadAsync,
        "multi-process" => Self::MultiProcess,
        "multi-process-async" => Self::MultiProcessAsync;
}

/// A signal's name.
pub(in crate::topology) fn signal_name(number: i32) -> &'static str {
    let named = SIGNALS.iter().find(|(_, known)| *known == number);
    named.map_or("TERM", |(name, _)| name)
}

/// Signals that a program may be ended by, signal(7); the numbers are the same on x86-64 and arm64.
const SIGNALS: [(&str, i32); 7] = [
    ("TERM", 15),
    ("INT", 2),
    ("HUP", 1),
    ("QUIT", 3),
    ("KILL", 9),
    ("USR1", 10),
    ("USR2", 12),
];
