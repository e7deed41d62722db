// SPDX-License-Identifier: GPL-2.0

//! Which watched directories are above a place: found in one way up, however many there are.
//!
//! The way up finds the directories on which one of our marks wants certain events; the caller
//! knows which of them are roots of watches. So to judge an event for all subtrees of a file system
//! costs one way up and one comparison for each watch. Used by `crate::source::fs`.
//!
//! C header: [`include/linux/dcache.h`](srctree/include/linux/dcache.h)

use super::{
    dcache::{
        climb,
        inode_of,
        Ended,
        InodeKey,
        Position,
        Spot,
        Top, //
    },
    rename_lock::{
        Frozen,
        Still,
        ATTEMPTS, //
    },
};
use crate::rust::bindings;
use crate::rust::prelude::*;
use core::marker::PhantomData;
use kernel::sync::rcu;

/// So many are kept without memory of their own.
pub(crate) const FEW: usize = 8;

/// The task is inside fsnotify's read section, which keeps all marks that can be met in it.
///
/// # Invariants
///
/// The section lasts for all of `'s`.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'s>(PhantomData<&'s ()>);

/// The marks of all backends on an inode.
///
/// # Invariants
///
/// The pointer was read from an inode inside a section of fsnotify that lasts for all of `'s`.
#[derive(Clone, Copy)]
pub(crate) struct Marks<'s>(
    NonNull<bindings::fsnotify_mark_connector>,
    PhantomData<&'s ()>,
);

impl Reading<'_> {
    /// # Safety
    ///
    /// The task is inside fsnotify's section for all of the lifetime.
    #[inline(always)]
    pub(in crate::rust) unsafe fn new() -> Self {
        // INVARIANT: The caller vouches for it.
        Self(PhantomData)
    }
}

impl<'s> Marks<'s> {
    /// # Safety
    ///
    /// The inode can be read.
    unsafe fn of(inode: *const bindings::inode, _reading: Reading<'s>) -> Option<Self> {
        // SAFETY: The caller vouches for it.
        let marks = unsafe { bindings::wqd_fsnotify_inode_marks(inode) };
        // INVARIANT: Read inside the section of `_reading`.
        NonNull::new(marks).map(|marks| Self(marks, PhantomData))
    }

    /// fsnotify's structure, which that keeps for `'s`.
    pub(in crate::rust) fn as_ptr(self) -> *mut bindings::fsnotify_mark_connector {
        self.0.as_ptr()
    }
}

/// The watched directories at and above a place, at one moment.
pub(crate) struct Above<'s> {
    few: [InodeKey; FEW],
    /// The marks on each of the few, if they were asked for.
    marks: [Option<Marks<'s>>; FEW],
    reading: Option<Reading<'s>>,
    more: KVec<InodeKey>,
    /// How many there are, whether there was room for them or not.
    met: usize,
    /// The place itself.
    own: InodeKey,
    /// The way up ended at what is not the root of the file system: a place that is not known yet.
    adrift: bool,
    /// There was no end of the way up.
    deep: bool,
}

impl<'s> Above<'s> {
    const fn new(reading: Option<Reading<'s>>) -> Self {
        Self {
            few: [InodeKey::NONE; FEW],
            marks: [None; FEW],
            reading,
            more: KVec::new(),
            met: 0,
            own: InodeKey::NONE,
            adrift: false,
            deep: false,
        }
    }

