// SPDX-License-Identifier: MIT OR Apache-2.0

//! One record: its header, and its body by type.
//!
//! The consumer makes [`Record`]s of what it has checked to lie inside the ring; [`Record::kind`]
//! checks the body against the record's length.

use std::io;

use crate::abi;
use crate::{BlockEvent, KeyEvent, MountEvent, SuperblockEvent, UsbEvent};
use crate::{Corrupt, FsEvent, Handle, Question, Questions, Unanswered};

/// A record in the ring, valid until the consumer moves on.
///
/// # Invariants
///
/// `bytes` is aligned to 8 and as long as `info` says, at least 8 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
    word0: u32,
    info: u32,
}

/// What a record reports.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Kind<'a> {
    /// Something happened to a file or a directory.
    Fs(FsEvent<'a>),
    /// Something happened to a mount.
    Mount(MountEvent),
    /// Something happened to a file system.
    Superblock(SuperblockEvent),
    /// Something happened to a key or keyring.
    Key(KeyEvent),
    /// An operation of a block device failed.
    Block(BlockEvent),
    /// Something happened to a USB device or bus.
    Usb(UsbEvent<'a>),
    /// A task waits for an answer before it does something to a file or a directory.
    Question(Question<'a>),
    /// Questions were decided without an answer.
    Unanswered(Unanswered),
    /// A watch ended; nothing more of it follows.
    Removal(Removal),
    /// Events were lost between the record before this one and this one.
    Loss(Loss),
    /// A record that this version of the crate has no type for.
    Other {
        /// Its type, one of [`abi`]'s `TYPE_` numbers or that of another kernel module.
        type_: u32,
        /// Its subtype.
        subtype: u8,
        /// The whole record with its 8-byte header, padded with zeros to 8 bytes.
        bytes: &'a [u8],
    },
}

/// The end of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removal {
    /// The watch, as [`Control::add`](crate::Control::add) named it.
    pub handle: Handle,
    /// The watch's cookie.
    pub cookie: u64,
    /// Why it ended.
    pub reason: Reason,
}

/// Why a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// It was removed through [`Control`](crate::Control).
    Removed,
    /// It was to end after its first event, and that has happened.
    OneShot,
    /// The object was deleted.
    ObjectGone,
    /// The object's file system was unmounted.
    Unmount,
    /// It was evictable, and the kernel took it.
    Evicted,
    /// The queue was shut down.
    QueueShutdown,
    /// The kernel module that posted the events went away.
    SourceGone,
    /// A reason that this version of the crate does not know.
    Other(u32),
}

/// Lost events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// How many records were lost since the last record of this kind.
    pub count: u64,
    /// Cookie of the watch that lost them, when it was only one; else 0.
    pub cookie: u64,
    /// Whether more than one watch has lost records.
    pub many: bool,
    /// Whether some were lost for want of memory, not of room in the ring.
    pub memory: bool,
}

