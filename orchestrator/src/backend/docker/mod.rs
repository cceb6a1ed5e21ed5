//! Labs on a Docker engine, or any engine that speaks its API (Podman), wherever `DOCKER_HOST` says.
//!
//! A network is an engine's bridge network with addresses from a private pool; a node is a container
//! whose first process is the agent, which gives the interfaces the file's names, addresses and MACs.
//!
//! - [`backend`]: the trait [`super::Backend`], in terms of the modules below.
//! - [`fabric`]: a lab that is up.
//! - [`engine`]: the connection to the engine, made when it is first needed.
//! - [`mark`]: names and labels by which we know what is ours.
//! - [`pool`]: private addresses that nobody else uses.
//! - [`network`]: segments as the engine's networks.
//! - [`translation`]: whether the engine's own firewall would change a lab's packets.
//! - [`passage`]: whether the engine's machine lets packets pass between nodes.
//! - [`container`]: nodes as the engine's containers.
//! - [`seclusion`]: takes the engine's machine out of a lab's networks.
//! - [`image`]: the built-in image, and people's own.
//! - [`gns3_image`]: the image of nodes on GNS3's servers.
//! - [`late`]: what a process asked for before it was killed.
//! - [`removal`]: takes away what is ours, and only that.
//! - [`stray`]: containers that somebody else has forgotten.
//! - [`attached_stream`]: the byte stream to an agent over its standard streams.
//! - [`exec`]: a program in a container as a byte stream.
//! - [`error`]: the engine's errors in words of ours.

mod attached_stream;
pub mod backend;
mod container;
mod engine;
mod error;
pub(super) mod exec;
mod fabric;
pub mod gns3_image;
mod image;
mod late;
mod mark;
mod network;
mod passage;
mod pool;
mod removal;
mod seclusion;
pub(super) mod stray;
mod translation;

pub use backend::DockerBackend;
pub(super) use engine::Engine;
