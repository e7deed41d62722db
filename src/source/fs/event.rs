// SPDX-License-Identifier: GPL-2.0

//! From a callback of fsnotify to records.
//!
//! For each group with marks on the event's objects: what its ignore masks leave is posted to each
//! of its watches that wants it, one record per wanted bit. What all records of the event share is
//! made once, when the first watch wants it.

use super::{
    object::{
        Fs,
        FsObject, //
    },
    scope,
    ALL_EVENTS,
    ENTRY_EVENTS,
    EXCL_UNLINK,
    IGNORE_SURV,
    MOVES, //
};
use crate::{
    mark::{
        Subscriber,
        Walk, //
    },
    queue::{
        ring::{
            Event as Post,
            Records, //
        },
        watch::Watch,
        Queue, //
    },
    ring::{
        record::{
            info,
            kind,
            word, //
        },
        SLOT_BYTES, //
    },
    rust::{
        fsnotify::{
            rename_cookie,
            Objects, //
        },
        fsnotify_event::{
            bit,
            Event, //
        },
        fsnotify_place::on, //
    },
};
use core::ptr;
use kernel::sync::Arc;

/// Length of `struct fs_notification` in slots.
const FIXED_SLOTS: usize = 6;

/// Longest name: NAME_MAX of the VFS. No file system has a longer one; it would be left out.
const NAME_MAX: usize = 255;

/// The words of a record behind its first.
type Fixed = [u64; FIXED_SLOTS - 1];

/// What all records of one event share.
struct Shared<'a> {
    event: &'a Event<'a>,
    inode: u64,
    device_and_mask: u64,
    flags: u32,
    rename_cookie: u32,
    name: &'a [u8],
    /// The new name of a rename.
    new_name: Option<&'a [u8]>,
}

fn usable(name: Option<&[u8]>) -> &[u8] {
    name.filter(|name| name.len() <= NAME_MAX).unwrap_or(&[])
}

/// `name_off`, `name_len`, `handle_off` and `handle_len`.
fn place(name: &[u8]) -> u64 {
    if name.is_empty() {
        return 0;
    }
    let (off, len) = ((FIXED_SLOTS * SLOT_BYTES) as u32, name.len() as u32);
    if cfg!(target_endian = "little") {
        word(off | len << 16, 0)
    } else {
        word(off << 16 | len, 0)
    }
}

impl<'a> Shared<'a> {
    fn new(event: &'a Event<'a>, bits: u32) -> Self {
        let inode = event.inode();
        let rename = event.mask() & bit::RENAME != 0;
        let isdir = event.mask() & bit::ISDIR;
        Self {
            event,
            inode: inode.number,
            device_and_mask: word(inode.device, bits | isdir),
            flags: if isdir != 0 { info::FLAG_0 } else { 0 },
            rename_cookie: if rename { rename_cookie() } else { 0 },
            name: usable(event.name()),
            new_name: rename.then(|| usable(event.new_name())),
        }
    }

    #[inline]
    fn fixed(&self, watch: &Watch, name: &[u8]) -> Fixed {
        [
            watch.cookie(),
            self.inode,
            self.device_and_mask,
            word(watch.queue().opener().pid(), self.rename_cookie),
            place(name),
        ]
    }

    /// Posts the records for `bits` of this event. `below`: the event is about something in the
    /// watched directory, so it has a name.
    #[inline]
    fn post(&self, watch: &Arc<Watch>, bits: u32, below: bool) {
        if watch.spec().flags & EXCL_UNLINK != 0 && self.event.unlinked() {
            return;
        }
        let flags = self.flags | if below { info::IN_SUBTREE } else { 0 };
        match self.new_name {
            Some(new_name) => self.post_rename(watch, bits, flags, new_name),
            None => {
                let name = if below { self.name } else { &[] };
                let one = [Records {
                    kind: kind::FS,
                    subtypes: bits,
                    base: 0,
                    flags,
                    fixed: &self.fixed(watch, name),
                    name,
                }];
                Queue::post(watch, &Post { records: &one });
            }
        }
    }

