//! Compares a reply with the expected one, without I/O.

use std::collections::BTreeMap;

use protocol::conversation::ReplyRecord;

use crate::report::model::{FileOutcome, FileReport};
use crate::topology::model::{FileRequest, Reply};

/// Lists the differences from the expected reply, in words; empty where there is none. Differences of files
/// are told apart, by [`difference`].
pub fn judge(said: &FileRequest, expect: &Reply, heard: &ReplyRecord) -> Vec<String> {
    if let Some(failure) = &heard.failure {
        return vec![failure.clone()];
    }
    match expect {
        Reply::Error { .. } if heard.is_ok() => {
            vec!["it was done, but was to be refused".to_owned()]
        }
        Reply::Error { reason } => {
            let lacks = reason.as_ref().filter(|text| !heard.words.contains(*text));
            let wrong = |text| format!("the reason is {:?}, without {text:?} in it", heard.words);
            lacks.map(wrong).into_iter().collect()
        }
        Reply::Ok { .. } if !heard.is_ok() => vec![format!("it was refused: {}", heard.words)],
        Reply::Ok { names, equal } => {
            let fetches =
                matches!(said, FileRequest::Get(_) | FileRequest::Download(_)) || equal.is_some();
            let lists = *said == FileRequest::List || names.is_some();
            let mut wrong = Vec::new();
            if fetches && heard.content.is_none() {
                wrong.push("no file came along".to_owned());
            }
            match (&heard.names, names) {
                (None, _) if lists => wrong.push("no list of names came".to_owned()),
                (Some(found), Some(expected)) => wrong.extend(unlike(found, expected)),
                _ => {}
            }
            wrong
        }
    }
}

/// Describes a file that is not equal: `rock.jpg at server is changed, the first difference at byte 4096`.
pub fn difference(report: &FileReport) -> Option<String> {
    if report.outcome == FileOutcome::Equal {
        return None;
    }
    let (name, node, word) = (&report.name, &report.node, report.outcome.word());
    let at = report.first_difference;
    let at = at.map(|at| format!(", the first difference at byte {at}"));
    let why = report.note.as_ref().map(|note| format!(": {note}"));
    Some(format!(
        "{name} at {node} is {word}{}{}",
        at.unwrap_or_default(),
        why.unwrap_or_default()
    ))
}

/// Which names lack, and which are there that should not be, or more than once.
fn unlike(found: &[String], expected: &[String]) -> Vec<String> {
    let mut surplus: BTreeMap<&str, i64> = BTreeMap::new();
    for name in found {
        *surplus.entry(name).or_default() += 1;
    }
    for name in expected {
        *surplus.entry(name).or_default() -= 1;
    }
    let named = |wanted: fn(i64) -> bool| {
        let names = surplus.iter().filter(|(_, count)| wanted(**count));
        let names: Vec<String> = names.map(|(name, _)| format!("{name:?}")).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let missing = named(|count| count < 0).map(|names| format!("the list lacks {names}"));
    let extra = named(|count| count > 0).map(|names| format!("the list has {names} besides"));
    missing.into_iter().chain(extra).collect()
}

#[cfg(test)]
mod tests {
    use protocol::conversation::Moved;

    use super::*;

    fn heard(status: &str) -> ReplyRecord {
        ReplyRecord {
            status: Some(status.to_owned()),
            words: "no such file".to_owned(),
            ..ReplyRecord::default()
        }
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn ok(names: Option<&[&str]>) -> Reply {
        Reply::Ok {
            names: names.map(texts),
            equal: None,
        }
    }

    fn error(reason: Option<&str>) -> Reply {
        let reason = reason.map(str::to_owned);
        Reply::Error { reason }
    }

    #[test]
    fn a_status_and_a_reason_are_as_expected_or_named() {
        let delete = FileRequest::Delete("a".to_owned());
        for (expect, status, wrong) in [
            (ok(None), "OK", None),
            (ok(None), "ok", None),
            (ok(None), "ERROR", Some("it was refused: no such file")),
            (ok(None), "FAIL", Some("it was refused: no such file")),
            (error(None), "ERROR", None),
            (
                error(None),
                "OK",
                Some("it was done, but was to be refused"),
            ),
            (error(Some("such")), "ERROR", None),
            (
                error(Some("unknown")),
                "ERROR",
                Some("the reason is \"no such file\", without \"unknown\" in it"),
            ),
        ] {
            let found = judge(&delete, &expect, &heard(status));
            assert_eq!(found, texts(wrong.as_slice()), "{expect:?}, {status}");
        }
        let broken = ReplyRecord {
            failure: Some("no reply within 10s".to_owned()),
            ..heard("ERROR")
        };
        for expect in [ok(None), error(None)] {
            assert_eq!(judge(&delete, &expect, &broken), ["no reply within 10s"]);
        }
    }

    #[test]
    fn names_that_lack_and_names_too_many_are_named() {
        let list = |names: &[&str]| ReplyRecord {
            names: Some(texts(names)),
            ..heard("OK")
        };
        let expect = ok(Some(&["a", "b", "c"]));
        let judged = |names: &[&str]| judge(&FileRequest::List, &expect, &list(names));
        assert!(judged(&["c", "a", "b"]).is_empty());
        assert_eq!(judged(&["a"]), ["the list lacks \"b\", \"c\""]);
        let found = judged(&["a", "b", "c", "c", "z"]);
        assert_eq!(found, ["the list has \"c\", \"z\" besides"]);
        assert_eq!(judged(&["b", "c", "d"]).len(), 2);
        assert!(judge(&FileRequest::List, &ok(None), &list(&["x"])).is_empty());
        let none = judge(&FileRequest::List, &ok(None), &heard("OK"));
        assert_eq!(none, ["no list of names came"]);
    }

    #[test]
    fn a_fetch_that_is_done_has_a_file() {
        let get = FileRequest::Get("a".to_owned());
        assert_eq!(judge(&get, &ok(None), &heard("OK")), ["no file came along"]);
        let with = ReplyRecord {
            content: Some(Moved {
                bytes: 1,
                blake3: String::new(),
            }),
            ..heard("OK")
        };
        assert!(judge(&get, &ok(None), &with).is_empty());
    }
}
