// SPDX-License-Identifier: GPL-2.0

//! Leaving fsnotify's read section in the middle of an event, to wait for user space.
//!
//! fsnotify calls its backends inside one SRCU section of the whole system. A task that slept there
//! until a program answers would hold up the end of every mark, and with it close(), umount() and
//! unlink() of unrelated tasks. So the section is left, with the marks that fsnotify goes on from
//! held, and entered again. Used by [`crate::rust::fsnotify::backend`] and by `crate::source::fs`.
//!
//! C header: [`include/linux/fsnotify_backend.h`](srctree/include/linux/fsnotify_backend.h)

use super::{
    backend::Backend,
    objects::Objects,
    user_waits::UserWaits, //
};
use crate::rust::bindings;
use crate::rust::prelude::*;
use core::{
    marker::PhantomData,
    ptr::{self}, //
};
use kernel::types::NotThreadSafe;

/// The section in which a backend is asked for permission.
///
/// # Invariants
///
/// `iter` is the iterator of a call of `handle_event` for a group of `B`, which lasts for `'a`. The
/// task is inside fsnotify's section, except during [`Self::leave`].
pub(crate) struct Section<'a, B: Backend> {
    iter: NonNull<bindings::fsnotify_iter_info>,
    _call: PhantomData<(&'a mut bindings::fsnotify_iter_info, B)>,
    _not_send: NotThreadSafe,
}

impl<B: Backend> Section<'_, B> {
    /// # Safety
    ///
    /// The caller is such a call of `handle_event`, which outlives the value and does not use `iter`
    /// in another way meanwhile.
    pub(in crate::rust) unsafe fn new(iter: NonNull<bindings::fsnotify_iter_info>) -> Self {
        // INVARIANT: The caller vouches for it; fsnotify calls `handle_event` inside its section.
        Self {
            iter,
            _call: PhantomData,
            _not_send: NotThreadSafe,
        }
    }

    /// The objects that the backend has on what it is asked about; none any more after
    /// [`Self::leave`].
    pub(crate) fn objects(&self) -> Objects<'_, B> {
        // SAFETY: By the type invariants; the only method that changes it needs `&mut self`.
        unsafe { Objects::new(self.iter.as_ref()) }
    }

    /// Runs `f` outside the section; it may sleep as long as user space likes. `None`: the section
    /// could not be left.
    ///
    /// What the section kept is gone afterwards, unless the caller keeps it itself; among that has
    /// to be something that keeps an object of the backend, and with it the module, until this has
    /// returned.
    pub(crate) fn leave<R>(&mut self, waits: &UserWaits, f: impl FnOnce() -> R) -> Option<R> {
        let iter = self.iter.as_ptr();
        // Whatever of the group's marks is on its way out is not asked for any more, but that must
        // not keep other watches on other objects from being asked: as long as the iterator has no
        // group, fsnotify steps over every mark that it cannot hold, instead of giving up.
        //
        // SAFETY: By the type invariants the iterator is ours for the call.
        let group = unsafe { ptr::replace(&raw mut (*iter).current_group, ptr::null_mut()) };
        // SAFETY: By the type invariants the iterator is ours for the call, and the task is inside
        // the section.
        let left = unsafe { waits.prepare(iter) };
        // SAFETY: By the type invariants the iterator is ours for the call. fsnotify goes on behind
        // this group.
        unsafe { (*iter).current_group = group };
        if !left {
            return None;
        }
        // What the iterator stands on now may belong to others.
        // SAFETY: By the type invariants the iterator is ours for the call; fsnotify computes the
        // field anew for each group.
        unsafe { (*iter).report_mask = 0 };
        let result = f();
        // SAFETY: The section was left above.
        unsafe { waits.finish(iter) };
        Some(result)
    }
}
