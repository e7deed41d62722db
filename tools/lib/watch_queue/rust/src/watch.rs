// SPDX-License-Identifier: MIT OR Apache-2.0

//! Describing a watch: what to watch, how far it reaches, which events, under which names.

use std::os::fd::BorrowedFd;
use std::path::Path;

use bitflags::bitflags;

use crate::abi;
use crate::{Events, Questions};

/// How far a watch on a file or directory reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum Scope {
    /// The object itself; of a directory also which entries come and go.
    Object = 0,
    /// The same, and what happens to the files in the directory.
    Children = 1,
    /// The directory and everything below it, also what is created or moved there later.
    ///
    /// The administrator of the file system is told everything; others what happens in directories that they
    /// may read and search.
    Subtree = 2,
    /// Everything that is opened through the mount. As the next one for the administrator of the file system
    /// only.
    Mount = 3,
    /// Everything on the file system.
    Superblock = 4,
}

bitflags! {
    /// How a watch behaves.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct WatchFlags: u32 {
        /// Only if the object is a directory.
        const ONLY_DIR = 0x01;
        /// End after the first event.
        const ONE_SHOT = 0x02;
        /// No events of files that have been unlinked.
        const EXCLUDE_UNLINKED = 0x04;
        /// Records carry a file handle.
        const FILE_HANDLE = 0x08;
        /// If the object is watched already: replace both masks.
        const UPDATE = 0x10;
        /// If the object is watched already: add to both masks.
        const MASK_ADD = 0x20;
        /// Do not keep the inode in memory; the watch may end at any time.
        const EVICTABLE = 0x40;
        /// The ignored events stay ignored when the object is modified.
        const IGNORE_SURVIVES_MODIFY = 0x80;
        /// The names in records are paths below what is watched:
        /// [`FsEvent::path`](crate::FsEvent::path).
        const PATH = 0x100;
    }
}

/// A watch to be set with [`Control::add`](crate::Control::add).
#[derive(Clone, Debug)]
#[must_use = "nothing is watched before `Control::add`"]
pub struct Watch<'a> {
    pub(crate) target: Target<'a>,
    source: u32,
    scope: Scope,
    flags: WatchFlags,
    id: u8,
    mask: u64,
    ignore_mask: u64,
    cookie: u64,
}

/// What a watch is set on.
#[derive(Clone, Debug)]
pub(crate) enum Target<'a> {
    /// A path, opened when the watch is added; the last component is followed if it is a link.
    Path(&'a Path),
    /// An open file.
    Fd(BorrowedFd<'a>),
    /// A key's serial number, or -1.
    Number(i32),
}

impl<'a> Watch<'a> {
    /// A watch on the file or directory at `path`, for [`Events::MUTATIONS`] of the object itself.
    pub fn path<P: AsRef<Path> + ?Sized>(path: &'a P) -> Self {
        Watch::new(abi::TYPE_FS, Target::Path(path.as_ref())).events(Events::MUTATIONS)
    }

    /// The same on an open file; a descriptor opened with `O_PATH` will do.
    pub fn fd(fd: BorrowedFd<'a>) -> Self {
        Watch::new(abi::TYPE_FS, Target::Fd(fd)).events(Events::MUTATIONS)
    }

    /// A watch on the mounts of the mount namespace that the program is in, for all events.
    pub fn mounts() -> Self {
        Watch::source(abi::TYPE_MOUNT, -1).mask(abi::MOUNT_ALL_EVENTS)
    }

    /// The same for another mount namespace, by a descriptor of `/proc/PID/ns/mnt`.
    pub fn mounts_of(namespace: BorrowedFd<'a>) -> Self {
        Watch::new(abi::TYPE_MOUNT, Target::Fd(namespace)).mask(abi::MOUNT_ALL_EVENTS)
    }

    /// A watch on the file system that `path` is on, for all events of it as a whole.
    pub fn superblock<P: AsRef<Path> + ?Sized>(path: &'a P) -> Self {
        Watch::new(abi::TYPE_SB, Target::Path(path.as_ref())).mask(abi::SB_ALL_EVENTS)
    }

    /// A watch on a key or keyring, for all events.
    pub fn key(serial: i32) -> Self {
        Watch::source(abi::TYPE_KEY, serial).mask(abi::KEY_ALL_EVENTS)
    }

    /// A watch on all block devices, for all errors.
    pub fn block_devices() -> Self {
        Watch::source(abi::TYPE_BLOCK, -1).mask(abi::BLOCK_ALL_EVENTS)
    }

    /// A watch on one block device, for all errors.
    pub fn block_device<P: AsRef<Path> + ?Sized>(path: &'a P) -> Self {
        Watch::new(abi::TYPE_BLOCK, Target::Path(path.as_ref())).mask(abi::BLOCK_ALL_EVENTS)
    }

    /// A watch on all USB devices and buses, for all events.
    pub fn usb() -> Self {
        Watch::source(abi::TYPE_USB, -1).mask(abi::USB_ALL_EVENTS)
    }

    /// A watch on another source, one of [`abi`]'s `TYPE_` numbers, without any event yet.
    ///
    /// `object` is a key's serial number, or -1 for sources that have but one list.
    pub fn source(source: u32, object: i32) -> Self {
        Watch::new(source, Target::Number(object))
    }

    fn new(source: u32, target: Target<'a>) -> Self {
        Watch {
            target,
            source,
            scope: Scope::Object,
            flags: WatchFlags::empty(),
            id: 0,
            mask: 0,
            ignore_mask: 0,
            cookie: 0,
        }
    }

    /// Sets how far the watch reaches.
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets the wanted file events.
    pub fn events(self, events: Events) -> Self {
        self.mask(events.bits())
    }

    /// Adds questions to the wanted events: from then on tasks wait until they are answered. For the
    /// administrator of the machine.
    pub fn ask(self, questions: Questions) -> Self {
        let mask = self.mask | questions.bits();
        self.mask(mask)
    }

    /// Sets file events that are not wanted even if another watch of this queue wants them.
    pub fn ignore(mut self, events: Events) -> Self {
        self.ignore_mask = events.bits();
        self
    }

    /// Sets the wanted events of any source: bit n stands for records of subtype n.
    pub fn mask(mut self, mask: u64) -> Self {
        self.mask = mask;
        self
    }

    /// Sets flags.
    pub fn flags(mut self, flags: WatchFlags) -> Self {
        self.flags = flags;
        self
    }

    /// Sets a number that every record carries in its header, where filters can see it.
    pub fn id(mut self, id: u8) -> Self {
        self.id = id;
        self
    }

    /// Sets a number that the FS, removal and loss records of this watch carry.
    ///
    /// Choose numbers other than 0: a loss has 0 when it concerns more than one watch.
    pub fn cookie(mut self, cookie: u64) -> Self {
        self.cookie = cookie;
        self
    }

    pub(crate) fn to_abi(&self) -> abi::Add {
        abi::Add {
            size: 0,
            type_: self.source,
            scope: self.scope as u32,
            flags: self.flags.bits(),
            object: -1,
            id: self.id.into(),
            mask: self.mask,
            ignore_mask: self.ignore_mask,
            cookie: self.cookie,
            handle: 0,
        }
    }
}
