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
            above::Above,
            dcache::{
                InodeKey,
                Position,
                Spot, //
            },
            text::Text, //
        },
        fsnotify::{
            backend::PIN,
            event::{
                bit,
                Event, //
            },
            objects::Objects,
            place::on, //
        },
    },
};
use core::cell::OnceCell;

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
    let roots = Roots::new(true);
    let view = |list: usize, mark: &Mark<Watch>| match KINDS.get(list) {
        Some(&kind) => view(event, kind, within, mark, &roots),
        None => View::NOTHING,
    };
    let mut text = Text::new();
    merge(event, lists, view, || name(event, &mut text));
}

/// Below the roots of which subtrees an event is: found out once, for all watches on subtrees of a file system.
///
/// The root of a subtree is found by the mark on its inode, on the way up from the event. So what an event
/// costs is the way up and one comparison for each watch, and nothing is held meanwhile: what was seen belongs
/// to one moment, at which the old directory of a rename and the new one were looked at together.
pub(super) struct Roots {
    together: bool,
    above: OnceCell<[Above; 2]>,
}

impl Roots {
    /// For one event. `together`: each of several watches would have to go up itself otherwise.
    pub(super) const fn new(together: bool) -> Self {
        Self {
            together,
            above: OnceCell::new(),
        }
    }

    /// Whether it is known that there is nothing for a mark on the superblock, because it is for a subtree.
    #[inline(always)]
    pub(super) fn rule_out(&self, mark: &Mark<Watch>) -> bool {
        role::part(mark.role()) == role::TREE
            && self.above.get().is_some_and(|[old, _]| old.is_empty())
    }

    /// Whether an event, which is no rename, is certainly below no root.
    #[inline]
    pub(super) fn are_elsewhere(&self, event: &Event<'_>) -> bool {
        match Site::old(event) {
            Site::Unknown => false,
            _ => {
                let [old, _] = self.above(event);
                old.is_empty()
            }
        }
    }

    /// What is above the sides of the event.
    fn above(&self, event: &Event<'_>) -> &[Above; 2] {
        self.above.get_or_init(|| {
            let spot = |site| match site {
                Site::Entry(spot) | Site::Object(spot) => Some(spot),
                Site::Unknown => None,
            };
            let new = event.mask() & bit::RENAME;
            let spots = [
                spot(Site::old(event)),
                (new != 0).then(|| event.new_directory()).flatten(),
            ];
            Above::look(spots, ENDS | PIN)
        })
    }

    /// Where a side of the event, which is at `spot`, is as seen from the root of a subtree.
    #[inline]
    fn position(&self, event: &Event<'_>, side: Side, spot: Spot<'_>, root: InodeKey) -> Position {
        if !self.together && side == Side::Old {
            return spot.seen_from(root);
        }
        let [old, new] = self.above(event);
        let above = match side {
            Side::Old => old,
            Side::New => new,
        };
        above
            .seen_from(root)
            .unwrap_or_else(|| spot.seen_from(root))
    }
}

/// What a watch sees of an event through a mark on an object of this kind.
#[inline(always)]
pub(super) fn view(
    event: &Event<'_>,
    kind: usize,
    within: bool,
    mark: &Mark<Watch>,
    roots: &Roots,
) -> View {
    match kind {
        on::SB => view_of_superblock(event, mark, roots),
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
fn view_of_superblock(event: &Event<'_>, mark: &Mark<Watch>, roots: &Roots) -> View {
    match role::part(mark.role()) {
        role::OBJECT => {}
        role::TREE => return view_of_subtree(event, mark.watch().root(), roots),
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
fn view_of_subtree(event: &Event<'_>, root: InodeKey, roots: &Roots) -> View {
    let position = |side, spot| roots.position(event, side, spot, root);
    let below = |bits| View { bits, below: true };
    if event.mask() & bit::RENAME != 0 {
        // Each half by itself: moving in or out of the subtree is the one or the other.
        let covers = |side, dir| matches!(position(side, dir), Position::Top | Position::Below);
        let old = match Site::old(event) {
            Site::Entry(dir) => covers(Side::Old, dir),
            _ => false,
        };
        let new = match event.new_directory() {
            Some(dir) => covers(Side::New, dir),
            None => old,
        };
        let half = |covered, bit| if covered { bit } else { 0 };
        return below(half(old, bit::MOVED_FROM) | half(new, bit::MOVED_TO));
    }
    match Site::old(event) {
        Site::Entry(dir) => match position(Side::Old, dir) {
            Position::Outside => View::NOTHING,
            Position::Top | Position::Below => below(u32::MAX),
            Position::Unknown => View::UNKNOWN,
        },
        Site::Object(spot) => match position(Side::Old, spot) {
            Position::Outside => View::NOTHING,
            Position::Top => View {
                bits: u32::MAX,
                below: false,
            },
            Position::Below => below(u32::MAX),
            Position::Unknown => View::UNKNOWN,
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
