// SPDX-License-Identifier: MIT OR Apache-2.0

//! The body of FS records: what happened to which file, by what name.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::abi;
use crate::record::{u32_at, u64_at};
use crate::{Events, Record};

/// An event of a file or a directory.
///
/// The getters read the ring, so use what you need and copy what is to outlive the record.
#[derive(Clone, Copy, Debug)]
pub struct FsEvent<'a> {
    record: Record<'a>,
    fixed: &'a [u8; abi::FS_FIXED_SIZE],
    name: Option<&'a [u8]>,
    handle: Option<&'a [u8]>,
}

impl<'a> FsEvent<'a> {
    /// Checks an FS record's body.
    #[inline]
    pub(crate) fn parse(record: Record<'a>) -> io::Result<Self> {
        let Some(fixed) = record.bytes().first_chunk::<{ abi::FS_FIXED_SIZE }>() else {
            return Err(record.bad_body());
        };
        // Offset and length are read once, together, and it is this copy that gets checked and
        // used: see "Trust" in the crate's documentation.
        let name = part(record, once(fixed, 40))?;
        let handle = part(record, once(fixed, 44))?;
        Ok(FsEvent {
            record,
            fixed,
            name,
            handle,
        })
    }

    /// The event: one bit.
    ///
    /// An event that this version of the crate does not know is an unnamed bit.
    #[inline]
    #[must_use]
    pub fn event(&self) -> Events {
        Events::from_bits_retain(1u64.checked_shl(self.record.subtype().into()).unwrap_or(0))
    }

    /// All bits of the kernel's event, for each of which there is a record if it was asked for.
    #[inline]
    #[must_use]
    pub fn mask(&self) -> Events {
        Events::from_bits_retain(u64::from(u32_at(self.fixed, 28) & !ISDIR))
    }

    /// The cookie that the watch was given.
    #[inline]
    #[must_use]
    pub fn cookie(&self) -> u64 {
        u64_at(self.fixed, 8)
    }

    /// The inode number of what the event is about; 0 when it is not known.
    #[inline]
    #[must_use]
    pub fn inode(&self) -> u64 {
        u64_at(self.fixed, 16)
    }

    /// The device number of its superblock, encoded as in `st_dev`; 0 when it is not known.
    /// `/proc/self/mountinfo` shows the same; `stat()` gives another one for files in subvolumes of btrfs
    /// and for some of overlayfs.
    #[inline]
    #[must_use]
    pub fn dev(&self) -> u32 {
        u32_at(self.fixed, 24)
    }

    /// The process that caused the event; 0 when there is none, or you may not see it.
    #[inline]
    #[must_use]
    pub fn pid(&self) -> u32 {
        u32_at(self.fixed, 32)
    }

    /// A number that both halves of one rename share; 0 for other events.
    #[inline]
    #[must_use]
    pub fn rename_cookie(&self) -> u32 {
        u32_at(self.fixed, 36)
    }

    /// The name of what the event is about, in its directory; `None` when that is what is watched.
    #[inline]
    #[must_use]
    pub fn name(&self) -> Option<&'a OsStr> {
        let last = self.name?.rsplit(|byte| *byte == b'/').next()?;
        Some(OsStr::from_bytes(last))
    }

    /// The path below what is watched, if the watch has [`WatchFlags::PATH`](crate::WatchFlags::PATH)
    /// or cannot see more than one level; otherwise the name.
    ///
    /// `None` when the event is about what is watched. It is the name alone, too, when
    /// [`FsEvent::is_truncated`] says so.
    #[inline]
    #[must_use]
    pub fn path(&self) -> Option<&'a Path> {
        self.name.map(|name| Path::new(OsStr::from_bytes(name)))
    }

    /// Whether [`FsEvent::path`] is the name alone, because the path does not fit in a record.
    #[inline]
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.record.info() & abi::INFO_FLAG_1 != 0
    }

    /// Whether nobody knows where the file is, because it was opened by its handle and none of its names
    /// is in the kernel's cache: the watch may not be about it at all. [`FsEvent::inode`] says what it is.
    #[inline]
    #[must_use]
    pub fn has_no_place(&self) -> bool {
        self.record.info() & abi::INFO_FLAG_2 != 0
    }

    /// A `struct file_handle` of what the event is about, when the watch asked for it.
    ///
    /// It is good for `open_by_handle_at()`.
    #[inline]
    #[must_use]
    pub fn handle(&self) -> Option<&'a [u8]> {
        self.handle
    }

    /// Whether the event is about a directory.
    #[inline]
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.record.info() & abi::INFO_FLAG_0 != 0
    }

    /// The record itself, for what is common to all records.
    #[inline]
    #[must_use]
    pub fn record(&self) -> Record<'a> {
        self.record
    }
}

/// `WATCH_FS_ISDIR`: in the mask beside the events.
const ISDIR: u32 = 1 << 30;

/// The aligned word at `offset`, read exactly once.
#[inline]
fn once(fixed: &[u8; abi::FS_FIXED_SIZE], offset: usize) -> u32 {
    assert!(offset & 3 == 0 && offset + 4 <= fixed.len());
    // SAFETY: The offset is inside the array, as just checked.
    let word = unsafe { fixed.as_ptr().add(offset) };
    // SAFETY: Records are aligned to 8 by `Record`'s invariants, so the word is aligned to 4, and
    // it is valid for reads as part of `fixed`.
    unsafe { word.cast::<u32>().read_volatile() }
}

/// The part of the record that the pair (offset, length) in `word` describes, if it has one.
#[inline]
fn part(record: Record<'_>, word: u32) -> io::Result<Option<&[u8]>> {
    if word == 0 {
        return Ok(None);
    }
    let pair = word.to_ne_bytes();
    let offset = usize::from(u16::from_ne_bytes([pair[0], pair[1]]));
    let length = usize::from(u16::from_ne_bytes([pair[2], pair[3]]));
    let end = offset + length;
    if offset < abi::FS_FIXED_SIZE || end > record.bytes().len() {
        return Err(record.bad_body());
    }
    Ok(record.bytes().get(offset..end))
}
