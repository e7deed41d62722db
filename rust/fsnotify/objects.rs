// SPDX-License-Identifier: GPL-2.0

//! The objects of an event on which a backend has a mark.
//!
//! fsnotify gives each callback the marks of one group, at most one for each kind of object: the inode,
//! its directory, the mount, the superblock. Here they are the objects that the marks are in. Used by
//! [`crate::rust::fsnotify::backend`] and by `crate::source::fs`.
//!
//! C header: [`include/linux/fsnotify_backend.h`](srctree/include/linux/fsnotify_backend.h)

use super::{
    backend::{
        Backend,
        Group, //
    },
    mark::HasKernelMark, //
};
use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    fs::above::{
        Marks,
        Reading, //
    },
};
use core::marker::PhantomData;

/// The objects that a backend has on what an event happened to.
///
/// # Invariants
///
/// It is the iterator of a call of `handle_event` for a group of `B`, which lasts for `'a`.
pub(crate) struct Objects<'a, B: Backend>(&'a bindings::fsnotify_iter_info, PhantomData<B>);

impl<B: Backend> Clone for Objects<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: Backend> Copy for Objects<'_, B> {}

impl<'a, B: Backend> Objects<'a, B> {
    /// # Safety
    ///
    /// The iterator is that of a call of `handle_event` for a group of `B`, which lasts for `'a`.
    #[inline(always)]
    pub(in crate::rust) unsafe fn new(iter: &'a bindings::fsnotify_iter_info) -> Self {
        // INVARIANT: The caller vouches for it.
        Self(iter, PhantomData)
    }

    /// The object of this kind, one of the numbers in [`on`](crate::rust::fsnotify::place::on).
    #[inline]
    pub(crate) fn get(&self, kind: usize) -> Option<&'a B::Object> {
        if self.0.report_mask & (1 << kind) == 0 {
            return None;
        }
        let mark = NonNull::new(*self.0.marks.get(kind)?)?;
        // SAFETY: By the type invariants, a mark that is reported is of a group of `B`, so it is in
        // an object of it.
        let object = unsafe { B::Object::object(mark) };
        // SAFETY: fsnotify's SRCU keeps it for the call.
        Some(unsafe { object.as_ref() })
    }

    /// The section in which fsnotify calls us: it lasts for as long as the call.
    #[inline(always)]
    pub(crate) fn reading(&self) -> Reading<'a> {
        // SAFETY: By the type invariants, and fsnotify calls `handle_event` inside its section; a backend
        // that leaves it has no `Objects` meanwhile.
        unsafe { Reading::new() }
    }

    /// The object that `group` has among these marks.
    pub(crate) fn among(&self, marks: Marks<'a>, group: &Group<B>) -> Option<&'a B::Object> {
        // SAFETY: fsnotify's section, in which they were found, keeps them for `'a`, and the group is valid.
        let mark = unsafe { bindings::wqd_fsnotify_mark_of(marks.as_ptr(), group.as_ptr()) };
        let mark = NonNull::new(mark)?;
        // SAFETY: All marks of the group are in objects of `B`.
        let object = unsafe { B::Object::object(mark) };
        // SAFETY: The section keeps the mark for `'a`, and so the object.
        Some(unsafe { object.as_ref() })
    }

    /// The object of this kind, if it is the only one.
    #[inline(always)]
    pub(crate) fn alone(&self, kind: usize) -> Option<&'a B::Object> {
        match self.0.report_mask == 1 << kind {
            true => self.get(kind),
            false => None,
        }
    }
}
