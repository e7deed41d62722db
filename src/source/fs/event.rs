// SPDX-License-Identifier: GPL-2.0

//! From a callback of fsnotify to records.
//!
//! For each group with marks on the event's objects: what its ignore masks leave is posted to each
//! of its watches that wants it, one record per wanted bit. What all records of the event share is
//! made once, when the first watch wants it.

use super::{
    object::FsObject,
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
    ring::record::{
        info,
        kind,
        word, //
    },
    rust::{
        fsnotify::{
            on,
            rename_cookie, //
        },
        fsnotify_event::{
            bit,
            Event, //
        }, //
    },
};
use kernel::sync::Arc;

/// Length of `struct fs_notification` in slots, and without its first word.
const FIXED_SLOTS: usize = 6;

/// Longest name: NAME_MAX of the VFS.
const NAME_MAX: usize = 255;

/// Words that hold a name of any length and at least one NUL behind it.
const NAME_WORDS: usize = NAME_MAX / 8 + 1;

/// A name in words, padded with zeros.
struct Name {
    words: [u64; NAME_WORDS],
    len: usize,
}

impl Name {
    /// No name for `None`, nor for one that no file system should have.
    fn new(name: Option<&[u8]>) -> Self {
        let mut words = [0; NAME_WORDS];
        let name = name.filter(|name| name.len() <= NAME_MAX).unwrap_or(&[]);
        for (word, chunk) in words.iter_mut().zip(name.chunks(8)) {
            let mut bytes = [0; 8];
            for (byte, from) in bytes.iter_mut().zip(chunk) {
                *byte = *from;
            }
            *word = u64::from_ne_bytes(bytes);
        }
        Self {
            words,
            len: name.len(),
        }
    }

    /// The words, NUL included; none without a name.
    fn words(&self) -> &[u64] {
        let slots = if self.len == 0 { 0 } else { self.len / 8 + 1 };
        self.words.get(..slots).unwrap_or(&[])
    }

    /// `name_off`, `name_len`, `handle_off` and `handle_len`.
    fn place(&self) -> u64 {
        let off = if self.len == 0 { 0 } else { FIXED_SLOTS * 8 };
        let (off, len) = (off as u32, self.len as u32);
        if cfg!(target_endian = "little") {
            word(off | len << 16, 0)
        } else {
            word(off << 16 | len, 0)
        }
    }
}

/// What all records of one event share.
struct Shared<'a> {
    event: &'a Event<'a>,
    inode: u64,
    device_and_mask: u64,
    flags: u32,
    rename_cookie: u32,
    name: Name,
    /// The new name of a rename.
    new_name: Option<Name>,
}

impl<'a> Shared<'a> {
    fn new(event: &'a Event<'a>, bits: u32) -> Self {
        let inode = event.inode();
        let rename = event.mask() & bit::RENAME != 0;
        Self {
            event,
            inode: inode.number,
            device_and_mask: word(inode.device, bits | event.mask() & bit::ISDIR),
            flags: if event.mask() & bit::ISDIR != 0 {
                info::FLAG_0
            } else {
                0
            },
            rename_cookie: if rename { rename_cookie() } else { 0 },
            name: Name::new(event.name()),
            new_name: rename.then(|| Name::new(event.new_name())),
        }
    }

    /// The words behind the first of a record for `watch`.
    fn fixed(&self, watch: &Watch, place: u64) -> [u64; FIXED_SLOTS - 1] {
        [
            watch.cookie(),
            self.inode,
            self.device_and_mask,
            word(watch.queue().opener().pid(), self.rename_cookie),
            place,
        ]
    }

    /// Posts the records for `bits` of this event. `below`: the event is about something in the
    /// watched directory, so it has a name.
    fn post(&self, watch: &Arc<Watch>, bits: u32, below: bool) {
        if watch.spec().flags & EXCL_UNLINK != 0 && self.event.unlinked() {
            return;
        }
        let flags = self.flags | if below { info::IN_SUBTREE } else { 0 };
        let records = |subtypes, fixed, variable| Records {
            kind: kind::FS,
            subtypes,
            base: 0,
            flags,
            fixed,
            variable,
        };
        match &self.new_name {
            Some(new_name) => {
                let from = self.fixed(watch, self.name.place());
                let to = self.fixed(watch, new_name.place());
                let pair = [
                    records(bits & bit::MOVED_FROM, &from, self.name.words()),
                    records(bits & bit::MOVED_TO, &to, new_name.words()),
                ];
                Queue::post(watch, &Post { records: &pair });
            }
            None => {
                let (place, words) = if below {
                    (self.name.place(), self.name.words())
                } else {
                    (0, &[][..])
                };
                let fixed = self.fixed(watch, place);
                let one = [records(bits, &fixed, words)];
                Queue::post(watch, &Post { records: &one });
            }
        }
    }
}

/// Delivers one event to all watches on its objects. Process context, inside fsnotify's SRCU.
pub(super) fn deliver(event: &Event<'_>, objects: &[Option<&FsObject>; on::COUNT]) {
    let mask = event.mask();
    let entry = mask & ENTRY_EVENTS != 0;
    let modify = mask & bit::MODIFY != 0;
    let rename = mask & bit::RENAME != 0;
    let bits = if rename {
        mask & ALL_EVENTS | MOVES
    } else {
        mask & ALL_EVENTS
    };

    let mut lists = objects.map(|object| object.map(|object| &object.connector));
    // A rename inside one directory has the same object twice: one look at it gives both halves.
    let within = rename
        && match (lists[on::INODE], lists[on::INODE2]) {
            (Some(old), Some(new)) => core::ptr::eq(old, new),
            _ => false,
        };
    if within {
        lists[on::INODE2] = None;
    }
    // The bits that an object in the given role can see of this event.
    let seen = |role: usize| match role {
        on::INODE if rename && !within => bits & bit::MOVED_FROM,
        on::INODE2 => bits & bit::MOVED_TO,
        _ => bits,
    };

    let reader = Watch::context().read();
    let mut walk = Walk::new(&reader, lists);
    let mut shared = None;
    while let Some(run) = walk.next_group() {
        let mut ignore = 0;
        run.for_each(|role, mark| {
            let watch = mark.watch();
            if watch.ignore() == 0 || !concerns(watch, role) {
                return;
            }
            if modify && watch.spec().flags & IGNORE_SURV == 0 {
                watch.clear_ignore();
            } else {
                ignore |= watch.ignore();
            }
        });
        run.for_each(|role, mark| {
            let watch = mark.watch();
            let wanted = seen(role) & watch.mask() & !ignore;
            if wanted == 0 || !concerns(watch, role) {
                return;
            }
            let shared = shared.get_or_insert_with(|| Shared::new(event, bits));
            shared.post(watch, wanted, entry || role == on::PARENT);
        });
    }
}

/// Whether a watch looks at what happens to an object in the given role: at a child only if it was
/// asked to.
fn concerns(watch: &Watch, role: usize) -> bool {
    role != on::PARENT || watch.spec().scope == scope::CHILDREN
}
