//! Many clients at a file server, each byte verified where it was received.
//!
//! - [`cell`]: one cell, from the server's start to its end.
//! - [`clients`]: the clients and what they tell.
//! - [`storage`]: the server's files: made, hashed, removed.
//! - [`judgement`]: which clients did it, and why others did not.
//! - [`published`]: what others have reported.
//! - [`summary`]: the cells as the labs' table; [`interval`]: how sure its means are.
//! - [`answers`]: what the table tells.

pub mod answers;
pub mod cell;
pub mod clients;
pub mod interval;
pub mod judgement;
pub mod published;
pub mod storage;
pub mod summary;
