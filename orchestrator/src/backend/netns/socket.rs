//! The Unix sockets of a lab.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tokio::net::UnixStream;

/// Connects to a Unix socket, also where its path is longer than an address may be.
pub(super) async fn connect(path: &Path) -> io::Result<UnixStream> {
    if path.as_os_str().as_bytes().len() <= LONGEST_ADDRESS {
        return UnixStream::connect(path).await;
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = File::open(folder)?;
    let short = format!("/proc/self/fd/{}", folder.as_raw_fd());
    UnixStream::connect(Path::new(&short).join(name)).await
}

/// Bytes of `sun_path`, without its final zero (unix(7)).
const LONGEST_ADDRESS: usize = 107;
