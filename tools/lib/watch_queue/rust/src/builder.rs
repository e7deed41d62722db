// SPDX-License-Identifier: MIT OR Apache-2.0

//! Opening a queue: the device, the ring's size, the mapping, and the two halves that come of it.

use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{open, Mode, OFlags};
use rustix::param::page_size;

use crate::abi;
use crate::sys::{self, Mapping};
use crate::{Consumer, Control, Ring};

/// Where queues come from.
#[derive(Debug)]
pub struct Queue(());

/// How a queue is to be opened. Made by [`Queue::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing is opened before `open`"]
pub struct Builder {
    device: PathBuf,
    pages: usize,
    batch: Option<u32>,
}

impl Queue {
    /// Begins with the defaults: `/dev/watch_queue` and a ring of 16 pages.
    pub fn builder() -> Builder {
        Builder {
            device: "/dev/watch_queue".into(),
            pages: 16,
            batch: None,
        }
    }
}

impl Builder {
    /// Sets the size of the ring in pages, a power of two.
    ///
    /// It bounds how many events can wait: a record of a file event takes 50 to 310 bytes, depending
    /// on the name's length.
    pub fn pages(mut self, pages: usize) -> Self {
        self.pages = pages;
        self
    }

    /// Limits how many slots of 8 bytes are read before their room goes back to the kernel.
    ///
    /// See [`Consumer::set_batch`]; the default is a quarter of the ring.
    pub fn batch(mut self, slots: u32) -> Self {
        self.batch = Some(slots);
        self
    }

    /// Opens another device file than `/dev/watch_queue`.
    pub fn device(mut self, path: impl Into<PathBuf>) -> Self {
        self.device = path.into();
        self
    }

    /// Opens the queue, gives it its ring and maps that.
    ///
    /// # Errors
    ///
    /// Those of the system calls, among them
    /// - `ENOENT`, `ENXIO` or `ENODEV`: the kernel module is not loaded;
    /// - `EINVAL`: the number of pages is not a power of two or above the module's maximum;
    /// - `EPERM`: the ring would exceed the user's `RLIMIT_MEMLOCK`;
    /// - `ENOTTY`: the device is not a watch queue.
    pub fn open(self) -> io::Result<(Control, Ring)> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let fd = Arc::new(open(&self.device, flags, Mode::empty())?);
        let length = self
            .pages
            .checked_mul(page_size())
            .ok_or(io::ErrorKind::InvalidInput)?;
        let slots = u32::try_from(length / abi::SLOT_SIZE)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;

        sys::set_size(fd.as_fd(), self.pages)?;
        let mapping = Mapping::new(fd.as_fd(), length)?;
        // SAFETY: The mapping begins at a page, covers `slots` slots and goes into the ring beside
        // the consumer, which is dropped first. The kernel keeps to the rules of the ring.
        let mut consumer = unsafe { Consumer::new(mapping.start()?, slots) }?;
        if let Some(batch) = self.batch {
            consumer.set_batch(batch);
        }
        Ok((
            Control::new(Arc::clone(&fd)),
            Ring::new(consumer, mapping, fd)?,
        ))
    }
}
