//! The program that this process runs.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;
use std::slice;
use std::sync::OnceLock;

/// The path by which this process and its children start its program again, also where the program lies in memory only
/// (`proc_pid_exe(5)`).
pub const PATH: &str = "/proc/self/exe";

/// Returns the bytes of the program's file. They are mapped at the first call, and read from the disk as they are used.
///
/// # Errors
/// The system's, if `/proc` is not mounted or there is no room for the mapping.
pub fn bytes() -> io::Result<&'static [u8]> {
    static BYTES: OnceLock<&'static [u8]> = OnceLock::new();
    if let Some(bytes) = BYTES.get() {
        return Ok(bytes);
    }
    let mapped = map(&File::open(PATH)?)?;
    Ok(BYTES.get_or_init(|| mapped))
}

fn map(file: &File) -> io::Result<&'static [u8]> {
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    // SAFETY: the kernel chooses where; nothing that is there is replaced.
    let start = unsafe {
        libc::mmap(
            ptr::null_mut(),
            length,
            libc::PROT_READ,
            libc::MAP_PRIVATE,
            file.as_raw_fd(),
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `length` bytes are mapped and stay so. The file of a program that runs is written by nobody (ETXTBSY in
    // open(2)); this process would not survive that in any case, for its own code is mapped from there too.
    Ok(unsafe { slice::from_raw_parts(start.cast(), length) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_program() {
        let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(bytes().unwrap() == file);
    }
}
