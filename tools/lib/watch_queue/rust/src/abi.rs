// SPDX-License-Identifier: MIT OR Apache-2.0

//! The numbers and layouts of `<linux/watch_queue_dev.h>`.
//!
//! Everything here has the value that the kernel's header gives it; `tests/abi.rs` compiles that
//! header and compares. Programs need this module only for records of sources that the crate has no
//! type for, and to name a source in a filter.

/// Group letter of the queue's ioctls.
pub(crate) const IOC_GROUP: u8 = b'W';
/// `IOC_WATCH_QUEUE_SET_SIZE`.
pub(crate) const IOC_SET_SIZE: u8 = 0x60;
/// `IOC_WATCH_QUEUE_SET_FILTER`.
pub(crate) const IOC_SET_FILTER: u8 = 0x61;
/// `IOC_WATCH_QUEUE_ADD_WATCH`.
pub(crate) const IOC_ADD_WATCH: u8 = 0x62;
/// `IOC_WATCH_QUEUE_REMOVE_WATCH`.
pub(crate) const IOC_REMOVE_WATCH: u8 = 0x63;
/// `IOC_WATCH_QUEUE_GET_INFO`.
pub(crate) const IOC_GET_INFO: u8 = 0x64;
/// `IOC_WATCH_QUEUE_SHUTDOWN`.
pub(crate) const IOC_SHUTDOWN: u8 = 0x65;

/// `IOC_WATCH_QUEUE_RESPOND`.
pub(crate) const IOC_RESPOND: u8 = 0x67;
/// `IOC_WATCH_QUEUE_OPEN_TARGET`.
pub(crate) const IOC_OPEN_TARGET: u8 = 0x68;
/// `IOC_WATCH_QUEUE_SET_PERMISSION`.
pub(crate) const IOC_SET_PERMISSION: u8 = 0x69;

/// Records about the queue itself.
pub const TYPE_META: u32 = 0;
/// Mount topology and attributes.
pub const TYPE_MOUNT: u32 = 1;
/// Superblock events.
pub const TYPE_SB: u32 = 2;
/// Keys and keyrings.
pub const TYPE_KEY: u32 = 3;
/// Block device errors.
pub const TYPE_BLOCK: u32 = 4;
/// USB devices and buses.
pub const TYPE_USB: u32 = 5;
/// Files and directories.
pub const TYPE_FS: u32 = 6;

/// `WATCH_MOUNT_ALL_EVENTS`: the mask bits of all MOUNT subtypes.
pub const MOUNT_ALL_EVENTS: u64 = 0x7f;
/// `WATCH_SB_ALL_EVENTS`: the mask bits of all SB subtypes.
pub const SB_ALL_EVENTS: u64 = 0xf;
/// `WATCH_KEY_ALL_EVENTS`: the mask bits of all KEY subtypes.
pub const KEY_ALL_EVENTS: u64 = 0xff;
/// `WATCH_BLOCK_ALL_EVENTS`: the mask bits of all BLOCK subtypes.
pub const BLOCK_ALL_EVENTS: u64 = 0x7fe;
/// `WATCH_USB_ALL_EVENTS`: the mask bits of all USB subtypes.
pub const USB_ALL_EVENTS: u64 = 0x3f;

/// META subtype: padding, or the ring's header.
pub const META_SKIP: u8 = 0;
/// META subtype: a watch ended.
pub const META_REMOVAL: u8 = 1;
/// META subtype: events were lost.
pub const META_LOSS: u8 = 2;
/// META subtype: questions were decided without an answer.
pub const META_UNANSWERED: u8 = 3;

/// Bits of a record's first word that hold its type; the subtype lies above them.
pub const TYPE_MASK: u32 = 0x00ff_ffff;
/// How far the subtype is shifted in a record's first word.
pub const SUBTYPE_SHIFT: u32 = 24;

/// `info`: events were lost before this record.
pub const INFO_OVERRUN: u32 = 0x1;
/// `info`: some of them for want of memory.
pub const INFO_ENOMEM: u32 = 0x2;
/// `info`: the change was recursive.
pub const INFO_RECURSIVE: u32 = 0x4;
/// `info`: the record's length in bytes, in place.
pub const INFO_LENGTH: u32 = 0x1f8;
/// Shift that makes slots of [`INFO_LENGTH`].
pub const LENGTH_SHIFT: u32 = 3;
/// `info`: below the watched object, not the object itself.
pub const INFO_IN_SUBTREE: u32 = 0x200;
/// `info`: flags whose meaning depends on the type.
pub const INFO_TYPE_FLAGS: u32 = 0x00ff_0000;
/// `info`: the first of those flags; in FS records: the event is about a directory.
pub const INFO_FLAG_0: u32 = 0x0001_0000;
/// Second such flag: the path of an FS event is missing.
pub const INFO_FLAG_1: u32 = 0x0002_0000;
/// `info`: the third of the flags whose meaning depends on the type.
pub const INFO_FLAG_2: u32 = 0x0004_0000;
/// `info`: the watch's 8-bit id.
pub const INFO_ID: u32 = 0xff00_0000;
/// How far the id is shifted in `info`.
pub const INFO_ID_SHIFT: u32 = 24;

