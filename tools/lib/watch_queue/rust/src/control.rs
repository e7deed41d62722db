// SPDX-License-Identifier: MIT OR Apache-2.0

//! The controlling half of a queue: watches, filter, counters.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{open, Mode, OFlags};

use crate::abi;
use crate::sys;
use crate::watch::Target;
use crate::{Answer, Events, Filter, RequestId, Scope, Watch};

/// Names a watch of one queue; never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle(u64);

/// Sets watches and filters of a queue and reads its counters.
///
/// Clones control the same queue, from any thread. The queue lives until the last of them and its
/// [`Ring`](crate::Ring) are gone.
#[derive(Clone, Debug)]
pub struct Control {
    fd: Arc<OwnedFd>,
}

/// What a queue, or one watch of it, says about itself.
///
/// Each number was right at some moment during the call; the counters go on.
#[derive(Clone, Copy, Debug)]
pub struct Info(abi::QueueInfo);

impl Handle {
    /// The number that the kernel knows the watch by.
    #[must_use]
    pub fn as_raw(self) -> u64 {
        self.0
    }

    pub(crate) fn from_raw(raw: u64) -> Self {
        Handle(raw)
    }
}

impl Control {
    pub(crate) fn new(fd: Arc<OwnedFd>) -> Self {
        Control { fd }
    }

