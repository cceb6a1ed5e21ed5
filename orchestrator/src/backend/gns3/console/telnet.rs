//! The telnet commands around the bytes of a console (RFC 854). They are taken out, and answered so that the
//! server takes us for a plain terminal. Nothing that is sent needs escaping, for our lines are text.

use std::collections::BTreeSet;

/// The client's side of a telnet connection.
#[derive(Debug, Default)]
pub(super) struct Telnet {
    state: State,
    /// The commands answered already. Once each is enough, and keeps two ends from going on for ever.
    answered: BTreeSet<(u8, u8)>,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Data,
    /// IAC came.
    Command,
    /// IAC and a verb came; the option is next.
    Option(u8),
    /// Within a subnegotiation.
    Parameters,
    /// IAC came within it.
    ParametersCommand,
}

impl Telnet {
    /// Takes in bytes of the connection, appends the console's to `data`, and to `answer` what is to be sent.
    pub(super) fn receive(&mut self, mut bytes: &[u8], data: &mut Vec<u8>, answer: &mut Vec<u8>) {
        loop {
            if matches!(self.state, State::Data) {
                let plain = memchr::memchr(IAC, bytes).unwrap_or(bytes.len());
                let (before, rest) = bytes.split_at(plain);
                data.extend_from_slice(before);
                bytes = rest;
            }
            let Some((&byte, rest)) = bytes.split_first() else {
                return;
            };
            bytes = rest;
            self.state = match (self.state, byte) {
                (State::Data, _) => State::Command,
                (State::Command, IAC) => {
                    data.push(IAC);
                    State::Data
                }
                (State::Command, WILL | WONT | DO | DONT) => State::Option(byte),
                (State::Command, BEGIN) | (State::ParametersCommand, IAC) => State::Parameters,
                (State::Command, _) | (State::ParametersCommand, END) => State::Data,
                (State::Option(verb), option) => {
                    self.negotiate(verb, option, answer);
                    State::Data
                }
                (State::Parameters, IAC) => State::ParametersCommand,
                (State::Parameters | State::ParametersCommand, _) => State::Parameters,
            };
        }
    }

    fn negotiate(&mut self, verb: u8, option: u8, answer: &mut Vec<u8>) {
        if self.answered.insert((verb, option)) {
            let reply = match (verb, option) {
                (WILL, BINARY | ECHO | SUPPRESS_GO_AHEAD) => DO,
                (DO, BINARY | SUPPRESS_GO_AHEAD) => WILL,
                (WILL | WONT, _) => DONT,
                _ => WONT,
            };
            answer.extend_from_slice(&[IAC, reply, option]);
        }
    }
}

// RFC 854
const END: u8 = 240;
const BEGIN: u8 = 250;
const WILL: u8 = 251;
const WONT: u8 = 252;
const DO: u8 = 253;
const DONT: u8 = 254;
const IAC: u8 = 255;

// RFC 856, 857, 858
const BINARY: u8 = 0;
const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn receive(pieces: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
        let (mut telnet, mut data, mut answer) = (Telnet::default(), Vec::new(), Vec::new());
        for piece in pieces {
            telnet.receive(piece, &mut data, &mut answer);
        }
        (data, answer)
    }

    /// The commands with which GNS3 2.2.61 and 3.0.6 open a console, window size included.
    const OPENING: &[u8] = &[
        IAC,
        WILL,
        ECHO,
        IAC,
        WILL,
        SUPPRESS_GO_AHEAD,
        IAC,
        WILL,
        BINARY,
        IAC,
        DO,
        BINARY,
        IAC,
        DO,
        31,
    ];

    #[test]
    fn the_opening_is_answered_once() {
        let expected = [
            IAC,
            DO,
            ECHO,
            IAC,
            DO,
            SUPPRESS_GO_AHEAD,
            IAC,
            DO,
            BINARY,
            IAC,
            WILL,
            BINARY,
            IAC,
            WONT,
            31,
        ];
        let (data, answer) = receive(&[OPENING, b"a console", OPENING]);
        assert_eq!(data, b"a console");
        assert_eq!(answer, expected);
    }

    #[test]
    fn commands_and_parameters_are_no_data() {
        let sent = [
            b"a",
            &[IAC, 241][..],
            b"b",
            &[IAC, BEGIN, 24, 1, IAC, IAC, 7, IAC, END],
            b"c",
            &[IAC, IAC],
            b"d",
        ];
        assert_eq!(receive(&sent), (b"abc\xffd".to_vec(), Vec::new()));
    }

    proptest! {
        #[test]
        fn where_it_is_cut_does_not_matter(bytes in proptest::collection::vec(
            prop_oneof![Just(IAC), Just(BEGIN), Just(END), Just(WILL), Just(DO), 0u8..4], 0..60,
        )) {
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(receive(&single), receive(&[&bytes]));
        }

        #[test]
        fn what_is_escaped_comes_whole(data in proptest::collection::vec(any::<u8>(), 0..100)) {
            let escaped: Vec<u8> = data
                .iter()
                .flat_map(|byte| if *byte == IAC { vec![IAC, IAC] } else { vec![*byte] })
                .collect();
            prop_assert_eq!(receive(&[&escaped]), (data, Vec::new()));
        }
    }
}
