//! The lines that a role prints, as far as they are listened to. They come from a node, which may say anything without
//! end, and are kept in memory and written to the run directory.

use protocol::role::RoleEvent;

/// The bytes that a role has printed and that were not read yet.
#[derive(Debug, Default)]
pub(super) struct Printed {
    bytes: Vec<u8>,
    /// The cost of all events so far.
    told: usize,
}

/// A line of a role.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// An event.
    Event(RoleEvent),
    /// Something else, without the line's end.
    Words(Vec<u8>),
}

/// A role's output that is not listened to any more.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Excess {
    /// A line that does not end.
    #[error("it printed a line of more than {} MiB", LONGEST_LINE >> 20)]
    Line,
    /// Events without end.
    #[error("it told more than {} MiB of events", MOST_TOLD >> 20)]
    Events,
}

impl Printed {
    /// Adds what it has printed now.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the first whole line; `None` where there is none yet.
    ///
    /// # Errors
    /// If no role prints so much.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Excess> {
        let end = self.bytes.iter().position(|&byte| byte == b'\n');
        if end.unwrap_or(self.bytes.len()) > LONGEST_LINE {
            return Err(Excess::Line);
        }
        let Some(end) = end else {
            return Ok(None);
        };
        let mut line: Vec<u8> = self.bytes.drain(..=end).collect();
        line.pop();
        let Ok(event) = serde_json::from_slice(&line) else {
            return Ok(Some(Line::Words(line)));
        };
        self.told = self.told.saturating_add(cost(&event, line.len()));
        if self.told > MOST_TOLD {
            return Err(Excess::Events);
        }
        Ok(Some(Line::Event(event)))
    }
}

/// Returns the bytes that an event takes up here at least. Nobody keeps one of progress.
fn cost(event: &RoleEvent, length: usize) -> usize {
    match event {
        RoleEvent::Progress { .. } => length,
        _ => length.max(size_of::<RoleEvent>()),
    }
}

/// The most bytes of a line. The longest is a server's list of names, of which `converse` reads a mebibyte.
const LONGEST_LINE: usize = 2 << 20;

/// The most bytes of all events: those of hundreds of thousands of files, or of progress in more than a day.
const MOST_TOLD: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(bytes: &[u8]) -> Printed {
        let mut printed = Printed::default();
        printed.add(bytes);
        printed
    }

    #[test]
    fn lines_are_taken_once_they_are_whole() {
        let mut printed = printed(b"{\"event\":\"ready\"}\nno event\n{\"event\":");
        assert_eq!(printed.next(), Ok(Some(Line::Event(RoleEvent::Ready))));
        assert_eq!(printed.next(), Ok(Some(Line::Words(b"no event".to_vec()))));
        assert_eq!(printed.next(), Ok(None));
        printed.add(b"\"ready\"}\n");
        assert_eq!(printed.next(), Ok(Some(Line::Event(RoleEvent::Ready))));
    }

    #[test]
    fn a_line_has_an_end() {
        let mut endless = printed(&vec![b'x'; LONGEST_LINE]);
        assert_eq!(endless.next(), Ok(None));
        endless.add(b"x");
        assert_eq!(endless.next(), Err(Excess::Line));
        // Though it comes with its end.
        endless.add(b"\n");
        assert_eq!(endless.next(), Err(Excess::Line));
        assert_eq!(
            Excess::Line.to_string(),
            "it printed a line of more than 2 MiB"
        );
    }

    #[test]
    fn events_have_an_end_however_short_they_are() {
        let mut printed = Printed::default();
        let most = MOST_TOLD / size_of::<RoleEvent>();
        for _ in 0..most {
            printed.add(b"{\"event\":\"ready\"}\n");
            assert_eq!(printed.next(), Ok(Some(Line::Event(RoleEvent::Ready))));
        }
        printed.add(b"{\"event\":\"ready\"}\n");
        assert_eq!(printed.next(), Err(Excess::Events));
    }

    #[test]
    fn progress_of_a_day_is_no_excess() {
        let longest = format!(
            "{{\"event\":\"progress\",\"bytes\":{0},\"total\":{0}}}\n",
            u64::MAX >> 10
        );
        let a_day = 24 * 3600 * 10;
        assert!(longest.len() * a_day < MOST_TOLD, "{}", longest.len());
    }
}