/// Bytes in a slot, the unit of the ring.
pub const SLOT_SIZE: usize = 8;
/// Slots that the ring's header takes.
pub const HEADER_SLOTS: u32 = 3;
/// Most slots in one record.
pub const RECORD_MAX_SLOTS: u32 = 63;
/// Most entries in a filter.
pub const FILTER_MAX: usize = 16;

/// Index of `head` among the 32-bit words of the ring.
pub(crate) const WORD_HEAD: usize = 2;
/// Index of `tail` among the 32-bit words of the ring.
pub(crate) const WORD_TAIL: usize = 3;
/// Index of `mask` among the 32-bit words of the ring.
pub(crate) const WORD_MASK: usize = 4;

/// `struct watch_queue_add`, the argument of `IOC_WATCH_QUEUE_ADD_WATCH`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)] // named and described in the kernel's header
pub struct Add {
    pub size: u32,
    pub type_: u32,
    pub scope: u32,
    pub flags: u32,
    pub object: i32,
    pub id: u32,
    pub mask: u64,
    pub ignore_mask: u64,
    pub cookie: u64,
    pub handle: u64,
}

/// `struct watch_queue_remove`, the argument of `IOC_WATCH_QUEUE_REMOVE_WATCH`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)] // named and described in the kernel's header
pub struct Remove {
    pub size: u32,
    pub flags: u32,
    pub handle: u64,
    pub type_: u32,
    pub reserved: u32,
}

/// `WATCH_REMOVE_ALL`: end every watch of the type, or every watch when the type is 0.
pub const REMOVE_ALL: u32 = 0x1;

/// `struct watch_queue_info`, the argument of `IOC_WATCH_QUEUE_GET_INFO`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)] // named and described in the kernel's header
pub struct QueueInfo {
    pub size: u32,
    pub abi_version: u32,
    pub handle: u64,
    pub features: u64,
    pub sources: u64,
    pub fs_scopes: u64,
    pub fs_mask: u64,
    pub ring_slots: u64,
    pub watches: u64,
    pub posted: u64,
    pub filtered: u64,
    pub delivered: u64,
    pub lost: u64,
    pub mask: u64,
    pub ignore_mask: u64,
    pub cookie: u64,
    pub id: u32,
    pub type_: u32,
    pub hooks: u64,
    pub events: [u32; 8],
    pub asked: u64,
    pub allowed: u64,
    pub denied: u64,
    pub timed_out: u64,
    pub by_policy: u64,
    pub killed: u64,
    pub pending: u64,
    pub not_asked: u64,
    pub listener_gone: u64,
    pub shut_down: u64,
    pub unplaced: u64,
}

/// `WATCH_FEATURE_LSM`: LSM rules apply to watches on what has a path.
pub const FEATURE_LSM: u64 = 0x1;

/// `WATCH_FEATURE_PERMISSION`: watches may ask for permission.
pub const FEATURE_PERMISSION: u64 = 0x2;

/// `WATCH_FEATURE_PROBES`: functions of the kernel are probed where it has no hook.
pub const FEATURE_PROBES: u64 = 0x4;

/// `struct fs_notification` up to where name and handle may begin, in bytes.
pub const FS_FIXED_SIZE: usize = 48;

/// `struct fs_permission_notification` up to where name and handle may begin, in bytes.
pub const PERMISSION_FIXED_SIZE: usize = 80;

/// `WATCH_RESPONSE_ALLOW`: the task may go on.
pub const RESPONSE_ALLOW: u32 = 1;
/// `WATCH_RESPONSE_DENY`: it may not.
pub const RESPONSE_DENY: u32 = 2;

/// `struct watch_queue_respond`, the argument of `IOC_WATCH_QUEUE_RESPOND`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)] // named and described in the kernel's header
pub struct Respond {
    pub size: u32,
    pub response: u32,
    pub request: u64,
    pub error: u32,
    pub reserved: u32,
}

/// `struct watch_queue_open_target`, the argument of `IOC_WATCH_QUEUE_OPEN_TARGET`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)] // named and described in the kernel's header
pub struct OpenTarget {
    pub size: u32,
    pub flags: u32,
    pub request: u64,
}

/// `struct watch_queue_permission`, the argument of `IOC_WATCH_QUEUE_SET_PERMISSION`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)] // named and described in the kernel's header
pub struct Permission {
    pub size: u32,
    pub timeout_ms: u32,
    pub unanswered: u32,
    pub reserved: u32,
}
