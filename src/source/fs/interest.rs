// SPDX-License-Identifier: GPL-2.0

//! What the kernel has to call us for so that a watch gets what it wants, and how many marks may be beside
//! each other on one object.

use super::bits::{
    scope,
    ALL_EVENTS,
    CONTENT_EVENTS,
    ENDS,
    EVICTABLE,
    IGNORE_SURV,
    MOVES,
    PRE_CONTENT_EVENTS, //
};
use crate::{
    mark::Role,
    queue::watch::Watch,
    rust::{
        fsnotify::{
            backend::PIN,
            event::bit,
            place::Class, //
        },
        params, //
    },
    source::role,
};

/// Whether a queue may have several marks in this role on one object.
pub(in crate::source) fn shares(role: Role) -> bool {
    role::part(role) == role::TREE
}

/// How many marks in this role may be on one object: each of them is asked about what happens below the root of any
/// subtree of the file system. A watch on a subtree counts once: by
/// its mark of the first class, which every such watch has.
pub(in crate::source) fn limit(watch: &Watch, role: Role) -> Option<u32> {
    let counts = role == role::new(role::TREE, Class::Notify);
    // Users without privileges leave half of them to those who have some.
    let share = if watch.viewer().is_some() { 2 } else { 1 };
    counts.then(|| params::max_subtrees() / share)
}

/// The bits that marks of each class hear of.
const CLASS_EVENTS: [u32; Class::NR] = [ALL_EVENTS, CONTENT_EVENTS, PRE_CONTENT_EVENTS];

/// The bits that marks of a class hear of.
pub(super) fn class_events(class: Class) -> u32 {
    CLASS_EVENTS.get(class as usize).copied().unwrap_or(0)
}

/// What the kernel has to call us for so that the mark of `watch` in this role gets what it wants:
/// its bits, what clears its ignore mask, why the object ends, and whether an inode has to stay in
/// memory.
pub(in crate::source) fn interest(watch: &Watch, role: Role) -> u32 {
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
        // A mount or a superblock: it is not told of its own end by an event. There the bit of a
        // pin says that a watch is told of all that happens, not only below the root of a subtree.
        scope::SUBTREE | scope::MOUNT => want,
        scope::SB => want | PIN,
        scope::CHILDREN => want | bit::EVENT_ON_CHILD | ENDS | pin,
        _ => want | ENDS | pin,
    }
}
