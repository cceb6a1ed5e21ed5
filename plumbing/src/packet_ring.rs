//! Packet rings: the beginnings of an interface's frames, in memory that the kernel fills (packet(7);
//! the kernel's `Documentation/networking/packet_mmap.rst`).
//!
//! A packet socket's queue holds whole frames, a large send with all its 64 KiB among them, and as
//! much as `net.core.rmem_max` allows who is not root. A ring holds what is asked for of each frame,
//! side by side, is as large for everybody, and is read without system calls.

use std::ffi::c_void;
use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use libc::{tpacket_block_desc, tpacket_hdr_v1, tpacket_req3, tpacket3_hdr};
use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};

use crate::packet::{FrameHead, PacketSocket, Statistics, direction, set_option};

/// A packet socket with a ring (`TPACKET_V3`): blocks that the kernel fills and hands over when they
/// are full, or after [`HANDOVER`]. It never blocks; poll(2) tells when a block is there.
#[derive(Debug)]
pub struct PacketRing {
    socket: PacketSocket,
    memory: Memory,
    /// The block that is being read, or that will be next.
    block: usize,
    /// Frames in it that were not read yet; none where the block is not ours yet.
    unread: Option<u32>,
    /// Where in it the next of them begins.
    at: usize,
}

/// The mapped memory: blocks of [`BLOCK`] bytes.
#[derive(Debug)]
struct Memory {
    start: NonNull<u8>,
    blocks: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and nothing else points to it.
unsafe impl Send for Memory {}

impl PacketRing {
    /// Opens a ring on an interface of the calling thread's network namespace. When it returns, every
    /// later frame is seen. At most `keep` bytes of each are kept, in `bytes` bytes of memory (rounded
    /// to blocks of 256 KiB, at least two), which are taken up at once.
    ///
    /// # Errors
    /// `ENODEV` if there is no such interface, `EPERM` without `CAP_NET_RAW`, `ENOMEM`; `EINVAL` if a
    /// block could not hold sixteen frames of `keep` bytes.
    pub fn open(interface: &str, keep: u32, bytes: usize) -> io::Result<Self> {
        if keep > LONGEST {
            return Err(Errno::EINVAL.into());
        }
        let blocks = (bytes / BLOCK).max(2);
        let socket = PacketSocket::unbound(interface)?;
        let version = libc::tpacket_versions::TPACKET_V3 as libc::c_int;
        set_option(
            socket.as_fd(),
            libc::SOL_PACKET,
            libc::PACKET_VERSION,
            &version,
        )?;
        keep_beginnings(socket.as_fd(), keep)?;
        request(socket.as_fd(), blocks)?;
        let memory = Memory::map(socket.as_fd(), blocks)?;
        socket.bind()?;
        Ok(Self {
            socket,
            memory,
            block: 0,
            unread: None,
            at: 0,
        })
    }

    /// The next frame, or `None` if no block that holds one was handed over. Frames that pass the
    /// loopback twice are given twice.
    ///
    /// # Errors
    /// `ENETDOWN` once after the interface went down or away; frames that waited can still be read.
    pub fn read(&mut self) -> io::Result<Option<(FrameHead, &[u8])>> {
        let unread = loop {
            match self.unread {
                Some(0) => {
                    self.memory.release(self.block);
                    self.block = (self.block + 1) % self.memory.blocks;
                    self.unread = None;
                }
                Some(unread) => break unread,
                None if self.memory.is_ours(self.block) => {
                    let block = self.memory.block(self.block);
                    let frames = offset_of!(tpacket_hdr_v1, num_pkts);
                    let first = offset_of!(tpacket_hdr_v1, offset_to_first_pkt);
                    self.unread = Some(number(block, BLOCK_HEAD + frames)?);
                    self.at = index(number(block, BLOCK_HEAD + first)?);
                }
                None => {
                    return match getsockopt(&self.socket, sockopt::SocketError)? {
                        0 => Ok(None),
                        error => Err(io::Error::from_raw_os_error(error)),
                    };
                }
            }
        };
        self.unread = Some(unread - 1);
        let frame = self.memory.block(self.block).get(self.at..);
        let frame = frame.ok_or(Errno::EBADMSG)?;
        let next = number(frame, offset_of!(tpacket3_hdr, tp_next_offset))?;
        self.at = self.at.saturating_add(index(next));
        parse(frame).map(Some)
    }

    /// Returns the counts since the last call, or since the ring was opened. Counted frames that were not
    /// dropped are handed over within twice [`HANDOVER`].
    ///
    /// # Errors
    /// The system's.
    pub fn statistics(&self) -> io::Result<Statistics> {
        self.socket.statistics()
    }

