//! Sessions over a console on which others write.

use proptest::prelude::*;

use super::line::{Kind, Line, Side};
use super::scanner::{Input, Scanner};
use super::session::Session;

/// The fate of a batch of lines on its way.
#[derive(Debug, Clone)]
enum Fate {
    Arrives,
    IsLost,
    ComesTwice,
    /// Somebody types into it.
    Mixed(prop::sample::Index, u8),
    /// Part of it is lost.
    Cut(prop::sample::Index),
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        6 => Just(Fate::Arrives),
        1 => Just(Fate::IsLost),
        1 => Just(Fate::ComesTwice),
        1 => (any::<prop::sample::Index>(), 0x20u8..0x7f).prop_map(|(at, byte)| Fate::Mixed(at, byte)),
        1 => any::<prop::sample::Index>().prop_map(Fate::Cut),
    ];
    proptest::collection::vec(fate, 0..60)
}

struct End {
    session: Session,
    scanner: Scanner,
    unsent: Vec<u8>,
    received: Vec<u8>,
}

impl End {
    fn new(side: Side, unsent: Vec<u8>) -> Self {
        Self {
            session: Session::new(side, 77),
            scanner: Scanner::new(side.other()),
            unsent,
            received: Vec::new(),
        }
    }

    /// Returns its next lines.
    fn say(&mut self) -> Vec<u8> {
        let count = self.session.room().min(self.unsent.len());
        let bytes: Vec<u8> = self.unsent.drain(..count).collect();
        self.session.send(&bytes);
        let mut out = Vec::new();
        if self.session.has_lines() {
            self.session.say(&mut out);
            assert!(!out.is_empty());
        }
        out
    }

    fn hear(&mut self, bytes: &[u8]) {
        let mut heard = Vec::new();
        self.scanner.feed(bytes, &mut heard);
        for item in heard {
            match item {
                Input::Line(line) => self
                    .received
                    .extend(self.session.receive(line).unwrap_or_default()),
                Input::Damaged => self.session.receive_damaged(),
                Input::Other(_) => {}
            }
        }
    }
}

fn befall(mut bytes: Vec<u8>, fate: &Fate) -> Vec<u8> {
    match fate {
        Fate::IsLost => bytes.clear(),
        Fate::ComesTwice => bytes.extend_from_within(..),
        Fate::Mixed(at, byte) if !bytes.is_empty() => bytes.insert(at.index(bytes.len()), *byte),
        Fate::Cut(at) if !bytes.is_empty() => drop(bytes.drain(at.index(bytes.len())..)),
        Fate::Arrives | Fate::Mixed(..) | Fate::Cut(_) => {}
    }
    bytes
}

/// Lets both ends speak until they have nothing more to say.
fn converse(ends: &mut [End; 2], fates: &mut std::vec::IntoIter<Fate>) {
    loop {
        let mut silent = true;
        for index in [0, 1] {
            let said = ends[index].say();
            silent &= said.is_empty();
            let fate = fates.next().unwrap_or(Fate::Arrives);
            let said = befall(said, &fate);
            ends[1 - index].hear(&said);
        }
        if silent {
            return;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn all_bytes_come_in_order_whatever_befalls_them(
        fates in fates(),
        there in proptest::collection::vec(any::<u8>(), 0..200_000),
        back in proptest::collection::vec(any::<u8>(), 0..20_000),
    ) {
        let mut ends = [
            End::new(Side::Client, there.clone()),
            End::new(Side::Node, back.clone()),
        ];
        let mut fates = fates.into_iter();
        for _ in 0..100 {
            converse(&mut ends, &mut fates);
            if ends[0].received == back && ends[1].received == there {
                return Ok(());
            }
            for end in &mut ends {
                prop_assert!(!end.session.tick());
            }
        }
        prop_assert!(false, "{} of {}, {} of {}", ends[0].received.len(), back.len(), ends[1].received.len(), there.len());
    }
}

#[test]
fn room_ends_until_lines_have_come() {
    let mut ends = [
        End::new(Side::Client, vec![7; 3 << 20]),
        End::new(Side::Node, Vec::new()),
    ];
    let mut said = Vec::new();
    loop {
        let bytes = ends[0].say();
        if bytes.is_empty() {
            break;
        }
        said.extend(bytes);
    }
    assert_eq!(ends[0].session.room(), 0);
    ends[1].hear(&said);
    let acknowledged = ends[1].say();
    ends[0].hear(&acknowledged);
    assert!(ends[0].session.room() > 0);
}

#[test]
fn a_repeated_hello_is_welcome_and_changes_nothing() {
    let mut node = End::new(Side::Node, b"abc".to_vec());
    let mut client = End::new(Side::Client, Vec::new());
    let first = node.say();
    node.session.receive(Line::greeting(Kind::Hello, 77));
    let second = node.say();
    for said in [first, second] {
        client.hear(&said);
    }
    assert_eq!(client.received, b"abc");
}

#[test]
fn who_is_silent_for_a_minute_is_gone() {
    let mut session = Session::new(Side::Client, 1);
    let mut beats = 0;
    for _ in 0..59 {
        assert!(!session.tick());
        if session.has_lines() {
            session.say(&mut Vec::new());
            beats += 1;
        }
    }
    assert_eq!(beats, 11);
    session.receive(Line::bare(Kind::Beat, 1));
    assert!(!session.tick());
    for _ in 0..58 {
        assert!(!session.tick());
    }
    assert!(session.tick());
}

#[test]
fn nonsense_is_passed_over() {
    let mut session = Session::new(Side::Client, 1);
    for kind in [Kind::Beat, Kind::Again, Kind::Data, Kind::Ready] {
        let line = Line {
            expected: u32::MAX,
            sequence: u32::MAX,
            ..Line::bare(kind, 1)
        };
        assert_eq!(session.receive(line), None);
    }
    session.send(b"x");
    let mut out = Vec::new();
    session.say(&mut out);
    assert!(session.room() > 0);
}
