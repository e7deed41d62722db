// SPDX-License-Identifier: GPL-2.0

//! From a callback of fsnotify to records.
//!
//! For each group with marks on the event's objects: what its ignore masks leave is posted to each
//! of its watches that wants it, one record per wanted bit. What all records of the event share is
//! made once, when the first watch wants it.

use super::{
    detail,
    object::{
        Fs,
        FsObject, //
    },
    rename,
    role,
    scope,
    ALL_EVENTS,
    ENTRY_EVENTS,
    EXCL_UNLINK,
    FILE_HANDLE,
    IGNORE_SURV,
    MOVES,
    PATH, //
};
use crate::{
    mark::{
        Mark,
        Run,
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
    rust::fsnotify::{
        event::{
            bit,
            rename_cookie,
            Event, //
        },
        objects::Objects,
        place::on, //
    },
};
use core::ptr;
use kernel::sync::Arc;

/// Length of `struct fs_notification` in slots, without the first.
pub(super) const FIXED_WORDS: usize = 5;

/// Longest name: NAME_MAX of the VFS. A few file systems (FUSE) allow longer ones, which are left out.
pub(super) const NAME_MAX: usize = 255;

/// The words of a record behind its first.
pub(super) type Fixed = [u64; FIXED_WORDS];

/// Watches with one of these take the longer way.
pub(super) const DETAILED: u32 = EXCL_UNLINK | FILE_HANDLE | PATH;

/// What a watch sees of an event through one of its marks.
#[derive(Clone, Copy)]
pub(super) struct View {
    /// The bits of the event that it could report.
    pub(super) bits: u32,
    /// It is about something in or below what is watched, not about that itself.
    pub(super) below: bool,
}

impl View {
    /// The event is none of its business.
    pub(super) const NOTHING: Self = Self {
        bits: 0,
        below: false,
    };

    /// Nobody knows whether it is.
    pub(super) const UNKNOWN: Self = Self {
        bits: 0,
        below: true,
    };

    /// Whether it is [`Self::UNKNOWN`].
    #[inline]
    pub(super) fn is_unknown(self) -> bool {
        self.bits == 0 && self.below
    }
}

/// What all records of one event share.
pub(super) struct Shared<'a> {
    pub(super) event: &'a Event<'a>,
    inode: u64,
    device_and_mask: u64,
    flags: u32,
    rename_cookie: u32,
    /// The name of what the event is about; of a rename, the old one.
    name: &'a [u8],
    /// The new name of a rename.
    new_name: &'a [u8],
}

/// Which of the names of an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The only one, or the old one of a rename.
    Old,
    /// The new one of a rename.
    New,
}

/// One record's part of an event: of a rename, one of its halves.
pub(super) struct Half<'n, F = &'n [u64]> {
    pub(super) flags: u32,
    pub(super) fixed: F,
    pub(super) name: &'n [u8],
}

impl<'n, F> Half<'n, F> {
    #[inline]
    pub(super) fn records(self, subtypes: u32) -> Records<'n, F> {
        Records {
            kind: kind::FS,
            subtypes,
            base: 0,
            flags: self.flags,
            fixed: self.fixed,
            name: self.name,
        }
    }
}

/// A name that a record can hold, or none.
pub(super) fn usable(name: Option<&[u8]>) -> &[u8] {
    name.filter(|name| name.len() <= NAME_MAX).unwrap_or(&[])
}

/// `name_off`, `name_len`, `handle_off` and `handle_len`: a handle of `handle` bytes and a name of
/// `name` bytes, each of which may be missing, behind the fixed part and `extra` more words.
pub(super) fn places(extra: usize, handle: usize, name: usize) -> u64 {
    let start = (FIXED_WORDS + 1 + extra) * SLOT_BYTES;
    let behind = start + handle.next_multiple_of(SLOT_BYTES);
    let place = |off: usize, len: usize| match (off as u32, len as u32) {
        (_, 0) => 0,
        (off, len) if cfg!(target_endian = "little") => off | len << 16,
        (off, len) => off << 16 | len,
    };
    word(place(behind, name), place(start, handle))
}

