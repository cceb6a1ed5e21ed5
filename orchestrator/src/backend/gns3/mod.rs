//! Labs on a GNS3 server, 2.2 or 3.x: a project with a Docker node for each of ours.
//!
//! - [`address`]: where a server is, and who we are there.
//! - [`server`]: one that answers, and requests to it. - `probe`: which version.
//!   - `servers`: all of them.
//!   - [`error`]: what goes wrong with them.
//! - [`condition`]: impairments as link filters. - `link`: a project's links.
//! - `capture`: what passes on them.
//! - `compute`: the machines that a server has, and which node goes where.
//! - `backend`: the trait `Backend`. - `project_builder`: makes a project. - `starting`: starts it.
//!   - `removal`: takes it away.
//! - `tool`: the programs that a server works with.
//! - `fabric`: a lab that is up. - `reach`: how a node's agent is reached there.
//! - [`console`]: streams to an agent over its console. - `kept_stream`: one that
//!   outlives whoever opened it.
//! - `own_image`: nodes whose image has no agent. - `mark`: by which we know what is ours.

pub mod address;
mod backend;
mod capture;
mod compute;
pub mod condition;
pub mod console;
pub mod error;
mod fabric;
mod kept_stream;
mod link;
mod mark;
mod own_image;
mod probe;
mod project_builder;
mod reach;
mod removal;
pub mod server;
mod servers;
mod starting;
mod tool;

pub use address::{Access, Credentials, Secret, ServerUrl, UrlError};
pub use backend::{Gns3Backend, Options};
pub use compute::{Compute, computes};
pub use console::PendingCloses;
pub use error::ServerError;
pub use server::{Dialect, Server};
pub use tool::{Tool, tools};
