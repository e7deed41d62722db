// SPDX-License-Identifier: MIT OR Apache-2.0

//! The consumer of a real queue: the records, and waiting for them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{poll, PollFd, PollFlags, Timespec};

use crate::fork::{WipedOnFork, Zeroable};
use crate::sys::Mapping;
use crate::{Consumer, Record};

/// The one reader of a queue.
///
/// Its descriptor can be polled by any event loop, level- or edge-triggered: it is readable while
/// there are records. Read with [`next`](Self::next) until that returns `None` before going to
/// sleep.
#[derive(Debug)]
pub struct Ring {
    reader: WipedOnFork<Reader>,
    fd: Arc<OwnedFd>,
}

/// What a child of this process does not have.
#[derive(Debug)]
struct Reader {
    // Dropped before the mapping that it reads: fields are dropped in the order they stand here.
    consumer: Consumer,
    _mapping: Mapping,
}

// SAFETY: Both parts are.
unsafe impl Zeroable for Reader {}

impl Ring {
    pub(crate) fn new(consumer: Consumer, mapping: Mapping, fd: Arc<OwnedFd>) -> io::Result<Self> {
        let reader = WipedOnFork::new(Reader {
            consumer,
            _mapping: mapping,
        })?;
        Ok(Ring { reader, fd })
    }

    /// Returns the next record, or `None` when the ring is empty. See [`Consumer::next`].
    ///
    /// # Errors
    ///
    /// [`InvalidData`](io::ErrorKind::InvalidData) with a [`Corrupt`](crate::Corrupt) when the ring
    /// holds a record that cannot be right; [`resync`](Self::resync) is the way out.
    /// [`NotConnected`](io::ErrorKind::NotConnected) in a child of the process that opened the queue.
    // Not an Iterator: each record borrows the ring until the next call.
    #[allow(clippy::should_implement_trait)]
    #[inline]
    pub fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        self.reader.consumer.next()
    }

    /// Gives the room of every record that was read back to the kernel.
    ///
    /// Needed only by programs that stop reading before [`next`](Self::next) has returned `None`.
    #[inline]
    pub fn release(&mut self) {
        self.reader.consumer.release();
    }

    /// Gives up everything that is in the ring and goes on with what the kernel writes next.
    ///
    /// # Errors
    ///
    /// Those of [`Consumer::resync`].
    pub fn resync(&mut self) -> io::Result<()> {
        self.reader.consumer.resync()
    }

    /// Waits until there are records, and says whether there are; `None` waits for ever.
    ///
    /// # Errors
    ///
    /// - [`Interrupted`](io::ErrorKind::Interrupted): a signal handler ran;
    /// - [`InvalidData`](io::ErrorKind::InvalidData): the kernel refuses the ring's tail, because
    ///   something else has written to it; [`resync`](Self::resync) is the way out;
    /// - [`NotConnected`](io::ErrorKind::NotConnected): this is a child of the process that opened the
    ///   queue.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        self.reader.consumer.check_process()?;
        self.release();
        let timeout = timeout.map(|t| Timespec {
            tv_sec: t.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: t.subsec_nanos().into(),
        });
        let mut fds = [PollFd::new(&*self.fd, PollFlags::IN)];
        poll(&mut fds, timeout.as_ref())?;
        let events = fds[0].revents();
        if events.contains(PollFlags::ERR) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the kernel refuses the ring's tail: something else has written to it",
            ));
        }
        Ok(events.contains(PollFlags::IN))
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