impl<'a> Shared<'a> {
    pub(super) fn new(event: &'a Event<'a>, bits: u32, name: &'a [u8]) -> Self {
        let inode = event.inode();
        let rename = event.mask() & bit::RENAME != 0;
        let isdir = event.mask() & bit::ISDIR;
        Self {
            event,
            inode: inode.number,
            device_and_mask: word(inode.device, bits | isdir),
            flags: if isdir != 0 { info::FLAG_0 } else { 0 },
            rename_cookie: if rename { rename_cookie() } else { 0 },
            name,
            new_name: usable(event.new_name()),
        }
    }

    /// The words of a record for `watch`; `places` as from the function of that name.
    #[inline]
    pub(super) fn fixed(&self, watch: &Watch, places: u64) -> Fixed {
        [
            watch.cookie(),
            self.inode,
            self.device_and_mask,
            word(watch.queue().opener().pid(), self.rename_cookie),
            places,
        ]
    }

    /// `info` of the records, but for what the queue adds.
    #[inline]
    pub(super) fn flags(&self, below: bool) -> u32 {
        self.flags | if below { info::IN_SUBTREE } else { 0 }
    }

    /// The name of a side.
    pub(super) fn name(&self, side: Side) -> &'a [u8] {
        match side {
            Side::Old => self.name,
            Side::New => self.new_name,
        }
    }

    /// One half of a rename, for a watch that wants no details.
    #[inline]
    fn half(&self, watch: &Watch, side: Side) -> Records<'a, Fixed> {
        let name = self.name(side);
        let half = Half {
            flags: self.flags(true),
            fixed: self.fixed(watch, places(0, 0, name.len())),
            name,
        };
        half.records(match side {
            Side::Old => bit::MOVED_FROM,
            Side::New => bit::MOVED_TO,
        })
    }

    /// Posts both halves of a rename to a watch that wants no details, or one of them.
    pub(super) fn post_halves(&self, watch: &Arc<Watch>, only: Option<Side>) {
        match only {
            None => {
                let records = &[self.half(watch, Side::Old), self.half(watch, Side::New)];
                Queue::post(watch, &Post { records });
            }
            Some(side) => {
                let records = &[self.half(watch, side)];
                Queue::post(watch, &Post { records });
            }
        }
    }

    /// Posts the records for the bits of `view`. Not for renames.
    #[inline]
    fn post(&self, watch: &Arc<Watch>, view: View) {
        if watch.spec().flags & DETAILED != 0 {
            return detail::post(self, watch, view);
        }
        let name = if view.below { self.name } else { &[] };
        let half = Half {
            flags: self.flags(view.below),
            fixed: self.fixed(watch, places(0, 0, name.len())),
            name,
        };
        let one = [half.records(view.bits)];
        Queue::post(watch, &Post { records: &one });
    }
}

/// The bits that records of an event can be about.
#[inline]
pub(super) fn told(mask: u32) -> u32 {
    if mask & bit::RENAME != 0 {
        mask & ALL_EVENTS | MOVES
    } else {
        mask & ALL_EVENTS
    }
}

/// Delivers one event to all watches on its objects. Process context, inside fsnotify's SRCU.
pub(super) fn deliver(event: &Event<'_>, objects: Objects<'_, Fs>) {
    if objects.get(on::SB).is_some() || objects.get(on::MOUNT).is_some() {
        return super::wide::deliver(event, objects);
    }
    let (parent, old) = (objects.get(on::PARENT), objects.get(on::INODE));
    let (new, within) = new_directory(old, objects.get(on::INODE2));
    merge_inodes(
        event,
        [on::INODE, on::PARENT, on::INODE2],
        [old, parent, new],
        within,
    );
}

/// The object of a rename's new directory, and whether it is the old one's: then one look at it
/// gives both halves.
pub(super) fn new_directory<'o>(
    old: Option<&FsObject>,
    new: Option<&'o FsObject>,
) -> (Option<&'o FsObject>, bool) {
    let within = match (old, new) {
        (Some(old), Some(new)) => ptr::eq(old, new),
        _ => false,
    };
    (new.filter(|_| !within), within)
}