impl<'a> Record<'a> {
    /// Makes a record of memory that the consumer has checked.
    ///
    /// # Safety
    ///
    /// `start` must be aligned to 8 bytes, and the number of bytes that `info` gives, not zero, must
    /// be valid for reads and not written to for `'a`.
    #[inline]
    pub(crate) unsafe fn from_ring(start: *const u64, word0: u32, info: u32) -> Self {
        let length = (info & abi::INFO_LENGTH) as usize;
        // SAFETY: As the caller promises.
        let bytes = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) };
        // INVARIANT: As the caller promises.
        Record { bytes, word0, info }
    }

    /// What the record reports, with its body checked.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](io::ErrorKind::InvalidData) with [`Corrupt::Body`] when the body of a known
    /// type is too short, or a name or handle lies outside the record.
    #[inline]
    pub fn kind(&self) -> io::Result<Kind<'a>> {
        match (self.type_(), self.subtype()) {
            (abi::TYPE_FS, subtype) if asks(subtype) => Ok(Kind::Question(Question::parse(*self)?)),
            (abi::TYPE_FS, _) => Ok(Kind::Fs(FsEvent::parse(*self)?)),
            (abi::TYPE_MOUNT, _) => Ok(Kind::Mount(MountEvent::parse(*self)?)),
            (abi::TYPE_SB, _) => Ok(Kind::Superblock(SuperblockEvent::parse(*self)?)),
            (abi::TYPE_KEY, _) => Ok(Kind::Key(KeyEvent::parse(*self)?)),
            (abi::TYPE_BLOCK, _) => Ok(Kind::Block(BlockEvent::parse(*self)?)),
            (abi::TYPE_USB, _) => Ok(Kind::Usb(UsbEvent::parse(*self)?)),
            (abi::TYPE_META, abi::META_UNANSWERED) => {
                Ok(Kind::Unanswered(Unanswered::parse(*self)?))
            }
            (abi::TYPE_META, abi::META_REMOVAL) => Ok(Kind::Removal(self.removal()?)),
            (abi::TYPE_META, abi::META_LOSS) => Ok(Kind::Loss(self.loss()?)),
            (type_, subtype) => Ok(Kind::Other {
                type_,
                subtype,
                bytes: self.bytes,
            }),
        }
    }

    /// The record's type.
    #[inline]
    #[must_use]
    pub fn type_(&self) -> u32 {
        self.word0 & abi::TYPE_MASK
    }

    /// The record's subtype; its meaning depends on the type.
    #[inline]
    #[must_use]
    pub fn subtype(&self) -> u8 {
        (self.word0 >> abi::SUBTYPE_SHIFT) as u8
    }

    /// The whole `info` word of the record's header.
    #[inline]
    #[must_use]
    pub fn info(&self) -> u32 {
        self.info
    }

    /// The 8-bit id of the watch.
    #[inline]
    #[must_use]
    pub fn id(&self) -> u8 {
        (self.info >> abi::INFO_ID_SHIFT) as u8
    }

    /// Whether events were lost before this record.
    #[inline]
    #[must_use]
    pub fn overrun(&self) -> bool {
        self.info & abi::INFO_OVERRUN != 0
    }

    /// Whether the event is about something below the watched object, not the object itself.
    #[inline]
    #[must_use]
    pub fn in_subtree(&self) -> bool {
        self.info & abi::INFO_IN_SUBTREE != 0
    }

    /// Whether the change was recursive.
    #[inline]
    #[must_use]
    pub fn recursive(&self) -> bool {
        self.info & abi::INFO_RECURSIVE != 0
    }

    /// The record's eight type flags; flag 0 is the lowest bit.
    #[inline]
    #[must_use]
    pub fn flags(&self) -> u8 {
        (self.info >> 16) as u8
    }

    /// The whole record with its 8-byte header, padded with zeros to 8 bytes.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The error for a body that does not fit the record.
    #[cold]
    pub(crate) fn bad_body(&self) -> io::Error {
        Corrupt::Body {
            type_: self.type_(),
            subtype: self.subtype(),
            length: self.bytes.len(),
        }
        .into()
    }

    fn removal(&self) -> io::Result<Removal> {
        let body: &[u8; 32] = self.bytes.first_chunk().ok_or_else(|| self.bad_body())?;
        Ok(Removal {
            handle: Handle::from_raw(u64_at(body, 8)),
            cookie: u64_at(body, 16),
            reason: Reason::from_raw(u32_at(body, 24)),
        })
    }

    fn loss(&self) -> io::Result<Loss> {
        let body: &[u8; 24] = self.bytes.first_chunk().ok_or_else(|| self.bad_body())?;
        Ok(Loss {
            count: u64_at(body, 8),
            cookie: u64_at(body, 16),
            many: self.info & abi::INFO_FLAG_0 != 0,
            memory: self.info & abi::INFO_ENOMEM != 0,
        })
    }
}

/// Whether FS records of a subtype are questions.
#[inline]
fn asks(subtype: u8) -> bool {
    1u64.checked_shl(subtype.into())
        .is_some_and(|bit| Questions::all().bits() & bit != 0)
}

impl Reason {
    fn from_raw(number: u32) -> Self {
        match number {
            0 => Reason::Removed,
            1 => Reason::OneShot,
            2 => Reason::ObjectGone,
            3 => Reason::Unmount,
            4 => Reason::Evicted,
            5 => Reason::QueueShutdown,
            6 => Reason::SourceGone,
            other => Reason::Other(other),
        }
    }
}

/// The 64-bit number at `offset` of a body whose length the caller has checked.
#[inline]
pub(crate) fn u64_at<const N: usize>(body: &[u8; N], offset: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&body[offset..offset + 8]);
    u64::from_ne_bytes(bytes)
}

/// The 32-bit number at `offset` of a body whose length the caller has checked.
#[inline]
pub(crate) fn u32_at<const N: usize>(body: &[u8; N], offset: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&body[offset..offset + 4]);
    u32::from_ne_bytes(bytes)
}

/// The signed 32-bit number at `offset` of a body whose length the caller has checked.
#[inline]
pub(crate) fn i32_at<const N: usize>(body: &[u8; N], offset: usize) -> i32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&body[offset..offset + 4]);
    i32::from_ne_bytes(bytes)
}
