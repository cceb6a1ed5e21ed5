//! The title of a process in `ps`.

use std::ffi::CString;
use std::fs;
use std::io;
use std::ptr;

use nix::errno::Errno;
use nix::sys::prctl;

/// The memory that holds a process's arguments, which `ps` shows.
#[derive(Debug, Clone, Copy)]
pub struct TitleArea {
    start: usize,
    length: usize,
}

impl TitleArea {
    /// Finds this process's own. `/proc` must be mounted.
    ///
    /// # Errors
    /// If `/proc/self/stat` cannot be understood.
    pub fn find() -> io::Result<Self> {
        let stat = fs::read_to_string("/proc/self/stat")?;
        // Fields 48 and 49, arg_start and arg_end (`proc_pid_stat` in section 5 of the manual); the second field is the name
        // in parentheses, which may hold spaces, and the third follows it.
        let mut fields = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let mut next = |skip| fields.nth(skip).and_then(|field| field.parse().ok());
        match (next(48 - 3), next(0)) {
            (Some(start), Some(end)) if start < end => Ok(Self {
                start,
                length: end - start,
            }),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    /// Shows `title`, cut to the length of the arguments that the process was started with, and its
    /// first 15 bytes as the process's name.
    ///
    /// # Errors
    /// If the title holds a zero byte.
    pub fn show(self, title: &str) -> io::Result<()> {
        prctl::set_name(&CString::new(title)?)?;
        let shown = title.len().min(self.length - 1);
        // SAFETY: the kernel mapped these bytes, readable and writable, when the process was started
        // and neither std nor we hand out references to them that outlive `main`'s start: std copies
        // the arguments. Zeroes up to the end keep the last one a terminator.
        unsafe {
            let area = ptr::with_exposed_provenance_mut::<u8>(self.start);
            ptr::copy_nonoverlapping(title.as_ptr(), area, shown);
            ptr::write_bytes(area.add(shown), 0, self.length - shown);
        }
        Ok(())
    }
}
