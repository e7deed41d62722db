// SPDX-License-Identifier: GPL-2.0

//! What fsnotify calls: each event goes to the source that it is of.

use super::{
    fs,
    mount,
    object::{
        Doom,
        Fs,
        FsObject, //
    },
    sb, //
};
use crate::rust::prelude::*;
use crate::{
    queue::watch::Reason,
    rust::{
        fsnotify::{
            backend::Backend,
            event::{
                bit,
                Event, //
            },
            objects::Objects,
            place::on,
            section::Section, //
        },
        mm::kmem_cache::KmemCache, //
    },
};
use core::hint::black_box;

/// Kernel marks that live; see `crate::rust::fsnotify::backend`.
static LIVE: Atomic<usize> = Atomic::new(0);

/// Remembers why the object of an event is about to end, if it is; whether there is nothing to
/// deliver besides.
fn note_doom(event: &Event<'_>, objects: Objects<'_, Fs>) -> bool {
    let doom = match event.mask() & (bit::UNMOUNT | bit::DELETE_SELF) {
        0 => return false,
        bit::DELETE_SELF => Doom::Deleted,
        _ => Doom::Unmounted,
    };
    if let Some(object) = objects.get(on::INODE) {
        object.object.set_doom(doom);
    }
    doom == Doom::Unmounted
}

/// [`Backend::event`], for all that does not go the short way.
#[cold]
#[inline(never)]
fn event_long(event: &Event<'_>, objects: Objects<'_, Fs>) {
    match event.mask() & (bit::ERROR | bit::MNT_ATTACH | bit::MNT_DETACH) {
        0 if note_doom(event, objects) => {}
        0 => fs::deliver(event, objects),
        bit::ERROR => {
            if let Some(object) = objects.get(on::SB) {
                sb::error(event, &object.connector);
            }
        }
        _ => {
            if let Some(object) = objects.get(on::MOUNT_NS) {
                mount::moved(event, &object.connector);
            }
        }
    }
}

impl Backend for Fs {
    type Object = FsObject;

    #[inline(always)]
    fn event(event: &Event<'_>, objects: Objects<'_, Self>) -> Result {
        if !fs::deliver_short(event, objects) {
            // Hidden from the compiler, which would put the event into memory for all.
            event_long(&black_box(*event), objects);
        }
        Ok(())
    }

    fn ask(event: &Event<'_>, section: &mut Section<'_, Self>) -> Result {
        if note_doom(event, section.objects()) {
            return Ok(());
        }
        fs::ask(event, section)
    }

    fn freeing(object: &FsObject) {
        let reason = match object.object.doom() {
            Doom::Unmounted => Reason::Unmount,
            // The inode goes although the file does not: nothing held it in memory.
            Doom::Unknown if !crate::FS.get().group_of(object).pins(object) => Reason::Evicted,
            _ => Reason::ObjectGone,
        };
        // Does nothing when this module destroyed the mark.
        object.connector.end_all(reason);
    }

    fn cache() -> &'static KmemCache<FsObject> {
        &crate::FS.get().objects
    }

    fn live() -> &'static Atomic<usize> {
        &LIVE
    }
}
