// SPDX-License-Identifier: GPL-2.0

//! The bits and numbers of the FS source: events, scopes, flags of a watch.
//!
//! The kernel uses the same numbers for events.

use crate::rust::fsnotify::event::bit;

/// The event bits of the ABI: those of inotify, and OPEN_EXEC.
pub(crate) const ALL_EVENTS: u32 = 0x1fff;

/// Events that ask for permission when the content is in place.
pub(super) const CONTENT_EVENTS: u32 = bit::OPEN_PERM | bit::OPEN_EXEC_PERM | bit::ACCESS_PERM;

/// Events that ask before the content is accessed, or before it is there.
pub(super) const PRE_CONTENT_EVENTS: u32 = bit::PRE_ACCESS;

/// Events that ask for permission.
pub(super) const QUESTIONS: u32 = CONTENT_EVENTS | PRE_CONTENT_EVENTS;

/// Events that user space asks for by the halves and that the kernel gives as one (RENAME).
pub(super) const MOVES: u32 = bit::MOVED_FROM | bit::MOVED_TO;

/// Events about an entry of the directory that they are reported on.
pub(super) const ENTRY_EVENTS: u32 = bit::CREATE | bit::DELETE | bit::RENAME;

/// The ends of an inode: whatever is watched of it, these are.
pub(super) const ENDS: u32 = bit::UNMOUNT | bit::DELETE_SELF;

/// Events that tell through which mount they came.
pub(super) const MOUNT_EVENTS: u32 =
    bit::ACCESS | bit::MODIFY | bit::CLOSE_WRITE | bit::CLOSE_NOWRITE | bit::OPEN | bit::OPEN_EXEC;

/// Scopes of the ABI.
pub(crate) mod scope {
    /// The object itself.
    pub(crate) const OBJECT: u32 = 0;
    /// And what happens to the files in the directory.
    pub(crate) const CHILDREN: u32 = 1;
    /// Everything below the directory.
    pub(crate) const SUBTREE: u32 = 2;
    /// Everything that is reached through the mount.
    pub(crate) const MOUNT: u32 = 3;
    /// Everything on the file system.
    pub(crate) const SB: u32 = 4;
    /// Number of scopes that the ABI knows.
    pub(crate) const NR: u32 = 5;
}

/// Scopes that work, as bits: all of them.
pub(crate) const SCOPES: u64 = (1 << scope::NR) - 1;

/// `WATCH_ADD_FILE_HANDLE`.
pub(super) const FILE_HANDLE: u32 = 0x08;

/// `WATCH_ADD_PATH`.
pub(super) const PATH: u32 = 0x100;

/// `WATCH_ADD_EXCL_UNLINK`.
pub(super) const EXCL_UNLINK: u32 = 0x04;

/// `WATCH_ADD_EVICTABLE`.
pub(super) const EVICTABLE: u32 = 0x40;

/// `WATCH_ADD_IGNORE_SURV`.
pub(super) const IGNORE_SURV: u32 = 0x80;

/// Watches with one of these take the longer way.
pub(super) const DETAILED: u32 = EXCL_UNLINK | FILE_HANDLE | PATH;
