//! Requests, cut at every point.

use proptest::prelude::*;

use super::request::{Command, Refusal, RequestEvent, RequestLimits, RequestParser};

const LIMITS: RequestLimits = RequestLimits {
    line: 64,
    request: 512,
    silent_delete: false,
};

/// An event that owns what it tells; contents are joined.
#[derive(Debug, Clone, PartialEq)]
enum Told {
    Command(Command),
    Upload(String, String),
    Refused(Refusal),
    Lost(Refusal),
}

/// Returns a parser's events for a stream that comes in pieces.
fn told(pieces: &[&[u8]]) -> Vec<Told> {
    let mut parser = RequestParser::new(LIMITS);
    let mut told = Vec::new();
    let mut upload = None;
    for piece in pieces {
        let mut rest = *piece;
        loop {
            let (taken, event) = parser.parse(rest);
            rest = &rest[taken..];
            match event {
                Some(RequestEvent::Command(command)) => told.push(Told::Command(command)),
                Some(RequestEvent::UploadBegun(name)) => {
                    assert!(upload.is_none());
                    upload = Some((name.to_string(), String::new()));
                }
                Some(RequestEvent::Content(text)) => {
                    let (_, content) = upload.as_mut().unwrap();
                    content.push_str(std::str::from_utf8(text).unwrap());
                }
                Some(RequestEvent::UploadEnded) => {
                    let (name, content) = upload.take().unwrap();
                    told.push(Told::Upload(name, content));
                }
                Some(RequestEvent::Refused(refusal)) => {
                    upload = None;
                    told.push(Told::Refused(refusal));
                }
                Some(RequestEvent::Lost(refusal)) => {
                    upload = None;
                    told.push(Told::Lost(refusal));
                }
                None => {
                    assert!(rest.is_empty());
                    break;
                }
            }
        }
    }
    told
}

fn get(name: &str) -> Told {
    Told::Command(Command::Get(name.parse().unwrap()))
}

fn delete(name: &str) -> Told {
    Told::Command(Command::Delete(name.parse().unwrap()))
}

fn upload(name: &str, content: &str) -> Told {
    Told::Upload(name.to_owned(), content.to_owned())
}

fn list() -> Told {
    Told::Command(Command::List)
}

fn refused(refusal: Refusal) -> Told {
    Told::Refused(refusal)
}

