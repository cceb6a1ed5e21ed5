//! `files`: the labs' file server and its clients, beside the same in Python, in two nodes of one lab.
//!
//! - [`race()`]: every pair in turn, cell by cell. [`matrix()`]: all cells of the labs' matrix with ours.
//! - [`cell`]: what is done. [`pair`]: by whom; one turn of it. [`program`]: programs in the nodes.
//! - [`memory`]: what a server holds. [`sniffer`]: captures meanwhile.

mod cell;
mod matrix;
mod memory;
mod pair;
mod program;
mod race;
mod sniffer;

pub use matrix::matrix;
pub use race::race;
