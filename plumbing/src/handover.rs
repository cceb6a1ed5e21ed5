//! Open descriptors handed from process to process, with messages that keep their bounds
//! (`SOCK_SEQPACKET` and `SCM_RIGHTS`, unix(7)).

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, Shutdown, SockFlag, SockType,
    recvmsg, sendmsg, shutdown, socketpair,
};

/// A message from the other end, or its end.
#[derive(Debug)]
pub enum Handed {
    /// A message, so many bytes of the buffer, and what came along.
    Message(usize, Option<OwnedFd>),
    /// The other end is closed.
    End,
}

/// Two ends that are connected. Neither is inherited by other programs, unless as a standard stream.
///
/// # Errors
/// The system's.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (kind, flags) = (SockType::SeqPacket, SockFlag::SOCK_CLOEXEC);
    Ok(socketpair(AddressFamily::Unix, kind, None, flags)?)
}

/// Sends a message, which is not empty, and a copy of a descriptor with it.
///
/// # Errors
/// `EPIPE` if the other end is closed.
pub fn send(socket: impl AsFd, message: &[u8], descriptor: Option<&dyn AsRawFd>) -> io::Result<()> {
    let descriptors: Vec<_> = descriptor.iter().map(|d| d.as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&descriptors)];
    let along = if descriptors.is_empty() {
        &[]
    } else {
        &rights[..]
    };
    let (parts, flags) = ([IoSlice::new(message)], MsgFlags::MSG_NOSIGNAL);
    loop {
        match sendmsg::<()>(socket.as_fd().as_raw_fd(), &parts, along, flags, None) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(()),
        }
    }
}

/// Lets the other end see the end. Messages from there still come.
///
/// # Errors
/// The system's.
pub fn end(socket: impl AsFd) -> io::Result<()> {
    Ok(shutdown(socket.as_fd().as_raw_fd(), Shutdown::Write)?)
}

/// Waits for a message, if the socket is one that waits. What does not fit into the buffer is lost.
///
/// # Errors
/// The system's.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Handed> {
    let mut space = cmsg_space!([libc::c_int; 1]);
    let (socket, flags) = (socket.as_fd().as_raw_fd(), MsgFlags::MSG_CMSG_CLOEXEC);
    let mut parts = [IoSliceMut::new(buffer)];
    let message = loop {
        match recvmsg::<()>(socket, &mut parts, Some(&mut space), flags) {
            Err(Errno::EINTR) => {}
            // The other end went while messages to it were unread.
            Err(Errno::ECONNRESET) => return Ok(Handed::End),
            result => break result?,
        }
    };
    let mut descriptor = None;
    for along in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = along {
            for number in numbers {
                // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
                descriptor = Some(unsafe { OwnedFd::from_raw_fd(number) });
            }
        }
    }
    Ok(match message.bytes {
        0 if descriptor.is_none() => Handed::End,
        count => Handed::Message(count, descriptor),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_descriptor_arrives_with_its_message() {
        let (ours, theirs) = pair().unwrap();
        let (mut pipe, writer) = io::pipe().unwrap();
        send(&ours, b"one", Some(&writer)).unwrap();
        send(&ours, b"two", None).unwrap();
        drop((ours, writer));
        let mut buffer = [0; 16];
        let Handed::Message(3, Some(received)) = receive(&theirs, &mut buffer).unwrap() else {
            panic!("nothing came along");
        };
        let flags = nix::fcntl::fcntl(&received, nix::fcntl::FcntlArg::F_GETFD).unwrap();
        assert_eq!(flags, libc::FD_CLOEXEC);
        io::Write::write_all(&mut std::fs::File::from(received), b"through").unwrap();
        assert_eq!(io::read_to_string(&mut pipe).unwrap(), "through");
        assert!(matches!(
            receive(&theirs, &mut buffer),
            Ok(Handed::Message(3, None))
        ));
        assert_eq!(&buffer[..3], b"two");
        assert!(matches!(receive(&theirs, &mut buffer), Ok(Handed::End)));
        assert_eq!(pipe.read(&mut buffer).unwrap(), 0);
        let gone = send(&theirs, b"x", None).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::BrokenPipe);
    }
}
