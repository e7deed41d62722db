// SPDX-License-Identifier: MIT OR Apache-2.0

//! The system calls of a queue: the only place that knows how ioctl arguments are passed and how
//! the ring is mapped. Used by the builder and by [`Control`](crate::Control).

use std::ffi::c_void;
use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};

use rustix::ioctl::{ioctl, opcode, IntegerSetter, Ioctl, IoctlOutput, Opcode, Updater};
use rustix::mm::{mmap, munmap, MapFlags, ProtFlags};

use crate::abi;
use crate::fork::Zeroable;

const SET_SIZE: Opcode = opcode::none(abi::IOC_GROUP, abi::IOC_SET_SIZE);
const SET_FILTER: Opcode = opcode::none(abi::IOC_GROUP, abi::IOC_SET_FILTER);
const ADD_WATCH: Opcode = opcode::none(abi::IOC_GROUP, abi::IOC_ADD_WATCH);
const REMOVE_WATCH: Opcode = opcode::none(abi::IOC_GROUP, abi::IOC_REMOVE_WATCH);
const GET_INFO: Opcode = opcode::none(abi::IOC_GROUP, abi::IOC_GET_INFO);
const SHUTDOWN: Opcode = opcode::none(abi::IOC_GROUP, abi::IOC_SHUTDOWN);

const RESPOND: Opcode = opcode::none(abi::IOC_GROUP, abi::IOC_RESPOND);
const OPEN_TARGET: Opcode = opcode::none(abi::IOC_GROUP, abi::IOC_OPEN_TARGET);
const SET_PERMISSION: Opcode = opcode::none(abi::IOC_GROUP, abi::IOC_SET_PERMISSION);

/// Gives the queue a ring of `pages` pages.
pub(crate) fn set_size(fd: BorrowedFd<'_>, pages: usize) -> io::Result<()> {
    // SAFETY: The command takes a number.
    let arg = unsafe { IntegerSetter::<SET_SIZE>::new_usize(pages) };
    // SAFETY: The command takes a number and touches no memory of the caller.
    Ok(unsafe { ioctl(fd, arg) }?)
}

/// Sets the filter whose words are `filter`, or removes it.
pub(crate) fn set_filter(fd: BorrowedFd<'_>, filter: Option<&[u32]>) -> io::Result<()> {
    let pointer = filter.map_or(ptr::null(), <[u32]>::as_ptr);
    // SAFETY: The command takes a pointer, or NULL.
    let arg = unsafe { IntegerSetter::<SET_FILTER>::new_pointer(pointer.cast_mut().cast()) };
    // SAFETY: The kernel only reads, and `Filter::words` made as many entries as its first word
    // says.
    Ok(unsafe { ioctl(fd, arg) }?)
}

/// Sets a watch; the kernel fills in its handle.
pub(crate) fn add_watch(fd: BorrowedFd<'_>, add: &mut abi::Add) -> io::Result<()> {
    add.size = size_of::<abi::Add>() as u32;
    // SAFETY: The command takes a pointer to this struct and writes no more than its `size` says.
    let arg = unsafe { Updater::<ADD_WATCH, _>::new(add) };
    // SAFETY: The argument is the command's own, and every bit pattern is a valid value of the struct.
    Ok(unsafe { ioctl(fd, arg) }?)
}

/// Removes one watch or many.
pub(crate) fn remove_watch(fd: BorrowedFd<'_>, remove: &mut abi::Remove) -> io::Result<()> {
    remove.size = size_of::<abi::Remove>() as u32;
    // SAFETY: The command takes a pointer to this struct and writes no more than its `size` says.
    let arg = unsafe { Updater::<REMOVE_WATCH, _>::new(remove) };
    // SAFETY: The argument is the command's own, and every bit pattern is a valid value of the struct.
    Ok(unsafe { ioctl(fd, arg) }?)
}

/// Asks for the counters of the queue, or of the watch `handle`.
pub(crate) fn get_info(fd: BorrowedFd<'_>, handle: u64) -> io::Result<abi::QueueInfo> {
    let mut info = abi::QueueInfo {
        size: size_of::<abi::QueueInfo>() as u32,
        handle,
        ..Default::default()
    };
    // SAFETY: The command takes a pointer to this struct and writes no more than its `size` says.
    let arg = unsafe { Updater::<GET_INFO, _>::new(&mut info) };
    // SAFETY: The argument is the command's own, and every bit pattern is a valid value of the struct.
    unsafe { ioctl(fd, arg) }?;
    Ok(info)
}