    /// Both names of a rename, or the wanted one of them, as one event.
    fn post_rename(&self, watch: &Arc<Watch>, bits: u32, flags: u32, new_name: &[u8]) {
        let (from, to) = (self.fixed(watch, self.name), self.fixed(watch, new_name));
        let half = |bit, fixed, name| Records {
            kind: kind::FS,
            subtypes: bits & bit,
            base: 0,
            flags,
            fixed,
            name,
        };
        let pair = [
            half(bit::MOVED_FROM, &from, self.name),
            half(bit::MOVED_TO, &to, new_name),
        ];
        Queue::post(watch, &Post { records: &pair });
    }
}

/// Delivers one event to all watches on its objects. Process context, inside fsnotify's SRCU.
pub(super) fn deliver(event: &Event<'_>, objects: Objects<'_, Fs>) {
    if let Some((kind, object)) = objects.only() {
        return merge(event, [kind], [Some(object)], false);
    }
    let (parent, old) = (objects.get(on::PARENT), objects.get(on::INODE));
    let new = objects.get(on::INODE2);
    // A rename inside one directory has the same object twice: one look at it gives both halves.
    let within = match (old, new) {
        (Some(old), Some(new)) => ptr::eq(old, new),
        _ => false,
    };
    let new = new.filter(|_| !within);
    merge(
        event,
        [on::INODE, on::PARENT, on::INODE2],
        [old, parent, new],
        within,
    );
}

/// Merges the lists of `objects`, of these kinds.
#[inline]
fn merge<const N: usize>(
    event: &Event<'_>,
    kinds: [usize; N],
    objects: [Option<&FsObject>; N],
    within: bool,
) {
    let mask = event.mask();
    let entry = mask & ENTRY_EVENTS != 0;
    let rename = mask & bit::RENAME != 0;
    let bits = if rename {
        mask & ALL_EVENTS | MOVES
    } else {
        mask & ALL_EVENTS
    };
    // The bits that an object of the given kind can see of this event.
    let seen = |kind: usize| match kind {
        on::INODE if rename && !within => bits & bit::MOVED_FROM,
        on::INODE2 => bits & bit::MOVED_TO,
        _ => bits,
    };

    let kind_of = |list: usize| kinds.get(list).copied().unwrap_or(on::INODE);

    let reader = Watch::context().read();
    let lists = objects.map(|object| object.map(|object| &object.connector));
    let mut walk = Walk::new(&reader, lists);
    let mut shared = None;
    while let Some(run) = walk.next_group() {
        let mut ignore = 0;
        run.for_each(|list, mark| {
            let watch = mark.watch();
            if watch.ignore() != 0 && concerns(watch, kind_of(list)) {
                ignore |= ignored(watch, mask);
            }
        });
        run.for_each(|list, mark| {
            let (watch, kind) = (mark.watch(), kind_of(list));
            let wanted = seen(kind) & watch.mask() & !ignore;
            if wanted != 0 && concerns(watch, kind) {
                let shared = shared.get_or_insert_with(|| Shared::new(event, bits));
                shared.post(watch, wanted, entry || kind == on::PARENT);
            }
        });
    }
}

/// What a watch makes its queue ignore of an event, after a modification has made it forget.
#[cold]
fn ignored(watch: &Watch, mask: u32) -> u32 {
    if mask & bit::MODIFY != 0 && watch.spec().flags & IGNORE_SURV == 0 {
        watch.clear_ignore();
    }
    watch.ignore()
}

/// Whether a watch looks at what happens to an object of the given kind: at a child only if it was
/// asked to.
#[inline]
fn concerns(watch: &Watch, kind: usize) -> bool {
    kind != on::PARENT || watch.spec().scope == scope::CHILDREN
}
