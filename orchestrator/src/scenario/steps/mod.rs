//! A user's programs, run step by step with expectations.
//!
//! - [`engine`]: the steps in their order, retries and deadlines.
//! - [`action`]: what one step does.
//! - [`background`]: programs that run beside the later steps.
//! - [`expect`]: what must hold of a program that ended.
//! - [`value`]: values captured from output and used later.

pub mod action;
pub mod background;
pub mod engine;
pub mod expect;
pub mod value;

pub use engine::run;
