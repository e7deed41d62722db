// SPDX-License-Identifier: GPL-2.0

//! What a watch sees of an event through one of its marks.
//!
//! A mark on an inode sees what fsnotify tells of that inode. For a mark on a mount or a superblock the kernel
//! calls us for everything that happens there, and most of it may concern no watch: for a watch on
//! a subtree it has to be found out first whether the event is below its root. This is done by
//! going up from where the event is ([`Spot::seen_from`]); nothing is remembered of the directories
//! below a root, so nothing has to be kept in step when they are created, moved or removed, and
//! there is no moment at which a new one is not covered yet.

use super::{
    bits::{
        scope,
        ENDS,
        ENTRY_EVENTS, //
    },
    site::{
        Side,
        Site, //
    },
};
use crate::{
    mark::Mark,
    queue::watch::Watch,
    rust::{
        fs::{
            above::{
                Above,
                Reading,
                FEW, //
            },
            dcache::{
                InodeKey,
                Position,
                Spot, //
            },
            viewer::{
                From,
                Viewer,
                ViewerKey, //
            },
        },
        fsnotify::{
            backend::PIN,
            event::{
                bit,
                Event, //
            },
            objects::Objects,
            place::{
                on,
                Class, //
            },
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
    cell::{
        Cell,
        OnceCell, //
    },
    ptr, //
};

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

    /// It is not known whether it is.
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

/// Below the roots of which subtrees an event is: found out once, for all watches on subtrees of a file system.
///
/// The root of a subtree is found by the mark on its inode, on the way up from the event. So what an event
/// costs is the way up and one comparison for each watch, and nothing is held meanwhile: what was seen belongs
/// to one moment, at which the old directory of a rename and the new one were looked at together.
pub(super) struct Roots<'s> {
    together: bool,
    reading: Option<Reading<'s>>,
    above: OnceCell<[Above<'s>; 2]>,
    /// For each side the last viewer that was asked about, the root, and whether it sees the side from there.
    seen: OnceCell<[Cell<(ViewerKey, InodeKey, bool)>; 2]>,
}

/// So many roots are found with what watches them.
pub(super) const MOST: usize = FEW;

/// What stands for the roots above an event, each once, in no order; none behind the first `None`.
pub(super) type Met<'s> = [Option<&'s FsObject>; MOST];

impl<'s> Roots<'s> {
    /// For one event. `together`: each of several watches would have to go up itself otherwise. `reading`:
    /// so that [`Self::met`] finds what watches them.
    pub(super) const fn new(together: bool, reading: Option<Reading<'s>>) -> Self {
        Self {
            together,
            reading,
            above: OnceCell::new(),
            seen: OnceCell::new(),
        }
    }

    /// Whether `viewer` sees a side of the event from `root`. Those of one process that watch one root are
    /// asked once.
    fn sees(&self, viewer: &Viewer, side: Side, from: From<'_>, root: InodeKey) -> bool {
        let nothing = || [const { Cell::new((ViewerKey::NONE, InodeKey::NONE, false)) }; 2];
        let [old, new] = self.seen.get_or_init(nothing);
        let last = match side {
            Side::Old => old,
            Side::New => new,
        };
        let key = viewer.key();
        match last.get() {
            (of, top, seen) if of == key && top == root => seen,
            _ => {
                let seen = viewer.sees(from, root);
                last.set((key, root, seen));
                seen
            }
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
    pub(super) fn are_elsewhere(event: &Event<'_>) -> bool {
        match Site::old(event) {
            Site::Unknown => false,
            Site::Entry(spot) | Site::Object(spot) => Above::is_none(spot, ENDS | PIN),
        }
    }

    /// The roots of all subtrees that the event is below, or that it is about: no other subtree has anything to
    /// tell of it. So what an event costs is the way up and the roots that were met on it, not the number of
    /// subtrees. `None`: not all of them are known, and each watch has to be asked.
    pub(super) fn met(&self, event: &Event<'_>, objects: Objects<'s, Fs>) -> Option<Met<'s>> {
        let mut met = [None; MOST];
        if event.mask() & bit::RENAME == 0 && matches!(Site::old(event), Site::Unknown) {
            // It is about this inode only.
            if let (Some(place), Some(object)) = (met.first_mut(), objects.get(on::INODE)) {
                *place = Some(object);
            }
            return Some(met);
        }
        let group = crate::FS.get().group(Class::Notify);
        let [old, new] = self.above(event);
        for marks in Iterator::chain(old.marks()?, new.marks()?) {
            let Some(object) = objects.among(marks, group) else {
                continue;
            };
            // The directories of a rename have the upper ones in common.
            let place = met
                .iter_mut()
                .find(|place| place.is_none_or(|there| ptr::eq(there, object)));
            *place? = Some(object);
        }
        Some(met)
    }

    /// What is above the sides of the event.
    fn above(&self, event: &Event<'_>) -> &[Above<'s>; 2] {
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
            Above::look(spots, ENDS | PIN, self.reading)
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
    roots: &Roots<'_>,
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

/// What a watch sees through a mark on a superblock.
#[inline(always)]
fn view_of_superblock(event: &Event<'_>, mark: &Mark<Watch>, roots: &Roots<'_>) -> View {
    match role::part(mark.role()) {
        role::OBJECT => {}
        // By the one or the other, as it was found.
        role::TREE | role::ROOT => {
            let watch = mark.watch();
            let all = view_of_subtree(event, watch.root(), roots);
            return match watch.viewer() {
                None => all,
                Some(viewer) => view_of_viewer(event, all, watch.root(), viewer, roots),
            };
        }
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
fn view_of_subtree(event: &Event<'_>, root: InodeKey, roots: &Roots<'_>) -> View {
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

/// What is left of `all` that a watch on the subtree below `root` would see, by the rights of `viewer`: what
/// happens in a directory, if that and all up to the root may be read and searched. What happens to the root
/// itself was to be told when the watch was added.
#[cold]
#[inline(never)]
fn view_of_viewer(
    event: &Event<'_>,
    all: View,
    root: InodeKey,
    viewer: &Viewer,
    roots: &Roots<'_>,
) -> View {
    if all.bits == 0 {
        // Also if it is not known: not even that it happened is told.
        return View::NOTHING;
    }
    if !all.below {
        return all;
    }
    let sees = |side| match from(event, side) {
        Some(from) => roots.sees(viewer, side, from, root),
        None => false,
    };
    let mut hidden = 0;
    if event.mask() & bit::RENAME == 0 {
        if !sees(Side::Old) {
            return View::NOTHING;
        }
    } else {
        // Each half by itself.
        if all.bits & bit::MOVED_FROM != 0 && !sees(Side::Old) {
            hidden |= bit::MOVED_FROM;
        }
        if all.bits & bit::MOVED_TO != 0 && !sees(Side::New) {
            hidden |= bit::MOVED_TO;
        }
    }
    View {
        bits: all.bits & !hidden,
        ..all
    }
}

/// From where a viewer has to look for a side of an event. `None`: not known.
fn from<'e>(event: &Event<'e>, side: Side) -> Option<From<'e>> {
    match Site::of(event, side) {
        Site::Entry(dir) => Some(From::Directory(dir)),
        Site::Object(spot) => Some(From::Object(spot)),
        Site::Unknown => None,
    }
}

/// Whether `viewer`, to whom a watch on a subtree belongs, sees a side of an event from its root. It counts only
/// if nothing is renamed meanwhile.
pub(super) fn sees_now(event: &Event<'_>, side: Side, watch: &Watch, viewer: &Viewer) -> bool {
    from(event, side).is_some_and(|from| viewer.sees_now(from, watch.root()))
}
