// SPDX-License-Identifier: GPL-2.0

//! The short way of an event: one list, and nothing special about it.
//!
//! Nearly every event is of this kind, and the task that writes to a file pays for it. So here is what
//! [`mod@super::deliver`] and [`super::merge`] do for all events, once more, for the case in which a group
//! has one mark in the list and its watch wants no details: all in one function, inlined into fsnotify's
//! callback. The ring lock comes first and the record last, so that a record that the filter stops, or for
//! which there is no room, is never made. A group with which anything is not as usual goes the long way,
//! alone. `ways_test` sees that both say the same.
//!
//! The list of an inode is that one function. That of a superblock or a mount is another, out of line: it
//! asks [`super::view`] what a watch sees.

use super::{
    bits::{
        scope,
        ALL_EVENTS,
        DETAILED,
        ENTRY_EVENTS,
        IGNORE_SURV, //
    },
    merge::post_to_group,
    record::{
        self,
        places,
        usable,
        Fixed,
        Shared,
        FIXED_WORDS,
        NAME_MAX, //
    },
    view::{
        self,
        view_of_inode,
        Met,
        Roots, //
    },
};
use crate::{
    abi::flag,
    mark::{
        Mark,
        Reader,
        Run,
        Subscriber,
        Walk, //
    },
    queue::{
        ring::One,
        watch::{
            Masks,
            Watch, //
        },
        Queue, //
    },
    ring::record::{
        info,
        kind,
        word,
        Body, //
    },
    rust::{
        fs::text::Text,
        fsnotify::{
            backend::PIN,
            event::{
                bit,
                Event, //
            },
            mask::mask_of,
            objects::Objects,
            place::on, //
        },
    },
    source::{
        object::{
            Fs,
            FsObject, //
        },
        role, //
    },
};
use core::{
    hint::black_box,
    num::NonZero, //
};

/// Events that are not for here.
const SPECIAL: u32 =
    bit::RENAME | bit::UNMOUNT | bit::DELETE_SELF | bit::ERROR | bit::MNT_ATTACH | bit::MNT_DETACH;

/// Flags of watches that are not for here.
const UNUSUAL: u32 = DETAILED | flag::ONESHOT;

/// What all records of an event share: the inode's number, and its device beside the event's bits.
type Told = Option<(u64, u64)>;

/// Delivers an event to the watches on the only object on which there are some, an inode. False: it is
/// not such an event, and nothing was done. Process context, inside fsnotify's SRCU.
#[inline(always)]
pub(in crate::source) fn deliver(event: &Event<'_>, objects: Objects<'_, Fs>) -> bool {
    if event.mask() & SPECIAL != 0 {
        return false;
    }
    // Twice, so that each knows its kind.
    match (objects.alone(on::PARENT), objects.alone(on::INODE)) {
        (Some(parent), _) => deliver_on(event, on::PARENT, parent),
        (None, Some(inode)) => deliver_on(event, on::INODE, inode),
        // Hidden from the compiler, which would put the event into memory for all.
        _ => return deliver_wide(&black_box(*event), objects),
    }
    true
}

/// To the watches on an inode of this kind.
#[inline(always)]
fn deliver_on(event: &Event<'_>, kind: usize, object: &FsObject) {
    let reader = Watch::context().read();
    let walk = Walk::new(&reader, [Some(&object.connector)]);
    match walk.last() {
        Some(mark) => deliver_to(event, kind, mark, false, None, &mut None),
        None => deliver_to_all(&black_box(*event), kind, walk),
    }
}

/// To every watch in a list: the loop is not for the usual one, because of what the compiler would
/// compute before it.
#[inline(never)]
fn deliver_to_all(event: &Event<'_>, kind: usize, mut walk: Walk<'_, Watch, 1>) {
    let name = Some(name_of(event, below(event, kind)));
    let mut told = None;
    while let Some((mark, several)) = walk.next_mark() {
        deliver_to(event, kind, mark, several, name, &mut told);
    }
}

/// As [`deliver`], for an event of which only a superblock or only a mount is told.
#[inline(never)]
fn deliver_wide<'e>(event: &'e Event<'e>, objects: Objects<'e, Fs>) -> bool {
    let (kind, object) = match (objects.alone(on::SB), objects.alone(on::MOUNT)) {
        (Some(sb), _) => (on::SB, sb),
        (None, Some(mount)) => (on::MOUNT, mount),
        _ => return false,
    };
    let reader = Watch::context().read();
    let mut walk = Walk::new(&reader, [Some(&object.connector)]);
    let mut wide = Wide {
        event,
        kind,
        roots: Roots::new(walk.last().is_none(), Some(objects.reading())),
        name: None,
        told: None,
    };
    // However many subtrees there are, nothing is done for any of them if the event is in none.
    let only_subtrees = kind == on::SB && mask_of(object) & PIN == 0;
    let by_roots = only_subtrees && walk.last().is_none();
    if by_roots && Roots::are_elsewhere(event) {
        return true;
    }
    let mut text = Text::new();
    let mut room = Some(&mut text);
    if by_roots {
        if let Some(met) = wide.roots.met(event, objects) {
            return wide.deliver_below(&met, &mut room);
        }
    }
    while let Some((mark, several)) = walk.next_mark() {
        if is_one_unusual(mark, several) {
            wide.deliver_long(mark, several);
            continue;
        }
        let mut next = Some(mark);
        while let Some(mark) = next {
            wide.deliver_to(mark, &mut room);
            next = if several { mark.next_of_group() } else { None };
        }
    }
    true
}

