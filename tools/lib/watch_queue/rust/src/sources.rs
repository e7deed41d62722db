// SPDX-License-Identifier: MIT OR Apache-2.0

//! Records of the sources beside FS: mounts, file systems, keys, block and USB devices.
//!
//! Their bodies are small and of fixed layout, so they are handed out as values. What a later
//! version of the kernel appends is left alone; what an earlier one does not have is 0.

use std::io;

use crate::record::{i32_at, u32_at, u64_at};
use crate::Record;

/// Something happened to a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MountEvent {
    /// What happened.
    pub change: MountChange,
    /// The mount's unique id, as `statmount()` takes it.
    pub mount: u64,
    /// Unique id of the mount that it is or was on; 0 when there is none or it is not known.
    pub parent: u64,
    /// Whether the same was asked for all mounts below it.
    pub recursive: bool,
}

/// What happened to a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MountChange {
    /// It was mounted.
    New,
    /// It was unmounted.
    Unmount,
    /// It is about to be unmounted because nobody used it.
    Expiry,
    /// It became read-only.
    ReadOnly,
    /// It became writable.
    Writable,
    /// Other attributes of it changed, or how mounts propagate.
    Attributes,
    /// It was moved: this is where it was.
    MoveFrom,
    /// It was moved: this is where it is.
    MoveTo,
    /// A subtype that this version of the crate does not know.
    Other(u8),
}

/// Something happened to a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SuperblockEvent {
    /// The device number of its superblock, encoded as in `st_dev`. `/proc/self/mountinfo` shows the same;
    /// `stat()` gives another one for files in subvolumes of btrfs and for some of overlayfs.
    pub dev: u64,
    /// What happened.
    pub change: SuperblockChange,
}

/// What happened to a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SuperblockChange {
    /// It became read-only.
    ReadOnly,
    /// It became writable.
    Writable,
    /// It reports an error.
    Error(FileSystemError),
    /// A limit of a quota was crossed.
    Quota(QuotaWarning),
    /// A subtype that this version of the crate does not know.
    Other(u8),
}

/// An error that a file system reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileSystemError {
    /// Number of the error in `<errno.h>`.
    pub errno: u32,
    /// Counts errors; the same in all records of one error.
    pub number: u32,
    /// Inode number of the file; 0 when it is not about one.
    pub inode: u64,
    /// The inode's generation.
    pub generation: u32,
    /// What failed: `enum superblock_error_type` of the kernel's header.
    pub what: u32,
    /// Where in the file's data.
    pub pos: u64,
    /// How many bytes; 0 when it is not about data.
    pub len: u64,
}

/// A limit of a quota was crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaWarning {
    /// Whose quota: 0 a user's, 1 a group's, 2 a project's.
    pub kind: u32,
    /// Which user, group or project.
    pub id: u32,
    /// Which limit, and in which direction: `QUOTA_NL_*` of `<linux/quota.h>`.
    pub warning: u32,
}

/// Something happened to a key or keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyEvent {
    /// `enum key_notification_subtype` of the kernel's header.
    pub subtype: u8,
    /// Serial number of the key.
    pub key: i32,
    /// Serial number of the other key, or an error: see the kernel's header.
    pub aux: i32,
}

/// An operation of a block device failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockEvent {
    /// Class of the error: `enum block_notification_type` of the kernel's header.
    pub subtype: u8,
    /// The device, as `st_rdev` has it.
    pub dev: u64,
    /// First sector of the operation, in units of 512 bytes.
    pub sector: u64,
}

/// Something happened to a USB device or bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsbEvent<'a> {
    /// `enum usb_notification_type` of the kernel's header.
    pub subtype: u8,
    /// The error, for the subtypes that are about one.
    pub error: u32,
    /// Name of the device or bus.
    pub name: &'a [u8],
}

