//! The service settings of the built-in server.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use protocol::unit::{ByteSize, Time};

use super::context::Context;
use crate::topology::document::Written;
use crate::topology::document::stress::ServerEntry;
use crate::topology::document::word::{Count, Flag, Word};
use crate::topology::model::Service;

/// Reads it.
pub(super) fn read(cx: &Context<'_>, keys: &ServerEntry) -> Service {
    Service {
        sync: cx.get(&keys.sync),
        compat: cx.get(&keys.compat).is_some_and(|Flag(compat)| compat),
        max_file: cx.get(&keys.max_file),
        max_line: count(cx, &keys.max_line, 16..=65_536),
        connections: count(cx, &keys.connections, 1..=65_536),
        idle: time(cx, &keys.idle),
        slowest: cx.get(&keys.slowest),
        silence: time(cx, &keys.silence),
        drain: time(cx, &keys.drain),
        buffer: within(
            cx,
            &keys.buffer,
            ByteSize(4 << 10)..=ByteSize(256 << 10),
            "write a size from 4KiB to 256KiB",
        ),
    }
}

/// Names what is said of how a server serves that is a program of the user's.
pub(super) fn refuse(cx: &Context<'_>, keys: &ServerEntry) {
    let given: [(&str, bool, Range<usize>); 10] = [
        ("sync", keys.sync.is_absent(), keys.sync.span()),
        ("compat", keys.compat.is_absent(), keys.compat.span()),
        ("max_file", keys.max_file.is_absent(), keys.max_file.span()),
        ("max_line", keys.max_line.is_absent(), keys.max_line.span()),
        (
            "connections",
            keys.connections.is_absent(),
            keys.connections.span(),
        ),
        ("idle", keys.idle.is_absent(), keys.idle.span()),
        ("slowest", keys.slowest.is_absent(), keys.slowest.span()),
        ("silence", keys.silence.is_absent(), keys.silence.span()),
        ("drain", keys.drain.is_absent(), keys.drain.span()),
        ("buffer", keys.buffer.is_absent(), keys.buffer.span()),
    ];
    for (name, is_absent, span) in given {
        if !is_absent {
            let message = format!("`{name}` besides `command`");
            cx.mistake(
                &span,
                message,
                "remove it: it tells the built-in server how to serve",
            );
        }
    }
}

fn time(cx: &Context<'_>, word: &Written<Time>) -> Option<Duration> {
    let range = Time(Duration::from_millis(1))..=Time(Duration::from_hours(24));
    within(cx, word, range, "write a time from 1ms to 24h").map(|Time(time)| time)
}

fn count(cx: &Context<'_>, word: &Written<Count>, range: RangeInclusive<u32>) -> Option<u32> {
    let remedy = format!("write a number from {} to {}", range.start(), range.end());
    let Count(count) = cx.get(word)?;
    if !range.contains(&count) {
        cx.mistake(&word.span(), format!("{count} is out of range"), remedy);
    }
    Some(count)
}

fn within<T: Word + PartialOrd + std::fmt::Display>(
    cx: &Context<'_>,
    word: &Written<T>,
    range: RangeInclusive<T>,
    remedy: &str,
) -> Option<T> {
    let value = cx.get(word)?;
    if !range.contains(&value) {
        cx.mistake(&word.span(), format!("{value} is out of range"), remedy);
    }
    Some(value)
}
