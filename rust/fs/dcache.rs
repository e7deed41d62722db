// SPDX-License-Identifier: GPL-2.0

//! Where something is in the tree of its file system: below which directory, and by which path.
//!
//! The tree is the dentry cache's: an entry that is in use keeps all directories above it. It is
//! read without taking references, under RCU, and what was read is believed only if nothing was
//! renamed meanwhile, which the kernel's `rename_lock` tells; otherwise it is read once more with
//! that lock held, when nothing can be renamed. So an answer always belongs to one state of the
//! tree, and any number of renames cannot prevent it. Used by `crate::source::fs` for subtrees,
//! names and paths.
//!
//! C header: [`include/linux/dcache.h`](srctree/include/linux/dcache.h)

use super::{
    rename_lock::{
        Frozen,
        Still, //
    },
    text::Text, //
};
use crate::rust::bindings;
use crate::rust::prelude::*;
use core::{
    marker::PhantomData,
    ptr::{self}, //
};
use kernel::sync::rcu;

/// Most steps up: directories that are being moved could lead a reader in circles, and the lock may
/// not be held for longer than this takes, however deep the directories are.
pub(super) const MAX_STEPS: u32 = 4096;

/// Which inode something is: to be compared, not to be used. It says nothing once that inode was
/// freed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct InodeKey(*const bindings::inode);

// SAFETY: It is a number.
unsafe impl Send for InodeKey {}
// SAFETY: It is a number, and does not change.
unsafe impl Sync for InodeKey {}

impl InodeKey {
    /// No inode.
    pub(crate) const NONE: Self = Self(ptr::null());

    /// Of this inode.
    #[inline]
    pub(in crate::rust) fn new(inode: *const bindings::inode) -> Self {
        Self(inode)
    }
}

/// Where a place is, seen from a directory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// Neither it nor below it.
    Outside,
    /// The directory itself.
    Top,
    /// Below it.
    Below,
    /// It cannot be told: more than [`MAX_STEPS`] directories below something, or reached by a file handle
    /// with no name that is known.
    Unknown,
}

/// What a path begins behind.
#[derive(Clone, Copy)]
pub(crate) enum Top {
    /// This directory.
    Directory(InodeKey),
    /// The root of this mount: an address to be compared.
    Mount(*const bindings::dentry),
    /// The root of the file system.
    FileSystem,
}

impl Top {
    /// # Safety
    ///
    /// `dentry` can be read.
    #[inline]
    pub(super) unsafe fn is(self, dentry: NonNull<bindings::dentry>) -> bool {
        match self {
            // SAFETY: The caller vouches for it.
            Self::Directory(key) => ptr::eq(unsafe { inode_of(dentry) }, key.0),
            Self::Mount(root) => ptr::eq(dentry.as_ptr(), root),
            Self::FileSystem => {
                // SAFETY: The caller vouches for it; a dentry has a superblock, which outlives it.
                let root = unsafe { (*(*dentry.as_ptr()).d_sb).s_root };
                ptr::eq(dentry.as_ptr(), root)
            }
        }
    }
}

/// A place in the tree.
///
/// # Invariants
///
/// What `start` points to is valid for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'a> {
    start: Start,
    _valid: PhantomData<&'a ()>,
}

#[derive(Clone, Copy)]
enum Start {
    At(NonNull<bindings::dentry>),
    Above(NonNull<bindings::dentry>),
    Directory(NonNull<bindings::inode>),
}

