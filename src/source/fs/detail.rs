// SPDX-License-Identifier: GPL-2.0

//! Records that say more: a path in place of the name, a file handle, a question.
//!
//! For watches that ask for it, and kept apart from the short way that other events go. Nothing is
//! allocated: everything is put together on the stack, in the words of the record.

use super::{
    bits::{
        scope,
        DETAILED,
        EXCL_UNLINK,
        FILE_HANDLE,
        PATH, //
    },
    record::{
        places,
        Fixed,
        Half,
        Shared,
        FIXED_WORDS, //
    },
    site::{
        Side,
        Site, //
    },
    view::{
        self,
        View, //
    },
};
use crate::{
    queue::{
        permission::{
            IfFull,
            Posted, //
        },
        ring::Event,
        watch::Watch,
        Queue, //
    },
    ring::{
        record::info,
        MAX_RECORD_SLOTS,
        SLOT_BYTES, //
    },
    rust::{
        fs::{
            dcache::{
                Path as Found,
                Top, //
            },
            file_handle::{
                FileHandle,
                MAX_WORDS, //
            },
            rename_lock::{
                unmoved,
                Frozen,
                Still, //
            },
            text::Text,
            viewer::ATTEMPTS, //
        },
        fsnotify::event::bit, //
    },
};
use core::cell::Cell;
use kernel::sync::Arc;

/// In the type's flags of a record: the path is missing.
const TRUNCATED: u32 = info::FLAG_0 << 1;

/// It is not known where it is.
const NO_PLACE: u32 = info::FLAG_0 << 2;

/// Longest path that a record without a handle can hold; a NUL follows it.
const PATH_MAX: usize = (MAX_RECORD_SLOTS as usize - 1 - FIXED_WORDS) * SLOT_BYTES - 1;

/// A path relative to what is watched.
type Path = Text<PATH_MAX>;

/// What a question says behind the fixed words: request, deadline, first byte, length.
pub(super) type Extra = [u64; 4];

const BODY_WORDS: usize = FIXED_WORDS + 4 + MAX_WORDS;

/// The words of a record behind its first: the fixed ones, those of a question, the handle.
struct Body {
    words: [u64; BODY_WORDS],
    used: usize,
}

impl Body {
    fn new(fixed: Fixed, extra: &[u64], handle: &[u64]) -> Self {
        let mut words = [0; BODY_WORDS];
        let all = fixed.iter().chain(extra).chain(handle);
        for (to, from) in words.iter_mut().zip(all) {
            *to = *from;
        }
        Self {
            words,
            used: FIXED_WORDS + extra.len() + handle.len(),
        }
    }

    fn as_slice(&self) -> &[u64] {
        self.words.get(..self.used).unwrap_or(&[])
    }
}

/// What stands in the name field of a record.
struct Named<'n> {
    name: &'n [u8],
    path: Path,
    /// `info` of the record.
    flags: u32,
}

impl<'n> Named<'n> {
    /// `room` is for a path: what fits, or `None` if there is to be none. `None`: it is not in the watched
    /// subtree any more.
    fn new(
        shared: &Shared<'n>,
        watch: &Watch,
        side: Side,
        below: bool,
        room: Option<usize>,
    ) -> Option<Self> {
        let mut this = Self {
            name: if below { shared.name(side) } else { &[] },
            path: Path::new(),
            flags: shared.flags(below),
        };
        let spec = watch.spec();
        let top = match spec.scope {
            _ if spec.flags & PATH == 0 || !below => None,
            scope::SUBTREE => Some(Top::Directory(watch.root())),
            scope::MOUNT => shared.event.mount_top(),
            scope::SB => Some(Top::FileSystem),
            // The name is the path.
            _ => None,
        };
        let path = &mut this.path;
        let found = match (top, Site::of(shared.event, side)) {
            (None, _) | (_, Site::Unknown) => Found::Found,
            _ if room.is_none() => Found::TooLong,
            // Without the name of the entry there is no path either.
            (Some(_), Site::Entry(_)) if this.name.is_empty() => Found::TooLong,
            (Some(top), Site::Entry(dir)) => match path.prepend(this.name) {
                true => dir.prepend_path(top, path),
                false => Found::TooLong,
            },
            (Some(top), Site::Object(spot)) => spot.prepend_path(top, path),
        };
        match found {
            Found::Found if room.is_none_or(|room| path.as_bytes().len() <= room) => {}
            Found::Elsewhere if spec.scope == scope::SUBTREE => return None,
            Found::Adrift => {
                this.path = Path::new();
                this.flags |= TRUNCATED | NO_PLACE;
            }
            _ => {
                this.path = Path::new();
                this.flags |= TRUNCATED;
            }
        }
        Some(this)
    }

