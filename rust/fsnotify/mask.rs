// SPDX-License-Identifier: GPL-2.0

//! What the kernel calls a backend for: the mask of a mark, and how it is changed.
//!
//! When a directory gets its first mark that wants to hear of children, fsnotify goes through all of
//! them. How long that takes depends on how full the directory is, and the lock of the group is
//! taken by every ADD_WATCH, by unlink(2) of a watched file, by umount(2) and by memory reclaim. So
//! this module does nothing under that lock that could have to tell children: a mask becomes wider
//! under a lock of its own mark, with the inode held in another way. Used by `crate::source::fs`.
//!
//! Lock order: the mark's own lock, then the group's.
//!
//! C header: [`include/linux/fsnotify_backend.h`](srctree/include/linux/fsnotify_backend.h)

use super::{
    backend::{
        Backend,
        Group,
        PIN, //
    },
    mark::HasKernelMark, //
};
use crate::rust::bindings;
use crate::rust::prelude::*;
use kernel::types::NotThreadSafe;

/// What the kernel calls a backend for because of an object's mark. Any context.
#[inline]
pub(crate) fn mask_of(object: &impl HasKernelMark) -> u32 {
    // SAFETY: The object is valid, so its mark is.
    let mask = unsafe { &raw const (*object.kernel_mark().mark.get()).mask };
    // SAFETY: The object is valid, so its mark's field is. A change stores a whole word.
    unsafe { mask.read_volatile() }
}

impl<B: Backend> Group<B> {
    /// What a mark for `place` may want from the start, if it is to want `mask` in the end: all of it,
    /// unless it is on a directory. Its children would be told under the group's lock.
    pub(super) fn first_mask(is_dir: bool, mask: u32) -> u32 {
        if is_dir {
            mask & PIN
        } else {
            mask
        }
    }

    /// Changes what the kernel calls us for to what `wanted` says, if the mark is still attached. Of
    /// several calls for one object `wanted` is called one after the other, so the last caller's view
    /// wins (the union is computed and applied under one lock). Sleeps, for others of this object
    /// perhaps as long as it takes to tell all children; tasks that wait for the group do not.
    ///
    /// It walks the children only when the directory had no mark that watches them and now has one,
    /// and nothing is recalculated when the mask stays the same (a second watch on a directory does
    /// not walk its children). The caller holds the object in a way that keeps its file system from
    /// being unmounted, or nothing is to become wider; see [`Self::narrow`].
    pub(crate) fn update_mask(&self, object: &B::Object, wanted: impl FnOnce() -> u32) {
        let _own = object.kernel_mark().state.lock();
        let lock = self.lock();
        if !Self::is_attached(object) {
            return;
        }
        let old = mask_of(object);
        // Once in memory, it stays there until the mark goes: fsnotify cannot let go of it earlier.
        let new = wanted() | old & PIN;
        if new & !old & PIN != 0 {
            // SAFETY: The mark is valid. fsnotify takes the reference when it recalculates, which the
            // change of the mask below makes it do.
            unsafe { bindings::wqd_fsnotify_mark_clear_no_iref(object.kernel_mark().mark.get()) };
        }
        if new & !old == 0 || !lock.is_on_dir(object) {
            return Self::modify(object, old, new);
        }
        // Children may have to be told. The inode is what fsnotify's walk needs; the rest of what it
        // looks at is kept by the mark, in its list even when it is detached meanwhile.
        if let Some(_inode) = lock.inode(object) {
            drop(lock);
            Self::modify(object, old, new);
        }
    }

    /// As [`Self::update_mask`], for callers with nothing but the object: what `wanted` says beside
    /// what the kernel calls us for already is left to the callers that want it.
    pub(crate) fn narrow(&self, object: &B::Object, wanted: impl FnOnce() -> u32) {
        let _own = object.kernel_mark().state.lock();
        let _lock = self.lock();
        if !Self::is_attached(object) {
            return;
        }
        let old = mask_of(object);
        Self::modify(object, old, old & (wanted() | PIN));
    }

    /// The caller has the mark's own lock and that of the group, or the inode; the mark was attached.
    fn modify(object: &B::Object, old: u32, new: u32) {
        if new != old {
            let mark = object.kernel_mark().mark.get();
            // SAFETY: The object keeps the mark. What the mark is on does not go while the group is locked
            // or the inode is held: fsnotify detaches the mark before, with the group locked.
            unsafe { bindings::fsnotify_modify_mark_mask(mark, new & !old, old & !new) };
        }
    }

    /// Whether the mark keeps its inode in memory.
    pub(crate) fn pins(&self, object: &B::Object) -> bool {
        // The flag is only ever cleared.
        Self::flags(object) & bindings::FSNOTIFY_MARK_FLAG_NO_IREF == 0
    }

    /// Whether the mark is on something; it changes under the group's lock.
    fn is_attached(object: &B::Object) -> bool {
        Self::flags(object) & bindings::FSNOTIFY_MARK_FLAG_ATTACHED != 0
    }

    /// The flags of a mark. Those that say how it is attached change under the group's lock, others
    /// at any time.
    fn flags(object: &B::Object) -> c_uint {
        // SAFETY: The object is valid, so its mark is.
        let flags = unsafe { &raw const (*object.kernel_mark().mark.get()).flags };
        // SAFETY: The object is valid, so its mark's field is. The kernel stores whole words there.
        unsafe { flags.read_volatile() }
    }

    fn lock(&self) -> GroupLock<'_, B> {
        // SAFETY: The group is valid.
        unsafe { bindings::wqd_fsnotify_group_lock(self.as_ptr()) };
        GroupLock(self, NotThreadSafe)
    }
}

/// The kernel's group lock, held.
struct GroupLock<'a, B: Backend>(&'a Group<B>, NotThreadSafe);

impl<B: Backend> GroupLock<'_, B> {
    /// Whether the mark, which is attached, is on a directory.
    fn is_on_dir(&self, object: &B::Object) -> bool {
        // SAFETY: The group is locked and the mark attached.
        unsafe { bindings::wqd_fsnotify_mark_on_dir(object.kernel_mark().mark.get()) }
    }

    /// The inode that the mark is on, which is attached to one; `None` if that is on its way out.
    fn inode(&self, object: &B::Object) -> Option<HeldInode> {
        // SAFETY: The group is locked and the mark attached.
        let inode = unsafe { bindings::wqd_fsnotify_mark_igrab(object.kernel_mark().mark.get()) };
        // INVARIANT: The reference is ours.
        NonNull::new(inode).map(HeldInode)
    }
}

impl<B: Backend> Drop for GroupLock<'_, B> {
    fn drop(&mut self) {
        // SAFETY: This value stands for the lock.
        unsafe { bindings::wqd_fsnotify_group_unlock(self.0.as_ptr()) };
    }
}

/// A reference to an inode. To be dropped before the caller lets go of what keeps its file system.
///
/// # Invariants
///
/// The inode is valid, and one of its references is ours.
struct HeldInode(NonNull<bindings::inode>);

impl Drop for HeldInode {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::wqd_iput(self.0.as_ptr()) };
    }
}