/// What a watch sees through a mark on an inode of this kind.
#[inline(always)]
pub(super) fn view_of_inode(mask: u32, kind: usize, within: bool, mark: &Mark<Watch>) -> View {
    if role::part(mark.role()) != role::OBJECT {
        // It only waits for the end of a subtree's root.
        return View::NOTHING;
    }
    let rename = mask & bit::RENAME != 0;
    let bits = match kind {
        on::INODE if rename && !within => bit::MOVED_FROM,
        on::INODE2 => bit::MOVED_TO,
        on::PARENT if mark.watch().spec().scope != scope::CHILDREN => 0,
        _ => u32::MAX,
    };
    View {
        bits,
        below: kind == on::PARENT || mask & ENTRY_EVENTS != 0,
    }
}

/// Merges the lists of inodes, of these kinds.
#[inline]
fn merge_inodes<const N: usize>(
    event: &Event<'_>,
    kinds: [usize; N],
    objects: [Option<&FsObject>; N],
    within: bool,
) {
    let mask = event.mask();
    let view = |list: usize, mark: &Mark<Watch>| {
        let kind = kinds.get(list).copied().unwrap_or(on::INODE);
        view_of_inode(mask, kind, within, mark)
    };
    merge(event, objects, view, || usable(event.name()));
}

/// Merges the lists of `objects`: finds out what each group ignores, then posts to each watch what
/// is left of what it sees. `name` is asked for the name of what the event is about, if it is wanted.
#[inline]
pub(super) fn merge<'a, const N: usize>(
    event: &'a Event<'a>,
    objects: [Option<&FsObject>; N],
    view: impl Fn(usize, &Mark<Watch>) -> View,
    name: impl FnOnce() -> &'a [u8],
) {
    let reader = Watch::context().read();
    let lists = objects.map(|object| object.map(|object| &object.connector));
    let mut walk = Walk::new(&reader, lists);
    let mut shared = None;
    let mut name = Some(name);
    let mut make = || {
        let name = name.take().map_or(&[][..], |name| name());
        Shared::new(event, told(event.mask()), name)
    };
    while let Some(run) = walk.next_group() {
        post_to_group(&run, event.mask(), &view, &mut shared, &mut make);
    }
}

/// Finds out what a group ignores, then posts to each of its watches what is left of what it sees, as
/// [`merge`] says. `make` makes what is shared, when the first watch wants the event.
pub(super) fn post_to_group<'a, const N: usize>(
    run: &Run<'_, Watch, N>,
    mask: u32,
    view: impl Fn(usize, &Mark<Watch>) -> View,
    shared: &mut Option<Shared<'a>>,
    mut make: impl FnMut() -> Shared<'a>,
) {
    let bits = told(mask);
    let mut ignore = 0;
    run.for_each(|list, mark| {
        if mark.watch().ignore() != 0 {
            ignore |= ignored(mark.watch(), mask, view(list, mark));
        }
    });
    let wanted = |list: usize, mark: &Mark<Watch>| {
        // What it ignores itself belongs to the mask that it has now.
        let masks = mark.watch().masks();
        let bits = bits & masks.mask() & !(ignore | masks.ignore());
        if bits == 0 {
            return View::NOTHING;
        }
        let seen = view(list, mark);
        if seen.is_unknown() {
            mark.watch().queue().count_unplaced();
            return View::NOTHING;
        }
        View {
            bits: bits & seen.bits,
            ..seen
        }
    };
    if mask & bit::RENAME != 0 {
        return rename::post(run, wanted, || shared.get_or_insert_with(make));
    }
    run.for_each(|list, mark| {
        let view = wanted(list, mark);
        if view.bits != 0 {
            let shared = shared.get_or_insert_with(&mut make);
            shared.post(mark.watch(), view);
        }
    });
}

/// What a watch makes its queue ignore of an event, after a modification has made it forget. Nothing, if
/// it has ended: its marks may be in their lists for as long as somebody waits on one of them.
#[cold]
pub(super) fn ignored(watch: &Watch, mask: u32, view: View) -> u32 {
    if view.bits == 0 || watch.is_dead() {
        return 0;
    }
    if mask & bit::MODIFY != 0 && watch.spec().flags & IGNORE_SURV == 0 {
        watch.clear_ignore();
    }
    watch.ignore() & view.bits
}