    fn as_bytes(&self) -> &[u8] {
        match self.path.as_bytes() {
            [] => self.name,
            path => path,
        }
    }
}

/// What records of one event share that need more than the fixed words.
pub(super) struct Common<'e> {
    extra: &'e [u64],
    handle: Option<FileHandle>,
    /// Viewers may have paths: the tree stands still for as long as it takes to ask for their rights.
    viewers_paths: Cell<bool>,
}

impl<'e> Common<'e> {
    /// `flags`: those of all watches that it is for. May sleep.
    pub(super) fn new(shared: &Shared<'_>, flags: u32, extra: &'e [u64]) -> Self {
        let handle = match flags & FILE_HANDLE {
            0 => None,
            _ => shared.event.inode_ref().and_then(FileHandle::of),
        };
        Self {
            extra,
            handle,
            viewers_paths: Cell::new(true),
        }
    }
}

/// Posts the records for the bits of `view` to a watch with a flag that asks for more.
///
/// A path is of the moment at which its record enters the ring: no record of a rename can come
/// between, because it is posted after the rename. So it may be ahead of such a record, when a
/// directory on the way is renamed at that very moment, and is never behind one.
#[inline(never)]
pub(super) fn post(shared: &Shared<'_>, watch: &Arc<Watch>, view: View) {
    let flags = watch.spec().flags;
    if flags & EXCL_UNLINK != 0 && shared.event.unlinked() {
        return;
    }
    let common = Common::new(shared, flags, &[]);
    let attempt = |common: &Common<'_>, still: &Still| {
        with_half(shared, watch, Side::Old, view.below, common, |half| {
            let Some(half) = half else {
                return still.holds();
            };
            let records = &[half.records(view.bits)];
            Queue::post_if(watch, &Event { records }, || still.holds())
        })
    };
    match watch.viewer() {
        Some(viewer) if view.below && has_path(watch) => {
            // The path must not lead through what may not be searched at that moment.
            for _ in 0..ATTEMPTS {
                let still = Still::now();
                match view::sees_now(shared.event, Side::Old, watch, viewer) {
                    false if still.holds() => return,
                    false => {}
                    true if attempt(&common, &still) => return,
                    true => {}
                }
            }
            common.viewers_paths.set(false);
            attempt(&common, &Still::Frozen);
        }
        _ => unmoved(|still| attempt(&common, still)),
    }
}

/// Locks renames out for the records of a rename, if they have paths. The rights of viewers along theirs are asked
/// about before, at the same state of the tree; if it never stands still, they have none. For each of `sides`
/// whether its watch may have its half.
fn freeze<const N: usize>(
    shared: &Shared<'_>,
    common: &Common<'_>,
    sides: [(&Watch, Side); N],
) -> (Option<Frozen>, [bool; N]) {
    if !sides.iter().any(|(watch, _)| has_path(watch)) {
        return (None, [true; N]);
    }
    let viewers = sides.map(|(watch, _)| watch.viewer().filter(|_| has_path(watch)));
    if viewers.iter().all(Option::is_none) {
        return (Some(Frozen::new()), [true; N]);
    }
    for _ in 0..ATTEMPTS {
        let still = Still::now();
        let mut seen = [true; N];
        for ((seen, viewer), (watch, side)) in seen.iter_mut().zip(viewers).zip(sides) {
            *seen = viewer.is_none_or(|viewer| view::sees_now(shared.event, side, watch, viewer));
        }
        let frozen = Frozen::new();
        if still.holds() {
            return (Some(frozen), seen);
        }
    }
    common.viewers_paths.set(false);
    (Some(Frozen::new()), [true; N])
}

/// As the flags of a question about what has no known place, for a watch without paths.
fn flags_of_place(shared: &Shared<'_>, watch: &Watch, view: View) -> u32 {
    match Site::of(shared.event, Side::Old) {
        Site::Object(spot) if is_wide(watch) && view.below && spot.is_adrift() => NO_PLACE,
        _ => 0,
    }
}

