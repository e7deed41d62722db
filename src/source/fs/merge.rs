// SPDX-License-Identifier: GPL-2.0

//! From the lists of an event's objects to the watches of each queue.
//!
//! What one watch of a queue makes it ignore, its other watches do not report either: so all marks of a group
//! are looked at before the first record is posted, one for each bit that a watch wants. What all records of
//! the event share is made once, when the first watch wants it.

use super::{
    bits::{
        ALL_EVENTS,
        DETAILED,
        IGNORE_SURV,
        MOVES, //
    },
    detail,
    record::{
        places,
        Half,
        Shared, //
    },
    rename,
    site::Side,
    view::View, //
};
use crate::rust::prelude::*;
use crate::{
    mark::{
        Mark,
        Run,
        Subscriber,
        Walk, //
    },
    queue::{
        ring::Event as Post,
        watch::Watch,
        Queue, //
    },
    rust::fsnotify::event::{
        bit,
        Event, //
    },
    source::object::FsObject,
};

/// The bits that records of an event can be about.
#[inline]
pub(super) fn told(mask: u32) -> u32 {
    if mask & bit::RENAME != 0 {
        mask & ALL_EVENTS | MOVES
    } else {
        mask & ALL_EVENTS
    }
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
            post(shared, mark.watch(), view);
        }
    });
}

/// Posts the records for the bits of `view`. Not for renames.
#[inline]
fn post(shared: &Shared<'_>, watch: &Arc<Watch>, view: View) {
    if watch.spec().flags & DETAILED != 0 {
        return detail::post(shared, watch, view);
    }
    let name = if view.below {
        shared.name(Side::Old)
    } else {
        &[]
    };
    let half = Half {
        flags: shared.flags(view.below),
        fixed: shared.fixed(watch, places(0, 0, name.len())),
        name,
    };
    let one = [half.records(view.bits)];
    Queue::post(watch, &Post { records: &one });
}

/// What a watch makes its queue ignore of an event, after a modification has made it forget. Nothing, if
/// it has ended: its marks may be in their lists for as long as a task waits on one of them.
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