    /// Sets a watch and returns the handle that names it.
    ///
    /// # Errors
    ///
    /// Those of opening the path, and those of the kernel, among them
    /// - `EACCES` or `EPERM`: the object may not be watched by this user;
    /// - `EEXIST`: this queue watches the object already, and neither
    ///   [`UPDATE`](crate::WatchFlags::UPDATE) nor [`MASK_ADD`](crate::WatchFlags::MASK_ADD) is set;
    /// - `ENOSPC` or `EDQUOT`: a limit on the number of watches is reached;
    /// - `ENOTDIR`: not a directory, but [`ONLY_DIR`](crate::WatchFlags::ONLY_DIR) is set;
    /// - `EOPNOTSUPP`: this kernel does not offer the source, the scope or an event;
    /// - `ESHUTDOWN`: the queue was shut down.
    pub fn add(&self, watch: &Watch<'_>) -> io::Result<Handle> {
        let opened;
        let mut add = watch.to_abi();
        add.object = match &watch.target {
            Target::Path(path) => {
                opened = open(*path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
                opened.as_raw_fd()
            }
            Target::Fd(fd) => fd.as_raw_fd(),
            Target::Number(number) => *number,
        };
        sys::add_watch(self.fd.as_fd(), &mut add)?;
        Ok(Handle(add.handle))
    }

    /// Ends a watch. Its [`Removal`](crate::Removal) is its last record.
    ///
    /// # Errors
    ///
    /// `ENOENT` when the watch has ended already, or was never one of this queue.
    pub fn remove(&self, handle: Handle) -> io::Result<()> {
        let mut remove = abi::Remove {
            handle: handle.0,
            ..Default::default()
        };
        sys::remove_watch(self.fd.as_fd(), &mut remove)
    }

    /// Ends every watch of a source, which is one of [`abi`]'s `TYPE_` numbers; with
    /// [`abi::TYPE_META`], every watch of the queue.
    ///
    /// # Errors
    ///
    /// `EINVAL` when there is no such source; `ESHUTDOWN` after [`shutdown`](Self::shutdown); `EINTR`
    /// when a signal came, and some may be left for another call.
    pub fn remove_all(&self, source: u32) -> io::Result<()> {
        let mut remove = abi::Remove {
            flags: abi::REMOVE_ALL,
            type_: source,
            ..Default::default()
        };
        sys::remove_watch(self.fd.as_fd(), &mut remove)
    }

    /// Lets only what passes the filter into the ring; `None` lets everything in again.
    ///
    /// Removals and losses are reported in any case.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the filter has no entry, too many, or one whose wanted `info` bits are not in
    /// its mask or touch the length.
    pub fn set_filter(&self, filter: Option<&Filter>) -> io::Result<()> {
        let words = filter.map(Filter::words);
        sys::set_filter(self.fd.as_fd(), words.as_deref())
    }

    /// Reads the counters of the queue, and what this kernel offers.
    ///
    /// # Errors
    ///
    /// Only those of a descriptor that is not a watch queue (`ENOTTY`).
    pub fn info(&self) -> io::Result<Info> {
        sys::get_info(self.fd.as_fd(), 0).map(Info)
    }

    /// Reads the counters of one watch.
    ///
    /// # Errors
    ///
    /// `ENOENT` when the watch has ended, or was never one of this queue.
    pub fn watch_info(&self, handle: Handle) -> io::Result<Info> {
        sys::get_info(self.fd.as_fd(), handle.0).map(Info)
    }

    /// Answers a question.
    ///
    /// # Errors
    ///
    /// `ENOENT` when nothing waits for this answer any more: the deadline has come, the task was
    /// killed, or another answer was faster. `EINVAL` for an error that no task may be given.
    pub fn respond(&self, request: RequestId, answer: Answer) -> io::Result<()> {
        let (response, error) = answer.to_abi();
        let mut respond = abi::Respond {
            response,
            request: request.as_raw(),
            error,
            ..Default::default()
        };
        sys::respond(self.fd.as_fd(), &mut respond)
    }

    /// Opens what a question is about, for reading. Neither this nor what is done with the descriptor
    /// is an event to anybody.
    ///
    /// # Errors
    ///
    /// `ENOENT` when nothing waits for this answer any more; `EPERM` without privilege; and what the
    /// file system gives.
    pub fn open_target(&self, request: RequestId) -> io::Result<OwnedFd> {
        sys::open_target(self.fd.as_fd(), request.as_raw())
    }

    /// Says how long answers may take, from the next question on, and what happens without one; a
    /// denied task then gets `EPERM`.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the time is 0 or longer than the module's `max_permission_ms`.
    pub fn set_permission(&self, timeout: Duration, unanswered: Answer) -> io::Result<()> {
        let mut policy = abi::Permission {
            timeout_ms: timeout.as_millis().try_into().unwrap_or(u32::MAX),
            unanswered: unanswered.to_abi().0,
            ..Default::default()
        };
        sys::set_permission(self.fd.as_fd(), &mut policy)
    }

    /// Ends every watch and the queue itself; records that wait in the ring can still be read.
    ///
    /// # Errors
    ///
    /// `ESHUTDOWN` when that has been done before; `EINTR` when a signal came, and some watches may be
    /// left for another call.
    pub fn shutdown(&self) -> io::Result<()> {
        sys::shutdown(self.fd.as_fd())
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Info {
    /// Version of the interface that the kernel module offers.
    #[must_use]
    pub fn abi_version(&self) -> u32 {
        self.0.abi_version
    }

    /// Features, as bits: [`abi::FEATURE_LSM`] and others that later kernels may have.
    #[must_use]
    pub fn features(&self) -> u64 {
        self.0.features
    }

    /// Whether watches on a source can be set, which is one of [`abi`]'s `TYPE_` numbers.
    #[must_use]
    pub fn has_source(&self, source: u32) -> bool {
        source < 64 && self.0.sources & (1 << source) != 0
    }

    /// By which means a source hears of its events, as bits of the kernel header's `WATCH_HOOK_*`: 1 the
    /// kernel's own interface for it, 2 tracepoints, 4 probes on functions, 0x80 with the help of a patch.
    #[must_use]
    pub fn hooks(&self, source: u32) -> u8 {
        let shift = source.saturating_mul(8);
        self.0.hooks.checked_shr(shift).unwrap_or(0) as u8
    }

    /// Mask bits of the events of a source that can come on this kernel.
    #[must_use]
    pub fn events(&self, source: u32) -> u32 {
        let index = usize::try_from(source).unwrap_or(usize::MAX);
        self.0.events.get(index).copied().unwrap_or(0)
    }

    /// Whether this kernel offers the scope for files and directories.
    #[must_use]
    pub fn has_scope(&self, scope: Scope) -> bool {
        self.0.fs_scopes & (1 << scope as u32) != 0
    }

    /// Events of files and directories that can be asked for.
    #[must_use]
    pub fn fs_events(&self) -> Events {
        Events::from_bits_retain(self.0.fs_mask)
    }

    /// Size of the ring in slots of 8 bytes.
    #[must_use]
    pub fn ring_slots(&self) -> u64 {
        self.0.ring_slots
    }

    /// Number of live watches.
    #[must_use]
    pub fn watches(&self) -> u64 {
        self.0.watches
    }

    /// Records that passed masks and filter: those delivered and those lost.
    #[must_use]
    pub fn posted(&self) -> u64 {
        self.0.posted
    }

    /// Records that the filter stopped.
    #[must_use]
    pub fn filtered(&self) -> u64 {
        self.0.filtered
    }

    /// Records that were written to the ring.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.0.delivered
    }

    /// Records that found no room.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost
    }

    /// Everything, as the kernel wrote it.
    #[must_use]
    pub fn as_abi(&self) -> &abi::QueueInfo {
        &self.0
    }
}
