// SPDX-License-Identifier: GPL-2.0

//! The ioctls of the device: numbers, flags and structures, as in
//! `include/uapi/linux/watch_queue_dev.h`.
//!
//! The structures have no holes and the same layout for 32-bit programs; the asserts here and the
//! kselftest `abi_test` compare sizes and offsets with the header.

use crate::rust::prelude::*;
use core::mem::offset_of;
use kernel::ioctl::_IO;
use zerocopy_derive::Immutable;

/// SET_SIZE: number of pages.
pub(crate) const SET_SIZE: u32 = _IO('W' as u32, 0x60);
/// SET_FILTER: pointer to a filter, or NULL.
pub(crate) const SET_FILTER: u32 = _IO('W' as u32, 0x61);
/// ADD_WATCH: pointer to [`Add`].
pub(crate) const ADD_WATCH: u32 = _IO('W' as u32, 0x62);
/// REMOVE_WATCH: pointer to [`Remove`].
pub(crate) const REMOVE_WATCH: u32 = _IO('W' as u32, 0x63);
/// GET_INFO: pointer to [`Info`].
pub(crate) const GET_INFO: u32 = _IO('W' as u32, 0x64);
/// SHUTDOWN: no argument.
pub(crate) const SHUTDOWN: u32 = _IO('W' as u32, 0x65);

/// SET_WATERMARK: pointer to [`Watermark`].
pub(crate) const SET_WATERMARK: u32 = _IO('W' as u32, 0x66);

/// RESPOND: pointer to [`Respond`].
pub(crate) const RESPOND: u32 = _IO('W' as u32, 0x67);
/// OPEN_TARGET: pointer to [`OpenTarget`].
pub(crate) const OPEN_TARGET: u32 = _IO('W' as u32, 0x68);
/// SET_PERMISSION: pointer to [`Permission`].
pub(crate) const SET_PERMISSION: u32 = _IO('W' as u32, 0x69);

/// Version of the ABI that GET_INFO tells.
pub(crate) const VERSION: u32 = 1;

/// Feature: LSM rules apply to watches on what has a path.
pub(crate) const FEATURE_LSM: u64 = 1;

/// Feature: watches may ask for permission.
pub(crate) const FEATURE_PERMISSION: u64 = 2;

/// Feature: functions are probed where the kernel has no hook.
pub(crate) const FEATURE_PROBES: u64 = 4;

/// Flags of ADD_WATCH.
pub(crate) mod flag {
    /// Refuse what is no directory.
    pub(crate) const ONLYDIR: u32 = 0x01;
    /// End after the first event.
    pub(crate) const ONESHOT: u32 = 0x02;
    /// No events of files that were unlinked.
    pub(crate) const EXCL_UNLINK: u32 = 0x04;
    /// Records carry a file handle.
    pub(crate) const FILE_HANDLE: u32 = 0x08;
    /// Watched already: replace the masks.
    pub(crate) const UPDATE: u32 = 0x10;
    /// Watched already: add to the masks.
    pub(crate) const MASK_ADD: u32 = 0x20;
    /// Does not keep the inode in memory.
    pub(crate) const EVICTABLE: u32 = 0x40;
    /// The ignore mask survives modification.
    pub(crate) const IGNORE_SURV: u32 = 0x80;
    /// Records carry the path in place of the name.
    pub(crate) const PATH: u32 = 0x100;
    /// All of them.
    pub(crate) const ALL: u32 = 0x1ff;
}

/// Argument of ADD_WATCH: `struct watch_queue_add`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Add {
    pub(crate) size: u32,
    pub(crate) kind: u32,
    pub(crate) scope: u32,
    pub(crate) flags: u32,
    pub(crate) object: i32,
    pub(crate) id: u32,
    pub(crate) mask: u64,
    pub(crate) ignore_mask: u64,
    pub(crate) cookie: u64,
    pub(crate) handle: u64,
}

/// First published size of [`Add`].
pub(crate) const ADD_MIN: usize = 56;
static_assert!(size_of::<Add>() == ADD_MIN && offset_of!(Add, handle) == 48);

