//! The table of mounts.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// One mount of the current mount namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountedAt {
    /// Where.
    pub target: PathBuf,
    /// The file system's kind, `ext4`.
    pub kind: String,
    /// The file system's own options, `rw,cpu`.
    pub options: String,
}

/// Everything mounted, in the order of mounting. A place named twice shows the later one.
///
/// # Errors
/// If `/proc` is not mounted.
pub fn read() -> io::Result<Vec<MountedAt>> {
    Ok(parse(&fs::read("/proc/self/mountinfo")?))
}

/// Lines of `/proc/PID/mountinfo` (see `proc_pid_mountinfo` in section 5 of the manual): the fifth field is the place, and the
/// first after a lone hyphen is the kind.
fn parse(table: &[u8]) -> Vec<MountedAt> {
    table
        .split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let mut fields = line.split(|&byte| byte == b' ');
            let target = unescaped(fields.nth(4)?);
            fields.find(|field| field == b"-")?;
            let kind = String::from_utf8_lossy(fields.next()?).into_owned();
            let options = String::from_utf8_lossy(fields.nth(1)?).into_owned();
            Some(MountedAt {
                target: PathBuf::from(OsString::from_vec(target)),
                kind,
                options,
            })
        })
        .collect()
}

/// Space, tab, newline and backslash are written as a backslash and three octal digits.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        if let (
            b'\\',
            [
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                after @ ..,
            ],
        ) = (byte, tail)
        {
            bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = after;
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_table_is_read() {
        let table = b"22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
            30 22 0:5 / /mnt/two\\040words rw master:1 shared:2 - tmpfs a\\134b rw\n";
        let mounts = parse(table);
        assert_eq!(mounts.len(), 2);
        assert_eq!((&*mounts[0].kind, &*mounts[0].options), ("ext4", "rw"));
        assert_eq!(mounts[1].target, PathBuf::from("/mnt/two words"));
        assert_eq!(mounts[1].kind, "tmpfs");
    }

    #[test]
    fn this_machine_has_a_root() {
        assert!(
            read()
                .unwrap()
                .iter()
                .any(|at| at.target.as_os_str() == "/")
        );
    }
}