/// What is known of an event on the way through the list of a superblock or a mount.
struct Wide<'e> {
    event: &'e Event<'e>,
    kind: usize,
    roots: Roots<'e>,
    name: Option<&'e [u8]>,
    told: Told,
}

impl<'e> Wide<'e> {
    /// To the watches on the subtrees below these roots, however many others there are. False: one of them
    /// ignores something, which its whole group does, and nothing was done.
    #[inline(never)]
    fn deliver_below(&mut self, met: &Met<'e>, room: &mut Option<&'e mut Text<NAME_MAX>>) -> bool {
        let reader = Watch::context().read();
        let roots = || met.iter().map_while(|root| *root);
        let mut plain = true;
        for root in roots() {
            each_root_mark(root, &reader, |mark| {
                plain &= mark.watch().ignore() == 0;
            });
        }
        if plain {
            for root in roots() {
                each_root_mark(root, &reader, |mark| self.deliver_to(mark, room));
            }
        }
        plain
    }

    /// To one watch. Its name is made in `room` when the first watch wants it.
    #[inline(always)]
    fn deliver_to(&mut self, mark: &Mark<Watch>, room: &mut Option<&'e mut Text<NAME_MAX>>) {
        let event = self.event;
        let watch = mark.watch();
        let masks = watch.masks();
        let wanted = event.mask() & ALL_EVENTS & masks.mask();
        if wanted == 0 || self.kind == on::SB && self.roots.rule_out(mark) {
            return;
        }
        let seen = view::view(event, self.kind, false, mark, &self.roots);
        let Some(wanted) = NonZero::new(wanted & seen.bits) else {
            if seen.is_unknown() {
                watch.queue().count_unplaced();
            }
            return;
        };
        // Looked at once more: this one may have come after its group was looked at.
        if is_unusual(watch, masks) || has_more(wanted) {
            return self.deliver_long(mark, false);
        }
        let name = match seen.below {
            true => *self.name.get_or_insert_with(|| wide_name(event, room)),
            false => &[],
        };
        let body = Line {
            event,
            watch,
            below: seen.below,
            name: Some(name),
            told: &mut self.told,
        };
        if !body.post(wanted) {
            self.deliver_long(mark, false);
        }
    }

    /// The long way for one group, of which `mark` is the first.
    #[cold]
    #[inline(never)]
    fn deliver_long(&self, mark: &Mark<Watch>, several: bool) {
        let (event, mask) = (self.event, self.event.mask());
        let view = |_, mark: &Mark<Watch>| view::view(event, self.kind, false, mark, &self.roots);
        let mut text = Text::new();
        let mut room = Some(&mut text);
        let make = || Shared::new(event, mask & ALL_EVENTS, wide_name(event, &mut room));
        post_to_group(&Run::of(mark, several), mask, view, &mut None, make);
    }
}

/// Calls `f` for the mark of each watch on the subtree below a root.
#[inline(always)]
fn each_root_mark(root: &FsObject, reader: &Reader<'_, Watch>, mut f: impl FnMut(&Mark<Watch>)) {
    let walk = Walk::new(reader, [Some(&root.connector)]);
    walk.each_mark(|mark| {
        if role::part(mark.role()) == role::ROOT {
            f(mark);
        }
    });
}

/// The name that the records of an event say that is told by a superblock or a mount. Makes it in `room`;
/// called once.
#[inline]
fn wide_name<'t>(event: &Event<'t>, room: &mut Option<&'t mut Text<NAME_MAX>>) -> &'t [u8] {
    room.take().map_or(&[], |room| record::name(event, room))
}

/// Whether a watch is not for here.
#[inline(always)]
fn is_unusual(watch: &Watch, masks: Masks) -> bool {
    watch.spec().flags & UNUSUAL != 0 || masks.ignore() != 0
}

/// Whether one of a group's watches is not for here, and so none of them: what one ignores, all do.
#[inline(always)]
fn is_one_unusual(mark: &Mark<Watch>, several: bool) -> bool {
    let mut unusual = is_unusual(mark.watch(), mark.watch().masks());
    let mut next = if several { mark.next_of_group() } else { None };
    while let Some(mark) = next {
        unusual |= is_unusual(mark.watch(), mark.watch().masks());
        next = mark.next_of_group();
    }
    unusual
}

