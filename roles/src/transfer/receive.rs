//! `node receive`: what the original labs' servers do with datagrams that carry no names.

use std::fs;
use std::io::{self, IoSliceMut, Read};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{MsgFlags, SockaddrIn, recvmsg};
use nix::sys::stat::fstat;
use protocol::role::RoleEvent;
use protocol::task::{AllSent, Arrival, Tally};

use super::options::ReceiveArguments;
use super::socket;
use super::storage::Storage;
use crate::broadcast::Dropping;
use crate::{lines, readiness};

/// Runs `node receive`. As the original servers it receives without end, for no datagram says that it
/// is the last; but a line on standard input ([`AllSent`]) tells how many there were. Then it ends
/// with 0 once it has had as many, or has been quiet for a while; with 1 if it cannot receive.
pub fn receive(arguments: &ReceiveArguments) -> ExitCode {
    match Server::new(arguments).and_then(Server::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let (port, directory) = (arguments.port, arguments.directory.display());
            let reason = format!("cannot receive on UDP port {port} into {directory}: {error}");
            lines::fail(reason)
        }
    }
}

struct Server {
    socket: UdpSocket,
    storage: Storage,
    buffer: Vec<u8>,
    quiet: Duration,
    dropping: Option<Dropping>,
    tally: Tally,
    /// Standard input, until it ends, and what of a line it has brought.
    orders: Option<io::Stdin>,
    line: Vec<u8>,
    sent: Option<AllSent>,
}

impl Server {
    fn new(arguments: &ReceiveArguments) -> io::Result<Self> {
        let framing = arguments.framing;
        let Some(buffer) = arguments.buffer.or(framing.buffer()) else {
            let with = "`node broadcast-receive` receives the framing reliable";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, with));
        };
        let at = SocketAddrV4::new(arguments.address, arguments.port);
        Ok(Self {
            socket: socket::receiver(at, arguments.interface.as_ref())?,
            storage: Storage::new(&arguments.directory, framing, &arguments.name)?,
            buffer: vec![0; usize::try_from(buffer).unwrap_or(usize::MAX)],
            quiet: arguments.quiet,
            dropping: arguments.drop.clone(),
            tally: Tally::default(),
            orders: Some(io::stdin()),
            line: Vec::new(),
            sent: None,
        })
    }

    fn run(mut self) -> io::Result<()> {
        lines::print(&RoleEvent::Ready)?;
        loop {
            self.drain()?;
            if self
                .sent
                .is_some_and(|sent| sent.datagrams <= self.tally.datagrams)
            {
                break;
            }
            let until = self.sent.map(|_| Instant::now() + self.quiet);
            let mut descriptors = vec![(self.socket.as_fd(), PollFlags::POLLIN)];
            descriptors.extend(self.orders.as_ref().map(|o| (o.as_fd(), PollFlags::POLLIN)));
            let ready = readiness::wait(&descriptors, until)?;
            if ready.get(1) == Some(&true) {
                self.hear()?;
            }
            let silent = until.is_some_and(|until| until <= Instant::now());
            if silent && !ready.contains(&true) {
                break;
            }
        }
        self.tally.dropped = dropped(&self.socket)?;
        lines::print(&RoleEvent::Counted(self.tally))
    }

    /// Stores every datagram that is there.
    fn drain(&mut self) -> io::Result<()> {
        while let Some((length, from)) = self.next()? {
            if (self.dropping.as_mut()).is_some_and(Dropping::falls_on_next) {
                continue;
            }
            let stored = length.min(self.buffer.len());
            self.tally.datagrams += 1;
            self.tally.bytes += stored as u64;
            if let Some(name) = self.storage.store(&self.buffer[..stored])? {
                lines::print(&RoleEvent::Arrived(Arrival {
                    name,
                    bytes: stored as u64,
                    sent: length as u64,
                    from: from.to_string(),
                }))?;
            }
        }
        Ok(())
    }

    /// The next datagram's length, which may be more than the buffer's, and its sender.
    fn next(&mut self) -> io::Result<Option<(usize, SocketAddrV4)>> {
        loop {
            let mut whole = [IoSliceMut::new(&mut self.buffer)];
            let descriptor = self.socket.as_raw_fd();
            let heard = recvmsg::<SockaddrIn>(descriptor, &mut whole, None, MsgFlags::MSG_TRUNC);
            match heard {
                Ok(message) => {
                    let from = message.address.map(SocketAddrV4::from);
                    let unknown = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
                    return Ok(Some((message.bytes, from.unwrap_or(unknown))));
                }
                Err(Errno::EAGAIN) => return Ok(None),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Hears what standard input has to say.
    fn hear(&mut self) -> io::Result<()> {
        let Some(orders) = &mut self.orders else {
            return Ok(());
        };
        let mut chunk = [0; 256];
        let count = orders.lock().read(&mut chunk)?;
        if count == 0 {
            self.orders = None;
        }
        self.line.extend_from_slice(&chunk[..count]);
        if let Some(end) = self.line.iter().position(|&byte| byte == b'\n') {
            self.sent = Some(serde_json::from_slice(&self.line[..end])?);
            self.line.clear();
        } else if self.line.len() > LONGEST_LINE {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        Ok(())
    }
}

/// Datagrams that the kernel dropped because this socket's buffer was full (proc(5), /proc/net/udp).
fn dropped(socket: &UdpSocket) -> io::Result<u64> {
    let inode = fstat(socket)?.st_ino.to_string();
    let table = fs::read_to_string("/proc/self/net/udp")?;
    let of_socket = |line: &&str| line.split_whitespace().nth(9) == Some(inode.as_str());
    let line = table.lines().find(of_socket).unwrap_or_default();
    let dropped = line.split_whitespace().last();
    Ok(dropped
        .and_then(|number| number.parse().ok())
        .unwrap_or_default())
}

/// A line on standard input is some twenty bytes.
const LONGEST_LINE: usize = 1024;