impl Spot<'_> {
    /// Where the dentry is.
    ///
    /// # Safety
    ///
    /// It is valid for `'a`.
    pub(in crate::rust) unsafe fn at(dentry: *mut bindings::dentry) -> Option<Self> {
        // INVARIANT: The caller vouches for it.
        NonNull::new(dentry).map(|dentry| Self::new(Start::At(dentry)))
    }

    /// The directory that has the dentry.
    ///
    /// # Safety
    ///
    /// The dentry is valid for `'a`.
    pub(in crate::rust) unsafe fn above(dentry: *mut bindings::dentry) -> Option<Self> {
        // INVARIANT: The caller vouches for it.
        NonNull::new(dentry).map(|dentry| Self::new(Start::Above(dentry)))
    }

    /// The directory `dir`.
    ///
    /// # Safety
    ///
    /// It is a directory and valid for `'a`.
    pub(in crate::rust) unsafe fn directory(dir: *mut bindings::inode) -> Option<Self> {
        // INVARIANT: The caller vouches for it.
        NonNull::new(dir).map(|dir| Self::new(Start::Directory(dir)))
    }

    fn new(start: Start) -> Self {
        Self {
            start,
            _valid: PhantomData,
        }
    }

    /// The dentry to begin at.
    #[inline]
    pub(super) fn dentry(&self, _rcu: &rcu::Guard) -> Option<NonNull<bindings::dentry>> {
        match self.start {
            Start::At(dentry) => Some(dentry),
            // SAFETY: By the type invariants.
            Start::Above(dentry) => NonNull::new(unsafe { parent_of(dentry) }),
            Start::Directory(dir) => {
                // SAFETY: By the type invariants. What is found may be leaving the list, and is
                // freed after the guard's section at the earliest.
                NonNull::new(unsafe { bindings::wqd_directory_dentry(dir.as_ptr()) })
            }
        }
    }

    /// Whether it is a root of the tree: of what has no known place it is not.
    pub(crate) fn is_root(&self) -> bool {
        let rcu = rcu::read_lock();
        self.dentry(&rcu).is_some_and(|dentry| {
            // SAFETY: The guard keeps the dentry.
            let parent = unsafe { parent_of(dentry) };
            // SAFETY: The guard keeps the dentry, which is what this function asks for.
            parent == dentry.as_ptr() && !unsafe { is_adrift(dentry) }
        })
    }

    /// Whether it is below an object of unknown place, which was reached by a file handle, and none
    /// of its names is known either.
    pub(crate) fn is_adrift(&self) -> bool {
        let rcu = rcu::read_lock();
        let Some(mut at) = self.dentry(&rcu) else {
            return false;
        };
        for _ in 0..MAX_STEPS {
            // SAFETY: The section keeps `at`: it was in the tree after it began.
            match NonNull::new(unsafe { parent_of(at) }) {
                Some(parent) if parent != at => at = parent,
                // SAFETY: The section keeps `at`, which was in the tree after it began.
                _ => return unsafe { is_adrift(at) } && !self.has_other_names(&rcu),
            }
        }
        false
    }

    /// Where it is, seen from the directory `top`.
    #[inline]
    pub(crate) fn seen_from(&self, top: InodeKey) -> Position {
        let rcu = rcu::read_lock();
        let still = Still::now();
        let mut position = self.position(&rcu, top);
        if !still.holds() {
            position = self.seen_from_surely(&rcu, top);
        }
        match position {
            Position::Unknown => self.seen_by_other_names(&rcu, top),
            position => position,
        }
    }

    #[cold]
    fn seen_from_surely(&self, rcu: &rcu::Guard, top: InodeKey) -> Position {
        let _frozen = Frozen::new();
        self.position(rcu, top)
    }

    /// As [`Self::seen_from`], by this name, if nothing is renamed meanwhile.
    #[inline]
    fn position(&self, rcu: &rcu::Guard, top: InodeKey) -> Position {
        match self.dentry(rcu) {
            // SAFETY: The section keeps it: it was in the tree after it began.
            Some(at) => unsafe { position_of(rcu, at, top) },
            None => Position::Outside,
        }
    }

    /// Puts the path from `top` to here in front of `text`, with slashes between the components, and
    /// one behind them if there is text already. What it did counts only if the tree is
    /// [`Still`] what it was.
    pub(crate) fn prepend_path<const N: usize>(&self, top: Top, text: &mut Text<N>) -> Path {
        let rcu = rcu::read_lock();
        let Some(at) = self.dentry(&rcu) else {
            return Path::Elsewhere;
        };
        // SAFETY: The section keeps it: it was in the tree after it began.
        match unsafe { prepend_path_of(&rcu, at, top, text) } {
            Path::Adrift => self.prepend_other_path(&rcu, top, text),
            path => path,
        }
    }

    /// Puts its own name in front of `text`; false if there is no room.
    pub(crate) fn prepend_name<const N: usize>(&self, text: &mut Text<N>) -> bool {
        let rcu = rcu::read_lock();
        // SAFETY: The guard keeps the dentry.
        self.dentry(&rcu)
            .is_some_and(|dentry| unsafe { prepend_name(&rcu, dentry, text) })
    }
}

