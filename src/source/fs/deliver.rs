// SPDX-License-Identifier: GPL-2.0

//! Which lists an event is merged from, and what a watch sees through the marks in each.
//!
//! The kernel is not asked for names (`FS_EVENT_ON_CHILD`) where a mount or a superblock is watched, which
//! would cost every event on the file system a reference to its directory. The entry through which an
//! event came says its name.

use super::{
    merge::merge,
    record::{
        self,
        usable, //
    },
    view::{
        view,
        view_of_inode,
        Met,
        Roots,
        View,
        MOST, //
    },
};
use crate::{
    mark::Mark,
    queue::watch::Watch,
    rust::{
        fs::text::Text,
        fsnotify::{
            backend::PIN,
            event::Event,
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
use core::ptr;

/// Delivers one event to all watches on its objects. Process context, inside fsnotify's SRCU.
pub(in crate::source) fn deliver(event: &Event<'_>, objects: Objects<'_, Fs>) {
    if objects.get(on::SB).is_some() || objects.get(on::MOUNT).is_some() {
        deliver_wide(event, objects);
    } else {
        deliver_inodes(event, objects);
    }
}

/// The kinds of the lists of [`deliver_inodes`], in the order in which a queue is told: the directory's watch
/// before the object's own, as fsnotify tells inotify.
const INODES: [usize; 3] = [on::PARENT, on::INODE, on::INODE2];

/// Delivers an event of which inodes alone are told.
#[inline]
fn deliver_inodes(event: &Event<'_>, objects: Objects<'_, Fs>) {
    let (parent, old) = (objects.get(on::PARENT), objects.get(on::INODE));
    let (new, within) = new_directory(old, objects.get(on::INODE2));
    let mask = event.mask();
    let view = |list: usize, mark: &Mark<Watch>| {
        let kind = INODES.get(list).copied().unwrap_or(on::INODE);
        view_of_inode(mask, kind, within, mark)
    };
    merge(event, [parent, old, new], view, || usable(event.name()));
}

/// The kinds of the lists of [`deliver_wide`]; what follows is the superblock, or in its place the roots that
/// were met.
const WIDE: [usize; 4] = [on::PARENT, on::INODE, on::INODE2, on::MOUNT];

/// Delivers an event of which a mount or a superblock is told.
fn deliver_wide(event: &Event<'_>, objects: Objects<'_, Fs>) {
    let old = objects.get(on::INODE);
    let (new, within) = new_directory(old, objects.get(on::INODE2));
    let roots = Roots::new(true, Some(objects.reading()));
    let sb = objects.get(on::SB);
    // If all that watches the superblock is subtrees.
    let met = sb
        .filter(|&sb| mask_of(sb) & PIN == 0)
        .and_then(|_| roots.met(event, objects));
    let mut lists = [None; WIDE.len() + MOST];
    let known = [objects.get(on::PARENT), old, new, objects.get(on::MOUNT)];
    let rest = met.unwrap_or_else(|| only(sb));
    for (list, object) in lists.iter_mut().zip(known.into_iter().chain(rest)) {
        *list = object;
    }
    let view = |list: usize, mark: &Mark<Watch>| match WIDE.get(list) {
        Some(&kind) => view(event, kind, within, mark, &roots),
        // The directory may be watched for itself, too.
        None if met.is_some() && role::part(mark.role()) != role::ROOT => View::NOTHING,
        None => view(event, on::SB, within, mark, &roots),
    };
    let mut text = Text::new();
    merge(event, lists, view, || record::name(event, &mut text));
}

/// One list in the place of the roots.
fn only(object: Option<&FsObject>) -> Met<'_> {
    let mut lists = [None; MOST];
    if let Some(first) = lists.first_mut() {
        *first = object;
    }
    lists
}

/// The object of a rename's new directory, and whether it is the old one's: then one look at it
/// gives both halves.
fn new_directory<'o>(
    old: Option<&FsObject>,
    new: Option<&'o FsObject>,
) -> (Option<&'o FsObject>, bool) {
    let within = match (old, new) {
        (Some(old), Some(new)) => ptr::eq(old, new),
        _ => false,
    };
    (new.filter(|_| !within), within)
}