/// To the watches of one group, of which `mark` is the first. `name` is that of the event, unless it is
/// to be looked for.
#[inline(always)]
fn deliver_to<'e>(
    event: &Event<'e>,
    kind: usize,
    mark: &Mark<Watch>,
    several: bool,
    name: Option<&'e [u8]>,
    told: &mut Told,
) {
    let watch = mark.watch();
    let masks = watch.masks();
    let Some(wanted) = NonZero::new(event.mask() & ALL_EVENTS & masks.mask()) else {
        if several || forgets(event, watch) {
            deliver_long(&black_box(*event), kind, mark, several);
        }
        return;
    };
    if several || is_unusual(watch, masks) || has_more(wanted) {
        // Hidden from the compiler, which would put the event into memory for all.
        return deliver_long(&black_box(*event), kind, mark, several);
    }
    if !hears(kind, mark) {
        return;
    }
    let body = Line {
        event,
        watch,
        below: below(event, kind),
        name,
        told,
    };
    if !body.post(wanted) {
        deliver_long(&black_box(*event), kind, mark, false);
    }
}

/// Whether more than one bit is set.
#[inline(always)]
fn has_more(bits: NonZero<u32>) -> bool {
    bits.get() & bits.get().wrapping_sub(1) != 0
}

/// Whether an event makes a watch forget what it ignores.
#[inline(always)]
fn forgets(event: &Event<'_>, watch: &Watch) -> bool {
    event.mask() & bit::MODIFY != 0 && watch.ignore() != 0 && watch.spec().flags & IGNORE_SURV == 0
}

/// Whether an event on an inode of this kind is about something in it, not about itself.
#[inline(always)]
fn below(event: &Event<'_>, kind: usize) -> bool {
    kind == on::PARENT || event.mask() & ENTRY_EVENTS != 0
}

/// The name that the records of an event on an inode say.
#[inline(always)]
fn name_of<'e>(event: &Event<'e>, below: bool) -> &'e [u8] {
    match below {
        true => event.name_within(NAME_MAX as u32),
        false => &[],
    }
}

/// One record.
struct Line<'l, 'e> {
    event: &'l Event<'e>,
    watch: &'l Watch,
    /// It is about something in or below what is watched.
    below: bool,
    /// Its name, unless that is still to be looked for.
    name: Option<&'e [u8]>,
    told: &'l mut Told,
}

impl Line<'_, '_> {
    /// Posts it, for this bit of the event. False: something is not as usual, and nothing was done.
    #[inline(always)]
    fn post(self, wanted: NonZero<u32>) -> bool {
        let isdir = match self.event.mask() & bit::ISDIR {
            0 => 0,
            _ => info::FLAG_0,
        };
        let subtree = if self.below { info::IN_SUBTREE } else { 0 };
        let one = One {
            kind: kind::FS,
            subtype: wanted.trailing_zeros(),
            flags: isdir | subtree,
            body: self,
        };
        Queue::post_one(one.body.watch, one)
    }
}

impl<'e> Body<'e> for Line<'_, 'e> {
    type Words = Fixed;

    #[inline(always)]
    fn count(&self) -> usize {
        FIXED_WORDS
    }

    #[inline(always)]
    fn name(&self) -> &'e [u8] {
        self.name.unwrap_or_else(|| name_of(self.event, self.below))
    }

    #[inline(always)]
    fn words(self, name: &[u8]) -> Fixed {
        let (inode, device_and_mask) = match *self.told {
            Some(told) => told,
            None => {
                let inode = self.event.inode();
                let bits = self.event.mask() & (ALL_EVENTS | bit::ISDIR);
                (inode.number, word(inode.device, bits))
            }
        };
        *self.told = Some((inode, device_and_mask));
        [
            self.watch.cookie(),
            inode,
            device_and_mask,
            word(self.watch.queue().opener().pid(), 0),
            places(0, 0, name.len()),
        ]
    }
}

/// Whether a mark on an inode of this kind hears what happens to it; of `view_of_inode`, what is left
/// without renames.
#[inline(always)]
fn hears(kind: usize, mark: &Mark<Watch>) -> bool {
    role::part(mark.role()) == role::OBJECT
        && (kind != on::PARENT || mark.watch().spec().scope == scope::CHILDREN)
}

/// The long way for one group, of which `mark` is the first.
#[cold]
#[inline(never)]
fn deliver_long(event: &Event<'_>, kind: usize, mark: &Mark<Watch>, several: bool) {
    let mask = event.mask();
    let view = |_, mark: &Mark<Watch>| view_of_inode(mask, kind, false, mark);
    let make = || Shared::new(event, mask & ALL_EVENTS, usable(event.name()));
    post_to_group(&Run::of(mark, several), mask, view, &mut None, make);
}
