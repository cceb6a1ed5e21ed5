//! Replies, cut at every point.

use proptest::prelude::*;

use super::answer::{Reply, ReplyError, ReplyEvent, ReplyParser};
use super::reply;

/// Replies with their contents, which are text.
fn read(pieces: &[&[u8]]) -> Result<Vec<(Reply, String)>, ReplyError> {
    let mut parser = ReplyParser::new(256);
    let mut replies = Vec::new();
    let mut content = String::new();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            let (taken, event) = parser.parse(rest)?;
            rest = &rest[taken..];
            match event {
                Some(ReplyEvent::Content(text)) => {
                    content.push_str(std::str::from_utf8(text).unwrap());
                }
                Some(ReplyEvent::Whole(reply)) => {
                    replies.push((reply, std::mem::take(&mut content)));
                }
                None => assert!(rest.is_empty()),
            }
        }
    }
    match parser.finish() {
        Ok(reply) => replies.push((reply, content)),
        Err(ReplyError::None) => {}
        Err(error) => return Err(error),
    }
    Ok(replies)
}

fn cut_everywhere(stream: &[u8], check: impl Fn(Result<Vec<(Reply, String)>, ReplyError>)) {
    for cut in 0..=stream.len() {
        let (left, right) = stream.split_at(cut);
        check(read(&[left, right]));
    }
    let single: Vec<&[u8]> = stream.chunks(1).collect();
    check(read(&single));
}

#[test]
fn our_own_replies_are_read_however_they_are_cut() {
    let name = "two \"words\".jpg".parse().unwrap();
    let stream = [
        reply::list(["a.txt", "data_file"]),
        reply::file_head(&name),
        b"Zm9v".to_vec(),
        reply::FILE_TAIL.to_vec(),
        reply::error("no \\ \"data_file\": \"x\""),
        reply::uploaded(&name),
        reply::deleted(&name),
    ]
    .concat();
    cut_everywhere(&stream, |replies| {
        let replies = replies.unwrap();
        let said: Vec<_> = replies.iter().map(|(reply, _)| reply.words()).collect();
        assert_eq!(said[0], r#"["a.txt","data_file"]"#);
        assert_eq!(said[2], "no \\ \"data_file\": \"x\"");
        assert_eq!(said[3], "two \"words\".jpg has been uploaded");
        assert_eq!(said[4], "two \"words\".jpg has been deleted");
        let (file, content) = &replies[1];
        assert_eq!(file.name.as_deref(), Some("two \"words\".jpg"));
        assert!(file.has_content() && file.is_ok() && !replies[0].0.has_content());
        assert_eq!(content, "Zm9v");
        assert!(!replies[2].0.is_ok());
        assert_eq!(replies.len(), 5);
    });
}

#[test]
fn other_layouts_are_read_too() {
    for (stream, content) in [
        (r#"{"data_file":"Zm9v","status":"ok"}"#, "Zm9v"),
        (
            "{\n \"data_file\" :\n \"Zm9v\",\n \"status\": \"OK\"\n}\n\n",
            "Zm9v",
        ),
        (r#"{"status":"OK","data_file":"a\/b="}"#, "a/b="),
        (
            r#"{"status":"OK","x":{"data_file":"no"},"data_file":""}"#,
            "",
        ),
        (
            r#" {"status":"OK","x":["data_file","}"],"data_file":"Zg=="}"#,
            "Zg==",
        ),
    ] {
        cut_everywhere(stream.as_bytes(), |replies| {
            let replies = replies.unwrap();
            assert_eq!(replies.len(), 1, "{stream}");
            assert_eq!(replies[0].1, content, "{stream}");
            assert!(replies[0].0.has_content());
        });
    }
}

#[test]
fn what_is_no_reply_is_refused() {
    let long = format!("{{\"status\":\"{}\"}}", "x".repeat(300));
    for (stream, wrong) in [
        ("null\r\n\r\n", "where a JSON object should be"),
        ("{\"status\": \"OK\"}x", "where the empty line"),
        ("{\"status\": OK}\r\n\r\n", "not right"),
        ("{}\r\n\r\n", "not right"),
        (
            "{\"status\":\"OK\",\"data_file\":\"a\\nb\"}",
            "where base64",
        ),
        ("{\"status\":\"OK\",\"data_file\":\"Zm9", "within the reply"),
        ("{\"status\":\"OK\"", "within the reply"),
        (&long, "longer than 256"),
    ] {
        cut_everywhere(stream.as_bytes(), |replies| {
            let error = replies.unwrap_err().to_string();
            assert!(error.contains(wrong), "{stream}: {error}");
        });
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_alike_however_they_are_cut(
        tail in prop::collection::vec(
            prop::sample::select(b"{}[]\"\\/:, \r\nstatusOKdata_file".to_vec()), 0..60),
        cut in 0_usize..100,
    ) {
        let stream = [&b"{\"status\":\"OK\",\"data_file\":\""[..], &tail].concat();
        let (left, right) = stream.split_at(cut.min(stream.len()));
        prop_assert_eq!(read(&[&stream]), read(&[left, right]));
    }
}
