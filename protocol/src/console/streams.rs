//! The limits on a session's yamux streams that both ends must agree on.

/// The most streams at once.
pub const MAX_STREAMS: usize = 64;

/// The most bytes that all streams together may have under way to one end: 32 MiB. An end has that much room, so
/// that it reads the console even when no stream is read.
pub const WINDOWS: usize = 32 << 20;

/// Bytes moved at once.
pub const PIECE: usize = 16 << 10;
