//! Proof that what was sent is what arrived. Plain blocking code over readers and files: async
//! callers run it on a blocking thread.
//!
//! - [`bytes`]: an original against its copies, byte for byte.
//! - [`files`]: what each node was to receive against what lies in its folder.
//! - [`nameless`]: what came without names against what was sent.
//! - [`packets`]: what the captures say about a broadcast.

pub mod bytes;
pub mod files;
pub mod nameless;
pub mod packets;