/// Ends every watch of the queue.
pub(crate) fn shutdown(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: The command takes no argument, which is passed as 0.
    let arg = unsafe { IntegerSetter::<SHUTDOWN>::new_usize(0) };
    // SAFETY: The command touches no memory of the caller.
    Ok(unsafe { ioctl(fd, arg) }?)
}

/// Answers a question.
pub(crate) fn respond(fd: BorrowedFd<'_>, respond: &mut abi::Respond) -> io::Result<()> {
    respond.size = size_of::<abi::Respond>() as u32;
    // SAFETY: The command takes a pointer to this struct.
    let arg = unsafe { Updater::<RESPOND, _>::new(respond) };
    // SAFETY: The argument is the command's own, which only reads it.
    Ok(unsafe { ioctl(fd, arg) }?)
}

/// Says what happens to questions that are not answered.
pub(crate) fn set_permission(fd: BorrowedFd<'_>, policy: &mut abi::Permission) -> io::Result<()> {
    policy.size = size_of::<abi::Permission>() as u32;
    // SAFETY: The command takes a pointer to this struct.
    let arg = unsafe { Updater::<SET_PERMISSION, _>::new(policy) };
    // SAFETY: The argument is the command's own, which only reads it.
    Ok(unsafe { ioctl(fd, arg) }?)
}

/// The command that gives a descriptor.
struct Opening(abi::OpenTarget);

// SAFETY: The command takes a pointer to the struct, only reads it, and returns a new descriptor.
unsafe impl Ioctl for Opening {
    type Output = OwnedFd;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        OPEN_TARGET
    }

    fn as_ptr(&mut self) -> *mut c_void {
        ptr::from_mut(&mut self.0).cast()
    }

    unsafe fn output_from_ptr(out: IoctlOutput, _: *mut c_void) -> rustix::io::Result<OwnedFd> {
        // SAFETY: The kernel has just opened it for us.
        Ok(unsafe { OwnedFd::from_raw_fd(out) })
    }
}

/// Opens what a question is about.
pub(crate) fn open_target(fd: BorrowedFd<'_>, request: u64) -> io::Result<OwnedFd> {
    let arg = Opening(abi::OpenTarget {
        size: size_of::<abi::OpenTarget>() as u32,
        flags: 0,
        request,
    });
    // SAFETY: `Opening` describes the command.
    Ok(unsafe { ioctl(fd, arg) }?)
}

/// The shared mapping of a queue's ring, unmapped when dropped.
///
/// # Invariants
///
/// `start` is the page-aligned start of a mapping of `length` bytes, readable and writable, which
/// nobody else unmaps. Or both are zero: in a child of fork(), which does not get the mapping.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: *mut c_void,
    length: usize,
}

// SAFETY: A mapping belongs to the process, not to a thread.
unsafe impl Send for Mapping {}

// SAFETY: All zeros are a null pointer and a number, and nothing is unmapped then.
unsafe impl Zeroable for Mapping {}

impl Mapping {
    /// Maps the first `length` bytes of the queue's ring.
    pub(crate) fn new(fd: BorrowedFd<'_>, length: usize) -> io::Result<Self> {
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: The kernel picks an address where nothing is mapped yet.
        let start = unsafe { mmap(ptr::null_mut(), length, prot, MapFlags::SHARED, fd, 0) }?;
        // INVARIANT: Just mapped, and known to nobody else.
        Ok(Mapping { start, length })
    }

    /// Where the ring begins.
    pub(crate) fn start(&self) -> io::Result<NonNull<u64>> {
        NonNull::new(self.start.cast()).ok_or(io::ErrorKind::AddrNotAvailable.into())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.length == 0 {
            return;
        }
        // SAFETY: By the type invariants the mapping is ours, and all that used it is gone with the
        // owner of this value. Failure would leave it mapped, which harms nobody.
        let _ = unsafe { munmap(self.start, self.length) };
    }
}
