// SPDX-License-Identifier: GPL-2.0

//! The FS source: files and directories, through the kernel's fsnotify.
//!
//! [`object`] is what stands for a watched place, [`watch`] serves ADD_WATCH, [`event`] turns a
//! callback into records: with [`wide`] for watches on whole mounts, file systems and subtrees, with
//! [`detail`] for records that have a path or a file handle. [`permission`] asks whether something
//! may happen. Here is what they share: which bits exist, and what a watch needs from the kernel to
//! get them.

mod detail;
mod event;
mod object;
mod permission;
mod rename;
mod short;
mod watch;
mod wide;

use crate::{
    mark::{
        Mark,
        Role, //
    },
    queue::watch::Watch,
    rust::{
        fsnotify::{
            backend::PIN,
            event::bit,
            place::Class, //
        },
        params, //
    },
    source::means,
};

pub(super) use self::object::Hold;
pub(crate) use self::{
    object::Fs,
    watch::add, //
};

/// The event bits of the ABI: those of inotify, and OPEN_EXEC. The kernel uses the same numbers.
pub(crate) const ALL_EVENTS: u32 = 0x1fff;

/// Events that ask for permission when the content is in place.
const CONTENT_EVENTS: u32 = bit::OPEN_PERM | bit::OPEN_EXEC_PERM | bit::ACCESS_PERM;

/// Events that ask before the content is accessed, or before it is there.
const PRE_CONTENT_EVENTS: u32 = bit::PRE_ACCESS;

/// Events that ask for permission.
const QUESTIONS: u32 = CONTENT_EVENTS | PRE_CONTENT_EVENTS;

/// The event bits that work on this kernel.
pub(crate) fn events() -> u32 {
    match crate::FS.get().waits() {
        Some(_) => ALL_EVENTS | QUESTIONS,
        None => ALL_EVENTS,
    }
}

/// What the module has to keep for a watch on an object that nothing else watches.
pub(crate) const fn bytes_per_watch() -> usize {
    size_of::<Watch>() + size_of::<Mark<Watch>>() + size_of::<object::FsObject>()
}

/// By which means they come, beside what every kernel has.
pub(super) fn patched() -> u8 {
    match crate::FS.get().waits() {
        Some(_) => means::PATCH,
        None => 0,
    }
}

/// Events that user space asks for by the halves and that the kernel gives as one (RENAME).
const MOVES: u32 = bit::MOVED_FROM | bit::MOVED_TO;

/// Events about an entry of the directory that they are reported on.
const ENTRY_EVENTS: u32 = bit::CREATE | bit::DELETE | bit::RENAME;

/// The ends of an inode: whatever is watched of it, these are.
const ENDS: u32 = bit::UNMOUNT | bit::DELETE_SELF;

/// Events that tell through which mount they came.
const MOUNT_EVENTS: u32 =
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
const FILE_HANDLE: u32 = 0x08;

/// `WATCH_ADD_PATH`.
const PATH: u32 = 0x100;

/// `WATCH_ADD_EXCL_UNLINK`.
const EXCL_UNLINK: u32 = 0x04;

/// `WATCH_ADD_EVICTABLE`.
const EVICTABLE: u32 = 0x40;

/// `WATCH_ADD_IGNORE_SURV`.
const IGNORE_SURV: u32 = 0x80;

/// What a mark of an FS watch does for it: the part, and the class of the object that it is on.
pub(super) mod role {
    use crate::{
        mark::Role,
        rust::fsnotify::place::Class, //
    };

    /// On the watched inode, mount or superblock: hears what the watch wants.
    pub(crate) const OBJECT: Role = 0;
    /// On the root of a subtree: keeps it in memory, and ends the watch when it dies.
    pub(crate) const ROOT: Role = 1;
    /// On the superblock of a subtree: hears what the watch wants, wherever it happens.
    pub(crate) const TREE: Role = 2;
    /// On a superblock or a mount namespace, for another source.
    pub(crate) const OTHER: Role = 3;

    const PART: Role = 0xff;
    const CLASS_SHIFT: u32 = 8;

    /// The role of `part` on an object of `class`.
    pub(crate) const fn new(part: Role, class: Class) -> Role {
        part | (class as Role) << CLASS_SHIFT
    }

    /// The part.
    #[inline]
    pub(crate) const fn part(role: Role) -> Role {
        role & PART
    }

    /// The number of the class.
    pub(crate) const fn class(role: Role) -> u32 {
        role >> CLASS_SHIFT
    }
}

/// Whether a queue may have several marks in this role on one object.
pub(super) fn shares(role: Role) -> bool {
    role::part(role) == role::TREE
}

/// How many marks in this role may be on one object: each of them is asked about what happens below the root of any
/// subtree of the file system. A watch on a subtree counts once: by
/// its mark of the first class, which every such watch has.
pub(super) fn limit(role: Role) -> Option<u32> {
    let counts = role == role::new(role::TREE, Class::Notify);
    counts.then(params::max_subtrees)
}

/// The bits that marks of each class hear of.
const CLASS_EVENTS: [u32; Class::NR] = [ALL_EVENTS, CONTENT_EVENTS, PRE_CONTENT_EVENTS];

/// The bits that marks of a class hear of.
fn class_events(class: Class) -> u32 {
    CLASS_EVENTS.get(class as usize).copied().unwrap_or(0)
}

/// What the kernel has to call us for so that the mark of `watch` in this role gets what it wants:
/// its bits, what clears its ignore mask, why the object ends, and whether an inode has to stay in
/// memory.
pub(super) fn interest(watch: &Watch, role: Role) -> u32 {
    let pin = match watch.spec().flags & EVICTABLE {
        0 => PIN,
        _ => 0,
    };
    if role::part(role) == role::ROOT {
        return ENDS | pin;
    }
    let class = CLASS_EVENTS.get(role::class(role) as usize).copied();
    let ignore = watch.ignore();
    let mut want = (watch.mask() | ignore) & class.unwrap_or(0);
    if want & MOVES != 0 {
        want = want & !MOVES | bit::RENAME;
    }
    if ignore != 0 && watch.spec().flags & IGNORE_SURV == 0 {
        want |= bit::MODIFY;
    }
    match watch.spec().scope {
        // A mount or a superblock: it is not told of its own end by an event. There the bit of a pin says
        // that somebody is to be told of all that happens, not only below the root of a subtree.
        scope::SUBTREE | scope::MOUNT => want,
        scope::SB => want | PIN,
        scope::CHILDREN => want | bit::EVENT_ON_CHILD | ENDS | pin,
        _ => want | ENDS | pin,
    }
}
