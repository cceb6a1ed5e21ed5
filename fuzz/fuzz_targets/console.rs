//! Any bytes on a console, and any whole lines, at both sides of a session.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::console::line::{Kind, Line, Side};
use protocol::console::scanner::{Input, Scanner};
use protocol::console::session::Session;

fuzz_target!(|bytes: &[u8]| {
    for side in [Side::Client, Side::Node] {
        let mut session = Session::new(side, 1);
        let mut heard = Vec::new();
        Scanner::new(side).feed(bytes, &mut heard);
        // A checksum is not guessed, so each piece is also what a line with a right one would carry.
        heard.extend(bytes.chunks(16).filter_map(line).map(Input::Line));
        for heard in heard {
            match heard {
                Input::Line(line) => drop(session.receive(line)),
                Input::Damaged => session.receive_damaged(),
                Input::Other(text) => session.send(&text),
            }
            let mut said = Vec::new();
            session.say(&mut said);
        }
    }
});

fn line(bytes: &[u8]) -> Option<Line> {
    let [kind, sequence, expected, rest @ ..] = bytes else {
        return None;
    };
    let kinds = [
        Kind::Hello,
        Kind::Welcome,
        Kind::Data,
        Kind::Beat,
        Kind::Again,
        Kind::Bye,
    ];
    let kind = kinds[usize::from(*kind) % kinds.len()];
    Some(Line {
        sequence: u32::from(*sequence),
        expected: u32::from(*expected),
        bytes: rest.to_vec(),
        ..Line::bare(kind, 1)
    })
}
