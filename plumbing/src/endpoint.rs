//! A descriptor of any kind that epoll(7) knows — socket, pipe, terminal — that is never blocked on.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// One end of a byte stream.
#[derive(Debug)]
pub struct Endpoint {
    descriptor: AsyncFd<File>,
}

impl Endpoint {
    /// Takes hold of a descriptor. Called within a tokio runtime, on whose events it lives.
    ///
    /// # Errors
    /// If epoll does not know its kind: regular files and `/dev/null`.
    pub fn new(descriptor: impl Into<OwnedFd>) -> io::Result<Self> {
        let descriptor = descriptor.into();
        let flags = OFlag::from_bits_retain(fcntl(&descriptor, FcntlArg::F_GETFL)?);
        fcntl(&descriptor, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        // SAFETY: the file owns its descriptor until it is dropped, and no reference is handed out
        // through which another could be put in its place.
        let descriptor = unsafe { AsyncFd::register(File::from(descriptor)) }?;
        Ok(Self { descriptor })
    }

    /// Waits until there are bytes to read, or the end.
    ///
    /// # Errors
    /// If the runtime is shutting down.
    pub async fn readable(&self) -> io::Result<()> {
        self.descriptor.readable().await.map(drop)
    }

    /// Reads what is there; `WouldBlock` where nothing is, by the kernel's word and not by what was
    /// last heard from epoll.
    ///
    /// # Errors
    /// The system's.
    pub fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.descriptor.get_ref().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A terminal's master side reads so once its last user is gone: its end.
                Err(error) if error.raw_os_error() == Some(libc::EIO) => return Ok(0),
                outcome => return outcome,
            }
        }
    }

    /// Reads what has become readable; `WouldBlock` if it was a false alarm, and then
    /// [`Self::readable`] waits again.
    ///
    /// # Errors
    /// The system's.
    pub fn read_ready(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.descriptor
            .try_io(Interest::READABLE, |_| self.read_now(buffer))
    }

    /// Waits for bytes and reads them; none at the end.
    ///
    /// # Errors
    /// The system's.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.descriptor
            .async_io(Interest::READABLE, |_| self.read_now(buffer))
            .await
    }

    /// Writes all of `bytes`, waiting for room.
    ///
    /// # Errors
    /// `EPIPE` once the other side is gone.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self
                .descriptor
                .async_io(Interest::WRITABLE, |mut file| file.write(bytes))
                .await;
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until the other side is gone, even while bytes of it are still unread.
    pub async fn hung_up(&self) {
        // An error counts as gone. PRIORITY stands here for "nothing but the end": none of these
        // streams has urgent data, and unlike READABLE it does not hold while bytes are unread.
        let _ = self.descriptor.ready(Interest::PRIORITY).await;
    }
}

impl AsFd for Endpoint {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.get_ref().as_fd()
    }
}