#[test]
fn every_command_is_read_however_it_is_cut() {
    let cases: [(&str, Vec<Told>); 15] = [
        ("LIST\r\n", vec![list()]),
        ("list \nList\r\n\r\n", vec![list(), list()]),
        ("GET a.txt\r\n", vec![get("a.txt")]),
        ("download 'two words.jpg'\r\n", vec![get("two words.jpg")]),
        ("DELETE \"two words.jpg\"\n", vec![delete("two words.jpg")]),
        ("UPLOAD a.txt Zm9v\r\n", vec![upload("a.txt", "Zm9v")]),
        ("upload \"a b\" \t 'Zm9v' \r\n", vec![upload("a b", "Zm9v")]),
        (
            "UPLOAD a.txt Zm9v\r\n\r\nLIST\n",
            vec![upload("a.txt", "Zm9v"), list()],
        ),
        (
            "UPLOAD a \r\nUPLOAD b \"\"\n",
            vec![upload("a", ""), upload("b", "")],
        ),
        (
            "UPLOAD a\r\nLIST\n",
            vec![refused(Refusal::NoContent), list()],
        ),
        (
            "UPLOAD a\nLIST\n",
            vec![refused(Refusal::NoContent), list()],
        ),
        (
            "UPLOAD a Zm9v x y\nLIST\r\n",
            vec![refused(Refusal::Extra("UPLOAD")), list()],
        ),
        (
            "UPLOAD a \"Zm9v\nLIST\r\n",
            vec![refused(Refusal::Quotation), list()],
        ),
        (
            "GET\nGET a b\nLIST x\nGET 'a\nDELETE\nLIST\n",
            vec![
                refused(Refusal::NoName("GET")),
                refused(Refusal::Extra("GET")),
                refused(Refusal::Extra("LIST")),
                refused(Refusal::Quotation),
                refused(Refusal::NoName("DELETE")),
                list(),
            ],
        ),
        (
            "make me\nLIST\n",
            vec![refused(Refusal::Unknown("make".to_owned())), list()],
        ),
    ];
    for (stream, expected) in cases {
        let bytes = stream.as_bytes();
        for cut in 0..=bytes.len() {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(told(&[left, right]), expected, "{stream:?} cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(told(&single), expected, "{stream:?} byte by byte");
    }
}

#[test]
fn no_name_leads_elsewhere() {
    for name in [
        "../x",
        "/etc/passwd",
        "a/b",
        "..",
        ".",
        "''",
        "'a\tb'",
        "\u{7f}",
    ] {
        for command in ["GET", "DELETE", "UPLOAD"] {
            let stream = format!("{command} {name} Zm9v\nLIST\n");
            let stream = stream.replace(" Zm9v", if command == "UPLOAD" { " Zm9v" } else { "" });
            let told = told(&[stream.as_bytes()]);
            assert!(
                matches!(
                    &told[..],
                    [Told::Refused(Refusal::Name(_)), Told::Command(_)]
                ),
                "{stream:?}: {told:?}"
            );
        }
    }
    let told = told(&[b"GET \xff\nLIST\n"]);
    assert_eq!(told, [refused(Refusal::Encoding), list()]);
}

#[test]
fn what_is_too_long_is_refused_and_in_the_end_lost() {
    let line = "x".repeat(65);
    let stream = format!("{line}\nLIST\n");
    assert_eq!(
        told(&[stream.as_bytes()]),
        [refused(Refusal::Line(64)), list()]
    );
    let endless = "x".repeat(600);
    assert_eq!(
        told(&[endless.as_bytes(), b"\nLIST\n"]),
        [Told::Lost(Refusal::Line(64))]
    );
    let endless = format!("UPLOAD a {endless}");
    let expected = [Told::Lost(Refusal::Request(512))];
    assert_eq!(told(&[endless.as_bytes(), b"\nLIST\n"]), expected);
    // Many requests are not a long one.
    let many = "UPLOAD a Zm9v\n\r\n\r\n".repeat(100);
    assert_eq!(told(&[many.as_bytes()]).len(), 100);
    // What is said of an unknown command is short.
    let shout = format!("{}\n", "y".repeat(60));
    let [Told::Refused(Refusal::Unknown(said))] = &told(&[shout.as_bytes()])[..] else {
        panic!("it is not refused");
    };
    assert_eq!(said.len(), 40);
}

#[test]
fn silence_ends_a_known_command_of_who_ends_no_lines() {
    let command = |name: &str| Command::Get(name.parse().unwrap());
    let mut parser = RequestParser::new(LIMITS);
    for (said, meant) in [("get a.txt", command("a.txt")), ("LIST", Command::List)] {
        assert_eq!(parser.parse(said.as_bytes()).1, None);
        assert!(parser.may_be_whole() && !parser.is_between());
        assert_eq!(parser.on_silence(), Some(meant));
        assert!(parser.is_between());
    }
    for unfinished in [
        "",
        " ",
        "LIS",
        "GET",
        "GET 'a",
        "UPLOAD a",
        "UPLOAD a Zm9v",
        "FOO",
        "DELETE data",
    ] {
        let mut parser = RequestParser::new(LIMITS);
        let mut rest = unfinished.as_bytes();
        while !rest.is_empty() {
            let (taken, _) = parser.parse(rest);
            rest = &rest[taken..];
        }
        assert_eq!(parser.on_silence(), None, "{unfinished}");
    }
    // Of who says that it ends no lines, a DELETE too is taken.
    let mut parser = RequestParser::new(RequestLimits {
        silent_delete: true,
        ..LIMITS
    });
    parser.parse(b"DELETE data");
    let delete = Command::Delete("data".parse().unwrap());
    assert_eq!(parser.on_silence(), Some(delete));
    // Whoever has ended a line would have ended this one.
    let mut parser = RequestParser::new(LIMITS);
    parser.parse(b"LIST\n");
    assert_eq!(parser.parse(b"GET a").1, None);
    assert_eq!(parser.on_silence(), None);
}

fn request() -> impl Strategy<Value = (String, Told)> {
    let name = "[a-z '\"]{1,8}\\.x";
    let quote = |name: &str| format!("'{}'", name.replace('\'', r"'\''"));
    let end = prop::sample::select(vec!["\n", "\r\n", " \r\n\r\n"]);
    (name, "[A-Za-z0-9+/]{0,90}", 0..4, end).prop_map(move |(name, text, kind, end)| {
        let quoted = quote(&name);
        match kind {
            0 => (format!("list{end}"), list()),
            1 => (format!("GET {quoted}{end}"), get(&name)),
            2 => (format!("Delete {quoted}{end}"), delete(&name)),
            _ => (format!("UPLOAD {quoted} {text}{end}"), upload(&name, &text)),
        }
    })
}

proptest! {
    #[test]
    fn requests_in_a_row_are_read_however_the_stream_is_cut(
        requests in prop::collection::vec(request(), 1..6),
        cuts in prop::collection::vec(0_usize..700, 0..6),
    ) {
        let stream: String = requests.iter().map(|(text, _)| text.as_str()).collect();
        let expected: Vec<Told> = requests.into_iter().map(|(_, told)| told).collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let bytes = stream.as_bytes();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(told(&pieces), expected);
    }

    #[test]
    fn any_bytes_are_read_alike_however_they_are_cut(
        bytes in prop::collection::vec(
            prop::sample::select(b"UPLOADGETlist a'\"\\\r\n\xff.=+".to_vec()), 0..80),
        cut in 0_usize..80,
    ) {
        let (left, right) = bytes.split_at(cut.min(bytes.len()));
        prop_assert_eq!(told(&[&bytes]), told(&[left, right]));
    }
}