/// How a [`climb`] ended.
pub(super) enum Ended {
    /// Its caller wanted to go no further.
    Stopped,
    /// At this dentry, above which there is nothing.
    AtRoot(NonNull<bindings::dentry>),
    /// More than [`MAX_STEPS`] directories up.
    TooDeep,
}

/// Goes up from `at` and calls `visit` for each dentry on the way, itself included, for as long as that says true.
///
/// # Safety
///
/// The section keeps `at`: it was in the tree after it began. So it keeps all above it, which `visit` may read.
#[inline(always)]
pub(super) unsafe fn climb(
    _rcu: &rcu::Guard,
    mut at: NonNull<bindings::dentry>,
    mut visit: impl FnMut(NonNull<bindings::dentry>) -> bool,
) -> Ended {
    for _ in 0..=MAX_STEPS {
        if !visit(at) {
            return Ended::Stopped;
        }
        // SAFETY: The caller vouches for `at`, and so for all above it.
        match NonNull::new(unsafe { parent_of(at) }) {
            Some(parent) if parent != at => at = parent,
            _ => return Ended::AtRoot(at),
        }
    }
    Ended::TooDeep
}

/// Where a dentry is, seen from the directory `top`, if nothing is renamed meanwhile.
///
/// # Safety
///
/// The section keeps `at`: it was in the tree after it began. So it keeps all above it.
#[inline]
pub(super) unsafe fn position_of(
    _rcu: &rcu::Guard,
    mut at: NonNull<bindings::dentry>,
    top: InodeKey,
) -> Position {
    let mut steps = MAX_STEPS;
    let top = Top::Directory(top);
    // SAFETY: The caller vouches for `at`, here and below.
    if unsafe { top.is(at) } {
        return Position::Top;
    }
    loop {
        // SAFETY: The caller keeps the first `at` for the section, and so all above it.
        let parent = match NonNull::new(unsafe { parent_of(at) }) {
            Some(parent) if parent != at => parent,
            // SAFETY: The caller keeps the first `at` for the section, and so its root, which this
            // is.
            _ => return unsafe { position_of_root(at, top) },
        };
        match steps.checked_sub(1) {
            Some(left) => steps = left,
            None => return Position::Unknown,
        }
        at = parent;
        // SAFETY: The caller keeps the first `at` for the section, and so all above it.
        if unsafe { top.is(at) } {
            return Position::Below;
        }
    }
}

/// Where something is, above which there is nothing and which is not `top`.
///
/// # Safety
///
/// `at` can be read.
#[inline]
unsafe fn position_of_root(at: NonNull<bindings::dentry>, top: Top) -> Position {
    // SAFETY: The caller vouches for it.
    if !unsafe { is_adrift(at) } {
        return Position::Outside;
    }
    // SAFETY: The caller keeps the dentry; a dentry has a superblock, which outlives it and keeps
    // its root.
    match NonNull::new(unsafe { (*(*at.as_ptr()).d_sb).s_root }) {
        // Wherever it is, it is on this file system.
        //
        // SAFETY: The superblock keeps its root for as long as the dentry is there.
        Some(root) if unsafe { top.is(root) } => Position::Below,
        _ => Position::Unknown,
    }
}

/// Whether a dentry above which there is nothing is no root, but was reached by a file handle.
///
/// # Safety
///
/// `at` can be read.
#[inline]
unsafe fn is_adrift(at: NonNull<bindings::dentry>) -> bool {
    // SAFETY: The caller vouches for it.
    !unsafe { Top::FileSystem.is(at) } && unsafe { bindings::wqd_d_disconnected(at.as_ptr()) }
}

/// As [`Spot::prepend_path`], for one dentry.
///
/// # Safety
///
/// As for [`position_of`].
pub(super) unsafe fn prepend_path_of<const N: usize>(
    rcu: &rcu::Guard,
    mut at: NonNull<bindings::dentry>,
    top: Top,
    text: &mut Text<N>,
) -> Path {
    // It ends: each step needs room.
    // SAFETY: The caller vouches for `at`, here and below.
    while !unsafe { top.is(at) } {
        // SAFETY: The caller keeps the first `at` for the section, and so all above it.
        let parent = match NonNull::new(unsafe { parent_of(at) }) {
            Some(parent) if parent != at => parent,
            // SAFETY: The caller keeps the first `at` for the section, and so its root, which this
            // is.
            _ if unsafe { is_adrift(at) } => return Path::Adrift,
            _ => return Path::Elsewhere,
        };
        // SAFETY: The caller keeps the first `at` for the section, and so all above it.
        let fits =
            (text.is_empty() || text.prepend(b"/")) && unsafe { prepend_name(rcu, at, text) };
        if !fits {
            return Path::TooLong;
        }
        at = parent;
    }
    Path::Found
}

