//! A byte stream over a terminal that others use too: a node's console, behind telnet, with a shell on it.
//!
//! Where nothing but its console leads to a node, `node console` carries its agent's streams over that.
//! Others write there too: prompts, echoes, people at their keyboards. That must do no harm, and lines they
//! damage must be sent again. So the protocol consists of lines of text, each with its checksum:
//!
//! ```text
//! #> base64 LF        from the client to the node     (# opens a comment, should a shell read it)
//! #< base64 LF        from the node to the client
//!
//! kind u8 · session u64 · sequence u32 · expected u32 · bytes … · crc32c u32      (big-endian, then base64)
//! ```
//!
//! (There is no blank after the mark.) Whatever else is on the console is passed over: a line counts from its last mark.
//!
//! 1. The client types the command line and says *hello* with a number that it drew, the session's. The program says
//!    *ready* once it has the terminal, for the hello may have been typed to the shell; then the client says it again.
//! 2. The node says *welcome*. A hello with another number ends the session that there was: a new client
//!    takes over from one that was killed. The one that was not sees the welcome and ends too.
//! 3. *Data* is numbered. `expected` says which number is awaited, so all before it have come. A line that is
//!    damaged or missing is asked for by *again*; then that one and all after it are sent once more.
//! 4. Who has nothing to say gives a *beat* now and then, with the number that comes next: so the loss of a
//!    last line shows, and the other end that is gone.
//! 5. *Bye* ends the session; the node gives the console back to the shell.
//!
//! The content of the stream is the ends' own affair: `yamux`, for many streams with a window each.
//!
//! - [`line`]: a line. - [`scanner`]: lines out of bytes. - [`session`]: numbers, repeats, beats.
//! - [`streams`]: how much they may carry.

pub mod line;
pub mod scanner;
pub mod session;
#[cfg(test)]
mod session_test;
pub mod streams;
