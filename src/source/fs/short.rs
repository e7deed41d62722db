// SPDX-License-Identifier: GPL-2.0

//! The short way of an event: one list, that of an inode, and no rename.
//!
//! Nearly every event is of this kind, and what it costs is paid by whoever writes to a file. So here is
//! what [`super::event`] does for all events, once more, for the case in which a group has one mark in the
//! list and its watch wants no details: all in one function, inlined into fsnotify's callback, with
//! the record in registers until it is in the ring. A group with which anything is not as usual
//! goes the long way, alone.

use super::{
    event::{
        ignored,
        places,
        post_to_group,
        usable,
        view_of_inode,
        Shared,
        DETAILED, //
    },
    object::FsObject,
    ALL_EVENTS, //
};
use crate::{
    mark::{
        Mark,
        Run,
        Subscriber,
        Walk, //
    },
    queue::{
        ring::Records,
        watch::Watch,
        Queue, //
    },
    ring::record::{
        info,
        kind,
        word, //
    },
    rust::fsnotify_event::{
        bit,
        Event, //
    },
};
use core::hint::black_box;

/// What all records of one event share.
#[derive(Clone, Copy)]
struct Told<'a> {
    inode: u64,
    device_and_mask: u64,
    name: &'a [u8],
    places: u64,
}

impl<'a> Told<'a> {
    #[inline(always)]
    fn of(event: &Event<'a>, bits: u32, below: bool) -> Self {
        let inode = event.inode();
        let name = if below { usable(event.name()) } else { &[] };
        Self {
            inode: inode.number,
            device_and_mask: word(inode.device, bits | event.mask() & bit::ISDIR),
            name,
            places: places(0, 0, name.len()),
        }
    }
}

/// Delivers an event that is no rename to the watches on the only object on which there are some, an
/// inode of this kind. Process context, inside fsnotify's SRCU.
#[inline(always)]
pub(super) fn deliver(event: &Event<'_>, kind: usize, object: &FsObject) {
    let mask = event.mask() & !bit::RENAME;
    let bits = mask & ALL_EVENTS;
    let isdir = if mask & bit::ISDIR != 0 {
        info::FLAG_0
    } else {
        0
    };
    let reader = Watch::context().read();
    let mut walk = Walk::new(&reader, [Some(&object.connector)]);
    let mut told = None;
    while let Some(run) = walk.next_group() {
        let usual = run.alone();
        let Some(mark) = usual.filter(|mark| mark.watch().spec().flags & DETAILED == 0) else {
            // Hidden from the compiler, which would put the event into memory for all.
            deliver_long(&black_box(*event), kind, &run);
            continue;
        };
        let watch = mark.watch();
        let mut wanted = bits & watch.mask();
        if watch.ignore() != 0 {
            wanted &= !ignored(watch, mask, view_of_inode(mask, kind, false, mark));
        }
        if wanted == 0 {
            continue;
        }
        let view = view_of_inode(mask, kind, false, mark);
        wanted &= view.bits;
        if wanted == 0 {
            continue;
        }
        let it = match told {
            Some(it) => it,
            None => Told::of(event, bits, view.below),
        };
        told = Some(it);
        let subtree = if view.below { info::IN_SUBTREE } else { 0 };
        let records = Records {
            kind: kind::FS,
            subtypes: wanted,
            base: 0,
            flags: isdir | subtree,
            fixed: [
                watch.cookie(),
                it.inode,
                it.device_and_mask,
                word(watch.queue().opener().pid(), 0),
                it.places,
            ],
            name: it.name,
        };
        Queue::post_one(watch, records);
    }
}

/// The long way for one group.
#[cold]
fn deliver_long(event: &Event<'_>, kind: usize, run: &Run<'_, Watch, 1>) {
    let mask = event.mask();
    let view = |_, mark: &Mark<Watch>, _| view_of_inode(mask, kind, false, mark);
    let make = || Shared::new(event, mask & ALL_EVENTS, usable(event.name()));
    post_to_group(run, mask, view, false, &mut None, make);
}
