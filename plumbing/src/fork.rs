//! Forks of a process that has one thread only.

use std::fs::{self, File};
use std::io;
use std::marker::PhantomData;

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{ForkResult, Pid, fork};

/// On which side of a fork a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fork {
    /// In the process that forked; the child's number in its process name space.
    Parent(Pid),
    /// In the child.
    Child,
}

/// Leave to fork: that the process has one thread, so that a child may do all that its parent may,
/// with no lock held by a thread that it has not. Whoever has it starts no threads.
#[derive(Debug)]
pub struct SingleThread {
    own_name_space: File,
    stays_in_its_thread: PhantomData<*const ()>,
}

impl SingleThread {
    /// Proves it. `/proc` must be mounted.
    ///
    /// # Errors
    /// `EBUSY` if there are several threads.
    pub fn prove() -> io::Result<Self> {
        if fs::read_dir("/proc/self/task")?.count() != 1 {
            return Err(Errno::EBUSY.into());
        }
        Ok(Self {
            own_name_space: File::open("/proc/self/ns/pid_for_children")?,
            stays_in_its_thread: PhantomData,
        })
    }

    /// Forks a child.
    ///
    /// # Errors
    /// `EAGAIN` where there are too many processes.
    pub fn fork(&self) -> io::Result<Fork> {
        // SAFETY: by the type's invariant there is no other thread that could hold a lock, so the
        // child may do all that the parent may.
        Ok(match unsafe { fork() }? {
            ForkResult::Parent { child } => Fork::Parent(child),
            ForkResult::Child => Fork::Child,
        })
    }

    /// Forks a child that is the first process of a new process name space. The kernel ends it, with
    /// all that is in there, when the first process of this name space ends.
    ///
    /// # Errors
    /// `EAGAIN` or `ENOSPC` where there are too many processes or name spaces.
    pub fn fork_into_new_name_space(&self) -> io::Result<Fork> {
        // A process can make only one level below its own, so the name space for its children is
        // first set back to its own (pid_namespaces(7)).
        setns(&self.own_name_space, CloneFlags::CLONE_NEWPID)?;
        unshare(CloneFlags::CLONE_NEWPID)?;
        self.fork()
    }
}