    /// The interface's index.
    pub fn index(&self) -> u32 {
        self.socket.index()
    }
}

impl AsFd for PacketRing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Memory {
    fn map(socket: BorrowedFd<'_>, blocks: usize) -> io::Result<Self> {
        let (access, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: the kernel chooses where; nothing that is there is replaced.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                blocks * BLOCK,
                access,
                shared,
                socket.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or(Errno::EFAULT)?;
        Ok(Self { start, blocks })
    }

    /// Whether the kernel has handed a block over and not got it back.
    fn is_ours(&self, block: usize) -> bool {
        self.status(block).load(Ordering::Acquire) & libc::TP_STATUS_USER != 0
    }

    /// Gives a block back to the kernel.
    fn release(&mut self, block: usize) {
        let status = self.status(block);
        status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }

    /// A block that is ours.
    fn block(&self, block: usize) -> &[u8] {
        // SAFETY: the bytes are mapped as long as `self` lives, and the kernel writes to no block that
        // is ours; it becomes the kernel's again only by `release`, which borrows `self` mutably.
        unsafe { slice::from_raw_parts(self.place(block), BLOCK) }
    }

    fn status(&self, block: usize) -> &AtomicU32 {
        let at = BLOCK_HEAD + offset_of!(tpacket_hdr_v1, block_status);
        // SAFETY: every block begins with its description, in which the status is an aligned number
        // that both sides read and write as a whole.
        unsafe { AtomicU32::from_ptr(self.place(block).add(at).cast()) }
    }

    fn place(&self, block: usize) -> *mut u8 {
        debug_assert!(block < self.blocks);
        // SAFETY: so many blocks are mapped.
        unsafe { self.start.as_ptr().add(block * BLOCK) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: mapped with this length, and nothing points to it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast::<c_void>(), self.blocks * BLOCK) };
    }
}

/// Has the kernel keep the beginning of each frame only: a filter that takes every frame, up to a
/// length.
fn keep_beginnings(socket: BorrowedFd<'_>, keep: u32) -> io::Result<()> {
    let code = u16::try_from(libc::BPF_RET | libc::BPF_K).map_err(io::Error::other)?;
    let mut program = [libc::sock_filter {
        code,
        jt: 0,
        jf: 0,
        k: keep,
    }];
    let filter = libc::sock_fprog {
        len: 1,
        filter: program.as_mut_ptr(),
    };
    set_option(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &filter)
}

fn request(socket: BorrowedFd<'_>, blocks: usize) -> io::Result<()> {
    let narrow = |number: usize| libc::c_uint::try_from(number).map_err(io::Error::other);
    let request = tpacket_req3 {
        tp_block_size: narrow(BLOCK)?,
        tp_block_nr: narrow(blocks)?,
        // Frames are as long as they are in this version; the kernel only checks the product.
        tp_frame_size: narrow(FRAME)?,
        tp_frame_nr: narrow(blocks * (BLOCK / FRAME))?,
        tp_retire_blk_tov: narrow(HANDOVER.as_millis().try_into().map_err(io::Error::other)?)?,
        tp_sizeof_priv: 0,
        tp_feature_req_word: 0,
    };
    set_option(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)
}

/// A frame as it lies in a block: its description, its addresses, its bytes.
fn parse(frame: &[u8]) -> io::Result<(FrameHead, &[u8])> {
    let seconds = number(frame, offset_of!(tpacket3_hdr, tp_sec))?;
    let nanoseconds = number(frame, offset_of!(tpacket3_hdr, tp_nsec))?;
    let length = index(number(frame, offset_of!(tpacket3_hdr, tp_len))?);
    let kept = index(number(frame, offset_of!(tpacket3_hdr, tp_snaplen))?);
    let start = usize::from(u16::from_ne_bytes(array(
        frame,
        offset_of!(tpacket3_hdr, tp_mac),
    )?));
    let hardware = ADDRESSES + offset_of!(libc::sockaddr_ll, sll_hatype);
    let [kind] = array(
        frame,
        ADDRESSES + offset_of!(libc::sockaddr_ll, sll_pkttype),
    )?;
    let head = FrameHead {
        stamp: Duration::new(seconds.into(), nanoseconds),
        direction: direction(kind, u16::from_ne_bytes(array(frame, hardware)?)),
        length,
    };
    let bytes = frame.get(start..start + kept).ok_or(Errno::EBADMSG)?;
    Ok((head, bytes))
}

fn number(bytes: &[u8], at: usize) -> io::Result<u32> {
    array(bytes, at).map(u32::from_ne_bytes)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> io::Result<[u8; N]> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
    Ok(*found.ok_or(Errno::EBADMSG)?)
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// After which time the kernel hands over a block that is not full.
pub const HANDOVER: Duration = Duration::from_millis(10);

/// The most that can be kept of a frame, in bytes.
pub const LONGEST: u32 = 16_000;

/// Bytes of a block.
const BLOCK: usize = 256 << 10;
/// Bytes of a frame, as far as the kernel asks; a divisor of a block's.
const FRAME: usize = 2048;
/// Where in a block its header is.
const BLOCK_HEAD: usize = offset_of!(tpacket_block_desc, hdr);
/// Where in a frame its addresses (`sockaddr_ll`) are.
const ADDRESSES: usize = size_of::<tpacket3_hdr>().next_multiple_of(libc::TPACKET_ALIGNMENT);
