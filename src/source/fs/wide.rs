// SPDX-License-Identifier: GPL-2.0

//! Events for watches on whole mounts, file systems and subtrees.
//!
//! Such a watch has a mark on the mount or the superblock. So the kernel calls us for everything
//! that happens there, and most of it may be nothing to anybody: a watch on a subtree has to be asked
//! first whether the event is below its root. It is found by going up from where the event is
//! ([`Spot::seen_from`]); nothing is remembered of the directories below a root, so nothing has to be
//! kept in step when they are created, moved or removed, and there is no moment at which a new one is
//! not covered yet.
//!
//! The kernel is not asked for names (`FS_EVENT_ON_CHILD`), which would cost every event on the file
//! system a reference to its directory. The entry through which an event came says its name.

use super::{
    event::{
        merge,
        new_directory,
        usable,
        view_of_inode,
        Side,
        View,
        NAME_MAX, //
    },
    object::Fs,
    role,
    ENDS,
    ENTRY_EVENTS, //
};
use crate::{
    mark::Mark,
    queue::watch::Watch,
    rust::{
        fs::{
            dcache::{
                InodeKey,
                Position,
                Spot, //
            },
            text::Text, //
        },
        fsnotify::{
            event::{
                bit,
                Event, //
            },
            objects::Objects,
            place::on, //
        },
    },
};
use core::cell::Cell;

/// Where an event is.
#[derive(Clone, Copy)]
pub(super) enum Site<'a> {
    /// It is about an entry, which is in this directory or was.
    Entry(Spot<'a>),
    /// It is about what is here.
    Object(Spot<'a>),
    /// Nobody knows: it is about an inode, whatever its names.
    Unknown,
}

impl<'a> Site<'a> {
    /// Of a side of an event.
    pub(super) fn of(event: &Event<'a>, side: Side) -> Self {
        match side {
            Side::Old => Self::old(event),
            Side::New => event
                .new_directory()
                .map_or_else(|| Self::old(event), Self::Entry),
        }
    }

    fn old(event: &Event<'a>) -> Self {
        let object = match event.mask() & ENTRY_EVENTS {
            0 => event.spot(),
            _ => None,
        };
        match (object, event.directory()) {
            (Some(spot), _) => Self::Object(spot),
            (None, Some(dir)) => Self::Entry(dir),
            (None, None) => Self::Unknown,
        }
    }
}

/// Where in the lists of [`deliver`] the kinds are.
const KINDS: [usize; 5] = [on::INODE, on::PARENT, on::INODE2, on::MOUNT, on::SB];

/// Delivers an event of which a mount or a superblock is told. Process context, inside fsnotify's
/// SRCU.
pub(super) fn deliver(event: &Event<'_>, objects: Objects<'_, Fs>) {
    let old = objects.get(on::INODE);
    let (new, within) = new_directory(old, objects.get(on::INODE2));
    let lists = [
        old,
        objects.get(on::PARENT),
        new,
        objects.get(on::MOUNT),
        objects.get(on::SB),
    ];
    let roots = Roots::new(false);
    let view = |list: usize, mark: &Mark<Watch>, frozen: bool| match KINDS.get(list) {
        Some(&kind) => view(event, kind, within, mark, &roots, frozen),
        None => View::NOTHING,
    };
    let mut text = Text::new();
    merge(event, lists, view, || name(event, &mut text), true);
}

/// Whether an event can be below the root of any subtree: asked for once, for all watches on subtrees
/// of a file system, because most events are below none of them.
pub(super) struct Roots(Cell<Option<bool>>);

impl Roots {
    /// For one event, which is not a rename unless `ask` is false: then each watch looks for itself.
    pub(super) fn new(ask: bool) -> Self {
        Self(Cell::new(if ask { None } else { Some(true) }))
    }

    /// Whether it is known that there is nothing for a mark on the superblock, because it is for a subtree.
    #[inline(always)]
    pub(super) fn rule_out(&self, mark: &Mark<Watch>) -> bool {
        self.0.get() == Some(false) && role::part(mark.role()) == role::TREE
    }

    /// Whether there may be a root at or above one of these places.
    #[inline]
    fn may_be_above(&self, site: Site<'_>) -> bool {
        if let Some(known) = self.0.get() {
            return known;
        }
        let may = match site {
            Site::Entry(spot) | Site::Object(spot) => spot.is_below_watched(ENDS),
            Site::Unknown => true,
        };
        self.0.set(Some(may));
        may
    }
}

/// What a watch sees of an event through a mark on an object of this kind. `frozen`: the caller has
/// a [`Frozen`](crate::rust::fs::dcache::Frozen).
#[inline(always)]
pub(super) fn view(
    event: &Event<'_>,
    kind: usize,
    within: bool,
    mark: &Mark<Watch>,
    roots: &Roots,
    frozen: bool,
) -> View {
    match kind {
        on::SB => view_of_superblock(event, mark, roots, frozen),
        on::MOUNT => View {
            bits: u32::MAX,
            below: !event.at_mount_root(),
        },
        _ => view_of_inode(event.mask(), kind, within, mark),
    }
}

/// The name of what an event is about.
pub(super) fn name<'t>(event: &Event<'t>, text: &'t mut Text<NAME_MAX>) -> &'t [u8] {
    if let Some(name) = event.name() {
        return usable(Some(name));
    }
    if let Some(spot) = event.spot() {
        spot.prepend_name(text);
    }
    text.as_bytes()
}

/// What a watch sees through a mark on a superblock.
#[inline(always)]
fn view_of_superblock(event: &Event<'_>, mark: &Mark<Watch>, roots: &Roots, frozen: bool) -> View {
    match role::part(mark.role()) {
        role::OBJECT => {}
        role::TREE => return view_of_subtree(event, mark.watch().root(), roots, frozen),
        _ => return View::NOTHING,
    }
    View {
        bits: u32::MAX,
        below: match Site::old(event) {
            Site::Object(spot) => !spot.is_root(),
            _ => true,
        },
    }
}

/// What a watch on the subtree below `root` sees of an event.
#[inline(always)]
fn view_of_subtree(event: &Event<'_>, root: InodeKey, roots: &Roots, frozen: bool) -> View {
    let covers = |dir: Spot<'_>| dir.seen_from(root, frozen) != Position::Outside;
    let below = |bits| View { bits, below: true };
    if event.mask() & bit::RENAME != 0 {
        // Each half by itself: moving in or out of the subtree is the one or the other.
        let old = match Site::old(event) {
            Site::Entry(dir) => covers(dir),
            _ => false,
        };
        let new = match event.new_directory() {
            Some(dir) => covers(dir),
            None => old,
        };
        let half = |covered, bit| if covered { bit } else { 0 };
        return below(half(old, bit::MOVED_FROM) | half(new, bit::MOVED_TO));
    }
    let site = Site::old(event);
    if !roots.may_be_above(site) {
        return View::NOTHING;
    }
    match site {
        Site::Entry(dir) if covers(dir) => below(u32::MAX),
        Site::Object(spot) => match spot.seen_from(root, frozen) {
            Position::Outside => View::NOTHING,
            Position::Top => View {
                bits: u32::MAX,
                below: false,
            },
            Position::Below => below(u32::MAX),
        },
        // The root itself was renamed, or deleted, or lost a link. Of other inodes, DELETE,
        // MOVED_FROM and MOVED_TO have told it.
        Site::Unknown if event.inode_key() == root => View {
            bits: u32::MAX,
            below: false,
        },
        _ => View::NOTHING,
    }
}
