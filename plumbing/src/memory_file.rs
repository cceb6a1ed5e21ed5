//! Programs that are run from memory (see `memfd_create` in section 2 of the manual).

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

/// A program in memory, which nobody can change.
#[derive(Debug)]
pub struct MemoryProgram(File);

impl MemoryProgram {
    /// Puts the bytes of an executable file into memory.
    ///
    /// # Errors
    /// The system's.
    pub fn new(name: &str, bytes: &[u8]) -> io::Result<Self> {
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        let mut file = File::from(memfd_create(name, flags)?);
        file.write_all(bytes)?;
        let seals = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW;
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals | SealFlag::F_SEAL_SEAL))?;
        Ok(Self(file))
    }

    /// The path that this process and its children run it by, as long as `self` lives.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_runs_from_memory() {
        let program = MemoryProgram::new("true", &std::fs::read("/bin/true").unwrap()).unwrap();
        let status = std::process::Command::new(program.path()).status().unwrap();
        assert!(status.success());
        assert!(std::fs::write(program.path(), "x").is_err());
    }
}