/// # Safety
///
/// `dentry` can be read: a reference keeps it, or the RCU section began when it was in the tree.
#[inline]
pub(super) unsafe fn parent_of(dentry: NonNull<bindings::dentry>) -> *mut bindings::dentry {
    // SAFETY: The caller vouches for it.
    let parent = unsafe { &raw mut (*dentry.as_ptr()).d_parent };
    // SAFETY: The caller keeps the dentry, and so its field. A change stores a whole pointer.
    // Acquire: what it leads to was complete before.
    unsafe { Atomic::from_ptr(parent) }.load(Acquire)
}

/// # Safety
///
/// As for [`parent_of`].
#[inline]
pub(super) unsafe fn inode_of(dentry: NonNull<bindings::dentry>) -> *const bindings::inode {
    // SAFETY: The caller vouches for it.
    let inode = unsafe { &raw mut (*dentry.as_ptr()).d_inode };
    // SAFETY: The caller keeps the dentry, and so its field. A change stores a whole pointer.
    unsafe { Atomic::from_ptr(inode) }.load(Acquire)
}

/// Puts the name of `dentry` in front of `text`; false if there is no room, or if it has none.
///
/// # Safety
///
/// As for [`parent_of`].
unsafe fn prepend_name<const N: usize>(
    _rcu: &rcu::Guard,
    dentry: NonNull<bindings::dentry>,
    text: &mut Text<N>,
) -> bool {
    let raw = dentry.as_ptr();
    // SAFETY: The caller vouches for it.
    if unsafe { parent_of(dentry) } == raw {
        // What it has is no name.
        return false;
    }
    loop {
        // SAFETY: The caller vouches for it.
        let seq = unsafe { bindings::wqd_d_seq_begin(raw) };
        // SAFETY: The caller keeps the dentry. All members of the union are the same field.
        let name = unsafe { &raw const (*raw).__bindgen_anon_1.d_name };
        // SAFETY: The caller keeps the dentry. The field may change meanwhile, so it is read as it
        // is, once.
        let bytes = unsafe { (&raw const (*name).name).read_volatile() };
        // SAFETY: The caller keeps the dentry. Both members of the union are plain numbers over the
        // same bytes.
        let len =
            unsafe { (&raw const (*name).__bindgen_anon_1.__bindgen_anon_1.len).read_volatile() }
                as usize;
        // SAFETY: The caller keeps the dentry, which this place is in.
        let short = unsafe { &raw const (*raw).d_shortname };
        if ptr::eq(bytes, short.cast()) {
            // SAFETY: The short name is in the dentry, which the caller keeps: whole words, of
            // which any mixture is harmless.
            let words = unsafe { short.cast::<ShortName>().read_volatile() };
            // SAFETY: The caller vouches for it.
            if unsafe { bindings::wqd_d_seq_changed(raw, seq) } {
                continue;
            }
            return words.as_bytes().get(..len).is_some_and(|n| text.prepend(n));
        }
        // SAFETY: The caller vouches for it.
        if unsafe { bindings::wqd_d_seq_changed(raw, seq) } {
            continue;
        }
        // SAFETY: Pointer and length belong together, because the dentry did not change between; a
        // name outside a dentry never changes and is freed by RCU.
        return text.prepend(unsafe { core::slice::from_raw_parts(bytes, len) });
    }
}

/// The words of a name inside a dentry.
type ShortName = [usize; size_of::<bindings::shortname_store>() / size_of::<usize>()];

/// What came of [`Spot::prepend_path`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// The path.
    Found,
    /// Not all of the path, for want of room.
    TooLong,
    /// Something: the place is not below the top.
    Elsewhere,
    /// Nothing: the place is not known.
    Adrift,
}