    /// For two places (`None`: nowhere) the directories at and above them on which marks want all of
    /// `events`, both at one moment; with `reading`, also what marks are on them. Process context; may be
    /// called inside read sections.
    pub(crate) fn look(
        spots: [Option<Spot<'_>>; 2],
        events: u32,
        reading: Option<Reading<'s>>,
    ) -> [Self; 2] {
        let mut above = [Self::new(reading), Self::new(reading)];
        Self::look_once(&mut above, &spots, events);
        for _ in 0..ATTEMPTS {
            if above.iter().all(Self::is_complete) {
                break;
            }
            if !above.iter_mut().all(Self::make_room) {
                break;
            }
            Self::look_once(&mut above, &spots, events);
        }
        for above in &mut above {
            sort(&mut above.more);
        }
        above
    }

    /// Whether there certainly is none at or above `spot`, which is most places: nothing is kept, and the tree
    /// is looked at once only. Context as of [`Self::look`].
    #[inline]
    pub(crate) fn is_none(spot: Spot<'_>, events: u32) -> bool {
        let rcu = rcu::read_lock();
        let still = Still::now();
        let Some(start) = spot.dentry(&rcu) else {
            return still.holds();
        };
        // SAFETY: The section keeps what is visited: it was in the tree after it began.
        let unmarked = |at| unsafe { marked(at, events) }.is_none();
        // SAFETY: The section keeps `start`, which was in the tree after it began, and so what is
        // above it.
        match unsafe { climb(&rcu, start, unmarked) } {
            // SAFETY: The section keeps what the way up has met.
            Ended::AtRoot(at) => still.holds() && unsafe { Top::FileSystem.is(at) },
            Ended::Stopped | Ended::TooDeep => false,
        }
    }

    /// Looks, whether there is room for all that is met or not.
    fn look_once(above: &mut [Self; 2], spots: &[Option<Spot<'_>>; 2], events: u32) {
        let rcu = rcu::read_lock();
        let mut walk = || {
            for (above, spot) in above.iter_mut().zip(spots) {
                above.forget();
                if let Some(spot) = spot {
                    above.walk(*spot, &rcu, events);
                }
            }
        };
        for _ in 0..ATTEMPTS {
            let still = Still::now();
            walk();
            if still.holds() {
                return;
            }
        }
        let _frozen = Frozen::new();
        walk();
    }

    fn forget(&mut self) {
        self.met = 0;
        self.own = InodeKey::NONE;
        self.adrift = false;
        self.deep = false;
        self.more.clear();
    }

    /// Makes room for what was met, without waiting for memory. False: there is none.
    fn make_room(&mut self) -> bool {
        self.more.clear();
        let flags = GFP_NOWAIT | __GFP_NOWARN;
        self.is_complete() || self.more.reserve(self.met, flags).is_ok()
    }

    /// Goes up from `spot`, as far as [`climb`] does.
    fn walk(&mut self, spot: Spot<'_>, rcu: &rcu::Guard, events: u32) {
        let Some(start) = spot.dentry(rcu) else {
            return;
        };
        // SAFETY: The section keeps `start`: it was in the tree after it began.
        self.own = InodeKey::new(unsafe { inode_of(start) });
        let visit = |at| {
            // SAFETY: The section keeps what is visited: it was in the tree after it began.
            if let Some(inode) = unsafe { marked(at, events) } {
                // SAFETY: The section keeps the inode of what is visited, too.
                unsafe { self.meet(inode) };
            }
            true
        };
        // SAFETY: The section keeps `start`, which was in the tree after it began, and so what is
        // above it.
        match unsafe { climb(rcu, start, visit) } {
            // SAFETY: The section keeps what the way up has met.
            Ended::AtRoot(at) => self.adrift = !unsafe { Top::FileSystem.is(at) },
            Ended::Stopped | Ended::TooDeep => self.deep = true,
        }
    }

    /// # Safety
    ///
    /// The inode can be read.
    unsafe fn meet(&mut self, inode: *const bindings::inode) {
        let key = InodeKey::new(inode);
        if let (Some(place), Some(marks)) =
            (self.few.get_mut(self.met), self.marks.get_mut(self.met))
        {
            *place = key;
            // SAFETY: The caller vouches for it.
            *marks = self
                .reading
                .and_then(|reading| unsafe { Marks::of(inode, reading) });
        } else {
            // Without room it is only counted.
            let _ = self.more.push_within_capacity(key);
        }
        self.met = self.met.saturating_add(1);
    }

    fn is_complete(&self) -> bool {
        self.met <= FEW.saturating_add(self.more.len())
    }

    /// The marks on all of them. `None`: they were not asked for, or not all are known.
    pub(crate) fn marks(&self) -> Option<impl Iterator<Item = Marks<'s>> + '_> {
        let known = self.reading.is_some() && !self.adrift && !self.deep;
        let met = self.marks.get(..self.met).filter(|_| known)?;
        Some(met.iter().copied().flatten())
    }

    /// Whether there are none.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.met == 0 && !self.adrift && !self.deep
    }

    /// Where the place is, seen from a directory on which such marks are: unknown, if more than
    /// [`MAX_STEPS`](super::dcache::MAX_STEPS) directories are above it. `None`: it was not found out, because the place is not known
    /// yet or for want of memory; [`Spot::seen_from`] says it.
    #[inline]
    pub(crate) fn seen_from(&self, top: InodeKey) -> Option<Position> {
        let few = self.few.get(..self.met).unwrap_or(&self.few);
        if few.contains(&top) || self.more.binary_search(&top).is_ok() {
            return Some(if self.own == top {
                Position::Top
            } else {
                Position::Below
            });
        }
        let known = self.is_complete() && !self.adrift;
        known.then_some(match self.deep {
            true => Position::Unknown,
            false => Position::Outside,
        })
    }
}

/// The inode of a dentry, if the marks on it, of all backends, want all of `events`.
///
/// # Safety
///
/// In an RCU section that began when the dentry was in the tree.
#[inline(always)]
unsafe fn marked(at: NonNull<bindings::dentry>, events: u32) -> Option<*const bindings::inode> {
    // SAFETY: The caller vouches for it.
    let inode = unsafe { inode_of(at) };
    if inode.is_null() {
        return None;
    }
    // SAFETY: An inode that was of a dentry after the section began is not freed in it.
    let mask = unsafe { &raw const (*inode).i_fsnotify_mask };
    // SAFETY: The inode, and so its field, is not freed in the section. A change stores a whole
    // word.
    let mask = unsafe { mask.read_volatile() };
    (mask & events == events).then_some(inode)
}

/// Sorts by Shell's method: core's own has calls behind which objtool sees no end of the function.
fn sort(keys: &mut [InodeKey]) {
    let mut gap = keys.len() / 2;
    while gap > 0 {
        for end in gap..keys.len() {
            let mut at = end;
            while let Some(before) = at.checked_sub(gap) {
                match (keys.get(before), keys.get(at)) {
                    (Some(low), Some(high)) if low > high => keys.swap(before, at),
                    _ => break,
                }
                at = before;
            }
        }
        gap /= 2;
    }
}
