//! A task of the original labs: datagrams are sent and never heard of again. No socket, no clock.

use std::io;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use protocol::task::{Framing, TaskResult};

use super::job::Ended;

/// A file on its way.
#[derive(Debug)]
pub(super) struct Naive {
    content: Vec<u8>,
    /// Bytes of the file that a datagram carries.
    portion: usize,
    /// Bytes sent.
    sent: usize,
    datagrams: u64,
    /// Whether there is another datagram: an empty file is one too, where a file is a datagram.
    more: bool,
    pause: Duration,
    resting_until: Option<Instant>,
    deadline: Instant,
    result: Option<TaskResult>,
}

impl Naive {
    /// Begins a task that must be done by `deadline`, the pause after the file included.
    pub(super) fn new(
        framing: Framing,
        content: Vec<u8>,
        pause: Duration,
        deadline: Instant,
    ) -> Self {
        let (portion, more) = match framing {
            Framing::Byte => (1, !content.is_empty()),
            Framing::Datagram | Framing::Reliable => (content.len(), true),
        };
        Self {
            content,
            portion,
            sent: 0,
            datagrams: 0,
            more,
            pause,
            resting_until: None,
            deadline,
            result: None,
        }
    }

    /// The datagram to send now; none while there is nothing to do, or nothing left.
    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<&[u8]> {
        self.on_timer(now);
        if self.result.is_some() || !self.more {
            return None;
        }
        self.content.get(self.sent..self.sent + self.portion)
    }

    /// Notes what became of the datagram polled last.
    pub(super) fn on_sent(&mut self, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            let reason = self.reason(&error);
            self.result = Some(TaskResult::Failed { reason });
            return;
        }
        self.datagrams += 1;
        self.sent += self.portion;
        self.more = self.sent < self.content.len();
    }

    /// Takes note of the time.
    pub(super) fn on_timer(&mut self, now: Instant) {
        if self.result.is_some() {
            return;
        }
        if !self.more {
            let until = *self.resting_until.get_or_insert(now + self.pause);
            if until <= now && until <= self.deadline {
                self.result = Some(TaskResult::Done);
                return;
            }
        }
        if self.deadline <= now {
            self.result = Some(TaskResult::Late);
        }
    }

    /// When to call [`Self::on_timer`], where nothing is to be sent.
    pub(super) fn next_timer(&self) -> Instant {
        self.resting_until
            .map_or(self.deadline, |until| until.min(self.deadline))
    }

    /// Returns its outcome, once it has ended.
    pub(super) fn ended(&self) -> Option<Ended> {
        Some(Ended {
            bytes: self.content.len() as u64,
            datagrams: self.datagrams,
            repeated: 0,
            result: self.result.clone()?,
        })
    }

    fn reason(&self, error: &io::Error) -> String {
        if error.raw_os_error() == Some(Errno::EMSGSIZE as i32) {
            return format!(
                "{} bytes do not fit into a datagram, which carries at most {MOST} (EMSGSIZE)",
                self.portion
            );
        }
        format!("cannot send: {error}")
    }
}

/// The capacity of a UDP datagram over IPv4: 65 535 bytes less its headers (RFC 768, RFC 791).
const MOST: usize = 65_507;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn begin(framing: Framing, content: &[u8], pause: u64) -> (Naive, Instant) {
        let now = Instant::now();
        let pause = Duration::from_millis(pause);
        let deadline = now + Duration::from_secs(10);
        (Naive::new(framing, content.to_vec(), pause, deadline), now)
    }

    fn sent(task: &mut Naive, now: Instant) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        while let Some(datagram) = task.poll_transmit(now) {
            datagrams.push(datagram.to_vec());
            task.on_sent(Ok(()));
        }
        datagrams
    }

    fn result(task: &Naive) -> Option<TaskResult> {
        task.ended().map(|ended| ended.result)
    }

    #[test]
    fn an_empty_file_is_a_datagram_of_nothing_and_no_byte() {
        let (mut task, now) = begin(Framing::Datagram, b"", 0);
        assert_eq!(sent(&mut task, now), [b""]);
        assert_eq!(result(&task), Some(TaskResult::Done));
        let (mut task, now) = begin(Framing::Byte, b"", 0);
        assert!(sent(&mut task, now).is_empty());
        assert_eq!(result(&task), Some(TaskResult::Done));
    }

    #[test]
    fn a_pause_comes_after_the_file_and_counts() {
        let (mut task, now) = begin(Framing::Datagram, b"file", 2000);
        assert_eq!(sent(&mut task, now).len(), 1);
        assert_eq!(result(&task), None);
        assert_eq!(task.next_timer(), now + Duration::from_secs(2));
        task.on_timer(task.next_timer());
        assert_eq!(result(&task), Some(TaskResult::Done));
    }

    #[test]
    fn what_is_not_done_in_time_is_late() {
        let (mut task, now) = begin(Framing::Byte, b"file", 0);
        assert!(task.poll_transmit(now).is_some());
        task.on_sent(Ok(()));
        assert_eq!(task.next_timer(), now + Duration::from_secs(10));
        assert!(task.poll_transmit(task.next_timer()).is_none());
        let ended = task.ended().unwrap();
        assert_eq!((ended.result, ended.datagrams), (TaskResult::Late, 1));

        let (mut task, now) = begin(Framing::Datagram, b"file", 60_000);
        assert_eq!(sent(&mut task, now).len(), 1);
        task.on_timer(task.next_timer());
        assert_eq!(result(&task), Some(TaskResult::Late));
    }

    #[test]
    fn a_file_that_fits_no_datagram_is_named_with_the_limit() {
        let (mut task, now) = begin(Framing::Datagram, &vec![0; 65_508], 0);
        assert!(task.poll_transmit(now).is_some());
        task.on_sent(Err(io::Error::from_raw_os_error(Errno::EMSGSIZE as i32)));
        assert!(task.poll_transmit(now).is_none());
        let Some(TaskResult::Failed { reason }) = result(&task) else {
            panic!("it did not fail");
        };
        assert!(
            reason.contains("65508 bytes") && reason.contains("65507"),
            "{reason}"
        );
    }

    proptest! {
        #[test]
        fn datagrams_carry_the_file_in_order(content: Vec<u8>) {
            let (mut task, now) = begin(Framing::Byte, &content, 0);
            let datagrams = sent(&mut task, now);
            prop_assert!(datagrams.iter().all(|datagram| datagram.len() == 1));
            prop_assert_eq!(datagrams.concat(), content.clone());
            let (mut task, now) = begin(Framing::Datagram, &content, 0);
            prop_assert_eq!(sent(&mut task, now), [content]);
        }
    }
}