/// The only flag of REMOVE_WATCH.
pub(crate) const REMOVE_ALL: u32 = 1;

/// Argument of REMOVE_WATCH: `struct watch_queue_remove`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Remove {
    pub(crate) size: u32,
    pub(crate) flags: u32,
    pub(crate) handle: u64,
    pub(crate) kind: u32,
    pub(crate) reserved: u32,
}

/// First published size of [`Remove`].
pub(crate) const REMOVE_MIN: usize = 24;
static_assert!(size_of::<Remove>() == REMOVE_MIN);

/// Argument of GET_INFO: `struct watch_queue_info`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Info {
    pub(crate) size: u32,
    pub(crate) abi_version: u32,
    pub(crate) handle: u64,
    pub(crate) features: u64,
    pub(crate) sources: u64,
    pub(crate) fs_scopes: u64,
    pub(crate) fs_mask: u64,
    pub(crate) ring_slots: u64,
    pub(crate) watches: u64,
    pub(crate) posted: u64,
    pub(crate) filtered: u64,
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    pub(crate) mask: u64,
    pub(crate) ignore_mask: u64,
    pub(crate) cookie: u64,
    pub(crate) id: u32,
    pub(crate) kind: u32,
    pub(crate) hooks: u64,
    pub(crate) events: [u32; 8],
    pub(crate) asked: u64,
    pub(crate) allowed: u64,
    pub(crate) denied: u64,
    pub(crate) timed_out: u64,
    pub(crate) by_policy: u64,
    pub(crate) killed: u64,
    pub(crate) pending: u64,
    pub(crate) not_asked: u64,
    pub(crate) listener_gone: u64,
    pub(crate) shut_down: u64,
    pub(crate) unplaced: u64,
}

/// First published size of [`Info`].
pub(crate) const INFO_MIN: usize = 128;
static_assert!(offset_of!(Info, hooks) == INFO_MIN && offset_of!(Info, asked) == 168);
static_assert!(offset_of!(Info, not_asked) == 224);
static_assert!(size_of::<Info>() == 256 && offset_of!(Info, unplaced) == 248);

/// Argument of SET_WATERMARK: `struct watch_queue_watermark`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Watermark {
    pub(crate) size: u32,
    pub(crate) records: u32,
    pub(crate) bytes: u32,
    pub(crate) timeout_ms: u32,
}

/// First published size of [`Watermark`].
pub(crate) const WATERMARK_MIN: usize = 16;
static_assert!(size_of::<Watermark>() == WATERMARK_MIN);

/// Longest time of a watermark, in milliseconds: an hour.
pub(crate) const WATERMARK_MAX_MS: u32 = 3_600_000;

/// In [`Respond`] and [`Permission`]: the task may go on.
pub(crate) const ALLOW: u32 = 1;
/// It may not.
pub(crate) const DENY: u32 = 2;

/// Argument of RESPOND: `struct watch_queue_respond`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Respond {
    pub(crate) size: u32,
    pub(crate) response: u32,
    pub(crate) request: u64,
    pub(crate) error: u32,
    pub(crate) reserved: u32,
}

/// First published size of [`Respond`].
pub(crate) const RESPOND_MIN: usize = 24;
static_assert!(size_of::<Respond>() == RESPOND_MIN && offset_of!(Respond, request) == 8);

/// Argument of OPEN_TARGET: `struct watch_queue_open_target`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct OpenTarget {
    pub(crate) size: u32,
    pub(crate) flags: u32,
    pub(crate) request: u64,
}

/// First published size of [`OpenTarget`].
pub(crate) const OPEN_TARGET_MIN: usize = 16;
static_assert!(size_of::<OpenTarget>() == OPEN_TARGET_MIN);

/// Argument of SET_PERMISSION: `struct watch_queue_permission`.
#[derive(FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Permission {
    pub(crate) size: u32,
    pub(crate) timeout_ms: u32,
    pub(crate) unanswered: u32,
    pub(crate) reserved: u32,
}

/// First published size of [`Permission`].
pub(crate) const PERMISSION_MIN: usize = 16;
static_assert!(size_of::<Permission>() == PERMISSION_MIN);