impl MountEvent {
    pub(crate) fn parse(record: Record<'_>) -> io::Result<Self> {
        let body: &[u8; 16] = body(record)?;
        let full: Option<&[u8; 32]> = record.bytes().first_chunk();
        let change = match (record.subtype(), record.flags() & 1) {
            (0, _) => MountChange::New,
            (1, _) => MountChange::Unmount,
            (2, _) => MountChange::Expiry,
            (3, 0) => MountChange::Writable,
            (3, _) => MountChange::ReadOnly,
            (4, _) => MountChange::Attributes,
            (5, _) => MountChange::MoveFrom,
            (6, _) => MountChange::MoveTo,
            (other, _) => MountChange::Other(other),
        };
        Ok(MountEvent {
            change,
            mount: full.map_or_else(|| u32_at(body, 12).into(), |full| u64_at(full, 24)),
            parent: full.map_or_else(|| u32_at(body, 8).into(), |full| u64_at(full, 16)),
            recursive: record.recursive(),
        })
    }
}

impl SuperblockEvent {
    pub(crate) fn parse(record: Record<'_>) -> io::Result<Self> {
        let start: &[u8; 16] = body(record)?;
        let change = match (record.subtype(), record.flags() & 1) {
            (0, 0) => SuperblockChange::Writable,
            (0, _) => SuperblockChange::ReadOnly,
            (1, _) => SuperblockChange::Error(FileSystemError::parse(record)?),
            (2, _) => SuperblockChange::Quota(QuotaWarning::parse(record)?),
            (other, _) => SuperblockChange::Other(other),
        };
        Ok(SuperblockEvent {
            dev: u64_at(start, 8),
            change,
        })
    }
}

impl FileSystemError {
    fn parse(record: Record<'_>) -> io::Result<Self> {
        let start: &[u8; 24] = body(record)?;
        let full: Option<&[u8; 56]> = record.bytes().first_chunk();
        let word = |offset| full.map_or(0, |full| u32_at(full, offset));
        let long = |offset| full.map_or(0, |full| u64_at(full, offset));
        Ok(FileSystemError {
            errno: u32_at(start, 16),
            number: u32_at(start, 20),
            inode: long(24),
            generation: word(32),
            what: word(36),
            pos: long(40),
            len: long(48),
        })
    }
}

impl QuotaWarning {
    fn parse(record: Record<'_>) -> io::Result<Self> {
        let body: &[u8; 32] = body(record)?;
        Ok(QuotaWarning {
            kind: u32_at(body, 16),
            id: u32_at(body, 20),
            warning: u32_at(body, 24),
        })
    }
}

impl KeyEvent {
    pub(crate) fn parse(record: Record<'_>) -> io::Result<Self> {
        let body: &[u8; 16] = body(record)?;
        Ok(KeyEvent {
            subtype: record.subtype(),
            key: i32_at(body, 8),
            aux: i32_at(body, 12),
        })
    }
}

impl BlockEvent {
    pub(crate) fn parse(record: Record<'_>) -> io::Result<Self> {
        let body: &[u8; 24] = body(record)?;
        Ok(BlockEvent {
            subtype: record.subtype(),
            dev: u64_at(body, 8),
            sector: u64_at(body, 16),
        })
    }
}

impl<'a> UsbEvent<'a> {
    pub(crate) fn parse(record: Record<'a>) -> io::Result<Self> {
        let start: &[u8; 24] = body(record)?;
        // The length is used as it was read here, whatever becomes of it in the ring.
        let length = usize::from(start[16]);
        let name = record.bytes().get(17..17 + length);
        Ok(UsbEvent {
            subtype: record.subtype(),
            error: u32_at(start, 8),
            name: name.ok_or_else(|| record.bad_body())?,
        })
    }
}

/// The first `N` bytes of a record, which has at least so many.
fn body<const N: usize>(record: Record<'_>) -> io::Result<&[u8; N]> {
    record
        .bytes()
        .first_chunk()
        .ok_or_else(|| record.bad_body())
}