/// Posts the record of a question to a watch, and says what became of it.
pub(super) fn post_question(
    shared: &Shared<'_>,
    watch: &Arc<Watch>,
    view: View,
    extra: &Extra,
    if_full: IfFull,
) -> Posted {
    let common = Common::new(shared, watch.spec().flags, extra);
    let place = flags_of_place(shared, watch, view);
    let mut posted = Posted::Refused;
    unmoved(|still| {
        with_half(shared, watch, Side::Old, view.below, &common, |half| {
            let holds = still.holds();
            if let (true, Some(mut half)) = (holds, half) {
                half.flags |= place;
                let records = &[half.records(view.bits)];
                posted = Queue::post_question(watch, &Event { records }, if_full);
            }
            holds
        })
    });
    posted
}

/// The watches of a queue for the two halves of a rename.
#[derive(Clone, Copy)]
pub(super) struct Pair<'w> {
    pub(super) old: &'w Arc<Watch>,
    pub(super) new: &'w Arc<Watch>,
}

/// Whether the records of a watch have paths that are looked up in the tree. Then nothing may be renamed from the
/// look at it until the record is in the ring.
fn has_path(watch: &Watch) -> bool {
    is_wide(watch) && watch.spec().flags & PATH != 0
}

/// Whether a watch is told of more than an object and its entries.
fn is_wide(watch: &Watch) -> bool {
    matches!(
        watch.spec().scope,
        scope::SUBTREE | scope::MOUNT | scope::SB
    )
}

/// Posts both halves of a rename, one directly behind the other. A half that is not below what its watch
/// is about is left out.
#[inline(never)]
pub(super) fn post_rename(shared: &Shared<'_>, Pair { old, new }: Pair<'_>, common: &Common<'_>) {
    if Arc::ptr_eq(old, new) && old.spec().flags & DETAILED == 0 {
        return shared.post_halves(old, None);
    }
    let (_frozen, [sees_old, sees_new]) =
        freeze(shared, common, [(old, Side::Old), (new, Side::New)]);
    with_half(shared, old, Side::Old, true, common, |from| {
        with_half(shared, new, Side::New, true, common, |to| {
            let from = from.filter(|_| sees_old);
            let to = to.filter(|_| sees_new);
            let from = from.map(|half| half.records(bit::MOVED_FROM));
            let to = to.map(|half| half.records(bit::MOVED_TO));
            match (from, to) {
                (Some(from), Some(to)) if Arc::ptr_eq(old, new) => {
                    let records = &[from, to];
                    Queue::post(old, &Event { records });
                }
                (Some(from), Some(to)) => Queue::post_pair([(old, from), (new, to)]),
                (Some(from), None) => Queue::post(old, &Event { records: &[from] }),
                (None, Some(to)) => Queue::post(new, &Event { records: &[to] }),
                (None, None) => {}
            }
        });
    });
}

/// Posts one half of a rename.
#[inline(never)]
pub(super) fn post_half(shared: &Shared<'_>, watch: &Arc<Watch>, side: Side, common: &Common<'_>) {
    if watch.spec().flags & DETAILED == 0 {
        return shared.post_halves(watch, Some(side));
    }
    let bit = match side {
        Side::Old => bit::MOVED_FROM,
        Side::New => bit::MOVED_TO,
    };
    let (_frozen, [sees]) = freeze(shared, common, [(watch, side)]);
    with_half(shared, watch, side, true, common, |half| {
        if let Some(half) = half.filter(|_| sees) {
            let records = &[half.records(bit)];
            Queue::post(watch, &Event { records });
        }
    });
}

/// Calls `f` with a half for a watch, or with none if it has left what is watched.
#[inline(never)]
fn with_half<R>(
    shared: &Shared<'_>,
    watch: &Watch,
    side: Side,
    below: bool,
    common: &Common<'_>,
    f: impl FnOnce(Option<Half<'_>>) -> R,
) -> R {
    let (words, len) = match &common.handle {
        Some(handle) if watch.spec().flags & FILE_HANDLE != 0 => (handle.words(), handle.len()),
        _ => (&[][..], 0),
    };
    let room = PATH_MAX.saturating_sub((common.extra.len() + words.len()) * SLOT_BYTES);
    let room = (watch.viewer().is_none() || common.viewers_paths.get()).then_some(room);
    let Some(named) = Named::new(shared, watch, side, below, room) else {
        return f(None);
    };
    let name = named.as_bytes();
    let places = places(common.extra.len(), len, name.len());
    let body = Body::new(shared.fixed(watch, places), common.extra, words);
    f(Some(Half {
        flags: named.flags,
        fixed: body.as_slice(),
        name,
    }))
}
