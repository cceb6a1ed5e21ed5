//! Names that are checked once and valid ever after.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a name. The message says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a name cannot be empty")]
    Empty,
    /// The text is longer than the kind of name allows.
    #[error("`{text}` has {length} bytes; at most {limit} are allowed")]
    TooLong {
        /// The text as written.
        text: String,
        /// Its length in bytes.
        length: usize,
        /// The longest allowed, in bytes.
        limit: usize,
    },
    /// The text holds a character that the kind of name does not allow.
    #[error("`{text}` contains {found:?}; {allowed}")]
    Character {
        /// The text as written.
        text: String,
        /// The first character that is not allowed.
        found: char,
        /// The allowed names, as a clause.
        allowed: &'static str,
    },
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                $check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                $check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// A node's name: one RFC 1123 label, so that it is a host name on every backend.
    NodeName, check_label
}

name! {
    /// A lab's name: one RFC 1123 label, for it becomes part of container and folder names.
    LabName, check_label
}

name! {
    /// A network's name: one RFC 1123 label.
    NetworkName, check_label
}

name! {
    /// An interface's name: 1 to 15 bytes without `/`, `:` or white space, and neither `.` nor `..`
    /// (`dev_valid_name` in the kernel's net/core/dev.c).
    InterfaceName, check_interface
}

name! {
    /// The name of a transferred file: one path component of at most 255 bytes. No path leaves the
    /// receive directory with it.
    FileName, check_file
}

/// RFC 1123 §2.1: letters, digits and hyphens, neither first nor last a hyphen, at most 63 bytes.
/// Lower case only, because Docker and DNS compare without case and the file system with it.
fn check_label(text: &str) -> Result<(), NameError> {
    check_length(text, 63)?;
    let allowed =
        "lower-case letters, digits and hyphens are allowed, with a letter or digit at both ends";
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bad = text
        .chars()
        .find(|&c| !(edge(c) || c == '-'))
        .or_else(|| text.chars().next().filter(|&c| !edge(c)))
        .or_else(|| text.chars().last().filter(|&c| !edge(c)));
    refuse(text, bad, allowed)
}

fn check_interface(text: &str) -> Result<(), NameError> {
    check_length(text, 15)?;
    let allowed = "visible ASCII characters other than `/` and `:` are allowed";
    let bad = text
        .chars()
        .find(|&c| !c.is_ascii_graphic() || c == '/' || c == ':');
    refuse(text, bad.or_else(|| dots_only(text)), allowed)
}

fn check_file(text: &str) -> Result<(), NameError> {
    check_length(text, 255)?;
    let allowed = "a file name is one path component without `/`, control characters, `.` or `..`";
    let bad = text.chars().find(|&c| c == '/' || c.is_control());
    refuse(text, bad.or_else(|| dots_only(text)), allowed)
}

fn dots_only(text: &str) -> Option<char> {
    matches!(text, "." | "..").then_some('.')
}

fn check_length(text: &str, limit: usize) -> Result<(), NameError> {
    match text.len() {
        0 => Err(NameError::Empty),
        length if length > limit => Err(NameError::TooLong {
            text: text.to_owned(),
            length,
            limit,
        }),
        _ => Ok(()),
    }
}

fn refuse(text: &str, bad: Option<char>, allowed: &'static str) -> Result<(), NameError> {
    match bad {
        Some(found) => Err(NameError::Character {
            text: text.to_owned(),
            found,
            allowed,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_name_is_an_rfc_1123_label() {
        for good in ["a", "alpine-1", "3com", &"x".repeat(63)] {
            assert!(good.parse::<NodeName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "Alpine", "a_b", "a.b", "ü", &"x".repeat(64)] {
            assert!(bad.parse::<NodeName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_interface_name_fits_the_kernel() {
        for good in ["eth0", "a.b", "fifteen-bytes-x"] {
            assert!(good.parse::<InterfaceName>().is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a:b", "a b", "sixteen-bytes-xx"] {
            assert!(bad.parse::<InterfaceName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_name_cannot_leave_its_directory() {
        for bad in ["", ".", "..", "../x", "/x", "a/b", "a\0b", "a\nb"] {
            assert!(bad.parse::<FileName>().is_err(), "{bad:?}");
        }
        assert!("two words.jpg".parse::<FileName>().is_ok());
    }
}
