//! Kernel plumbing: what the orchestrator and its nodes ask of Linux. The only crate where `unsafe`
//! is allowed.
//!
//! - [`capability`]: what the process may do, and what its programs shall not.
//! - [`child`]: what a new process does before it runs, and its terminal.
//! - [`confinement`]: what programs may ask of the kernel; `system_calls`: its list.
//! - [`control_group`]: control groups, which limit what nodes may use.
//! - [`descriptor`]: open descriptors of the process.
//! - [`enclosure`]: a user namespace for programs that are not trusted, and their network.
//! - [`endpoint`]: sockets, pipes and terminals that are never blocked on.
//! - [`folder`]: folders held by their descriptors, in which no link is followed.
//! - [`fork`]: forks of a process that has one thread only.
//! - [`handover`]: open descriptors handed from process to process.
//! - [`mount`] and [`mount_table`]: mounts to make, and those that there are.
//! - [`names`]: how the process finds the addresses of names.
//! - [`namespace`]: namespaces that a process enters.
//! - [`netlink`]: links, addresses and routes of a network namespace.
//! - [`orphan`]: processes that have lost their parent.
//! - [`own_limits`]: limits that a process takes upon itself.
//! - [`own_priority`]: how a thread competes for the processor.
//! - [`own_program`]: the program that the process runs.
//! - [`packet`]: sockets that see an interface's frames; [`packet_ring`]: memory that the kernel puts
//!   their beginnings into.
//! - [`peer`]: the process at the other end of a socket.
//! - [`process`]: other processes, held by descriptors and found by marks.
//! - [`sysctl`]: kernel settings of the current namespaces.
//! - [`title`]: what `ps` shows of a process.

pub mod capability;
pub mod child;
pub mod confinement;
pub mod control_group;
pub mod descriptor;
pub mod enclosure;
pub mod endpoint;
pub mod folder;
pub mod fork;
pub mod handover;
pub mod mount;
pub mod mount_table;
pub mod names;
pub mod namespace;
pub mod netlink;
pub mod orphan;
pub mod own_limits;
pub mod own_priority;
pub mod own_program;
pub mod packet;
pub mod packet_ring;
pub mod peer;
pub mod process;
pub mod sysctl;
mod system_calls;
pub mod title;
