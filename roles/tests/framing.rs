//! A whole session, its stream cut at every point.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::fs;
use std::path::Path;

use roles::serve::probe::answers;

/// Every command, every end of a line, and what is refused; no more than the session's buffer holds.
const STREAM: &[u8] = b"LIST\r\nUPLOAD 'two words.bin' Zm9vYmFyYmF6\r\n\r\nget 'two words.bin'\n\
    UPLOAD none.bin \nlist\n\nDOWNLOAD \"two words.bin\"\r\nUPLOAD a.bin Zm9v*g==\r\nUPLOAD b.bin\r\n\
    GET ../a\nGET 'open\r\nNONSENSE at all\nDelete 'two words.bin'\r\nDELETE none.bin\r\nGET none.bin\n\
    UPLOAD half.bin Zm9v";

fn answers_in_new_directory(pieces: &[&[u8]]) -> (Vec<u8>, Vec<String>) {
    let home = tempfile::tempdir().unwrap();
    let answers = answers(home.path(), pieces.iter().copied()).unwrap();
    (answers, names(home.path()))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn a_session_answers_alike_wherever_its_stream_is_cut() {
    let (expected, left) = answers_in_new_directory(&[STREAM]);
    assert!(left.is_empty(), "{left:?}");
    let replies = String::from_utf8(expected.clone()).unwrap();
    assert_eq!(replies.matches(r#""status": "OK""#).count(), 8, "{replies}");
    assert_eq!(
        replies.matches(r#""status": "ERROR""#).count(),
        6,
        "{replies}"
    );
    assert_eq!(replies.matches(r#""data_file": "Zm9vYmFyYmF6""#).count(), 2);
    for cut in 1..STREAM.len() {
        let (start, rest) = STREAM.split_at(cut);
        let found = answers_in_new_directory(&[start, rest]);
        assert!(found == (expected.clone(), vec![]), "cut at {cut}");
    }
    for length in 1..9 {
        let pieces: Vec<&[u8]> = STREAM.chunks(length).collect();
        let found = answers_in_new_directory(&pieces);
        assert!(
            found == (expected.clone(), vec![]),
            "{length} bytes at once"
        );
    }
}

#[test]
fn silence_in_a_request_that_may_go_on_ends_it_with_a_reason() {
    let (answers, left) =
        answers_in_new_directory(&[b"UPLOAD half.bin Zm9v", b"", b"Zm9v\r\nLIST\r\n"]);
    let text = String::from_utf8(answers).unwrap();
    assert!(text.contains("no progress for 1s"), "{text}");
    assert_eq!(text.matches("status").count(), 1, "{text}");
    assert!(left.is_empty(), "{left:?}");
}
