//! Replies, as a server writes them: laid out as Python's `json.dumps` does it, for the labs' clients
//! may look at more than the JSON.

use std::fmt::Write;

use crate::name::FileName;

/// The reply to LIST.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut text = String::from(r#"{"status": "OK", "data": ["#);
    for (number, name) in names.into_iter().enumerate() {
        if number > 0 {
            text.push_str(", ");
        }
        quote(&mut text, name);
    }
    text.push(']');
    end(text)
}

/// The reply to UPLOAD.
pub fn uploaded(name: &FileName) -> Vec<u8> {
    simple("OK", "data", &format!("{name} has been uploaded"))
}

/// The reply to DELETE.
pub fn deleted(name: &FileName) -> Vec<u8> {
    simple("OK", "message", &format!("{name} has been deleted"))
}

/// The reply to what is refused.
pub fn error(reason: &str) -> Vec<u8> {
    simple("ERROR", "data", reason)
}

/// Returns the part of the reply to GET and DOWNLOAD that precedes a file's content.
pub fn file_head(name: &FileName) -> Vec<u8> {
    let mut text = String::from(r#"{"status": "OK", "data_namafile": "#);
    quote(&mut text, name.as_str());
    text.push_str(r#", "data_file": ""#);
    text.into_bytes()
}

/// The part that follows it.
pub const FILE_TAIL: &[u8] = b"\"}\r\n\r\n";

fn simple(status: &str, key: &str, value: &str) -> Vec<u8> {
    let mut text = format!(r#"{{"status": "{status}", "{key}": "#);
    quote(&mut text, value);
    end(text)
}

fn end(mut text: String) -> Vec<u8> {
    text.push_str("}\r\n\r\n");
    text.into_bytes()
}

/// A JSON string in ASCII, what lies beyond as UTF-16 escapes (RFC 8259 §7).
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a string does not fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn replies_look_like_pythons() {
        let name: FileName = "two words.jpg".parse().unwrap();
        for (reply, text) in [
            (list([]), r#"{"status": "OK", "data": []}"#),
            (
                list(["a.txt", "\u{fc}\u{1f600}.x"]),
                r#"{"status": "OK", "data": ["a.txt", "\u00fc\ud83d\ude00.x"]}"#,
            ),
            (
                uploaded(&name),
                r#"{"status": "OK", "data": "two words.jpg has been uploaded"}"#,
            ),
            (
                deleted(&name),
                r#"{"status": "OK", "message": "two words.jpg has been deleted"}"#,
            ),
            (
                error("no \"x\"\u{7f}"),
                r#"{"status": "ERROR", "data": "no \"x\"\u007f"}"#,
            ),
            (
                [file_head(&name), b"Zg==".to_vec(), FILE_TAIL[..2].to_vec()].concat(),
                r#"{"status": "OK", "data_namafile": "two words.jpg", "data_file": "Zg=="}"#,
            ),
        ] {
            let reply = String::from_utf8(reply).unwrap();
            assert_eq!(reply.trim_end_matches("\r\n\r\n"), text);
        }
        assert!(FILE_TAIL.ends_with(b"\r\n\r\n"));
    }

    proptest! {
        #[test]
        fn every_reason_is_json_in_ascii(reason: String) {
            let reply = error(&reason);
            prop_assert!(reply.is_ascii());
            let value: serde_json::Value = serde_json::from_slice(&reply).unwrap();
            prop_assert_eq!(value["data"].as_str(), Some(reason.as_str()));
        }
    }
}
