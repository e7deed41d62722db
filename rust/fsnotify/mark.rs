// SPDX-License-Identifier: GPL-2.0

//! An fsnotify mark that is a field of the object it leads to.
//!
//! Object and mark are one allocation with one lifetime; where the mark is in the object is known to
//! the type, so that the way from one to the other needs no `unsafe` above this layer. Used by
//! [`crate::rust::fsnotify::backend`] and by `crate::source::fs`.

use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    sync::{
        bit_lock::BitLock,
        stack::Linked, //
    },
};
use core::{
    mem::offset_of,
    ptr::{self}, //
};
use kernel::types::Opaque;

/// An fsnotify mark inside an object of ours.
///
/// # Invariants
///
/// - In every object that [`Group::alloc`](crate::rust::fsnotify::backend::Group::alloc) returned, `mark` is an
///   initialised mark.
/// - The flag of `state` says that one of its references was given up by
///   [`MarkHold::keep`](crate::rust::fsnotify::backend::MarkHold::keep).
/// - The mask of `mark` is changed under the lock of `state` only, once the mark was added.
pub(crate) struct KernelMark<O> {
    pub(in crate::rust) mark: Opaque<bindings::fsnotify_mark>,
    pub(in crate::rust) link: Atomic<*mut O>,
    pub(in crate::rust) state: BitLock,
}

// SAFETY: fsnotify allows marks to be used by any thread.
unsafe impl<O> Send for KernelMark<O> {}
// SAFETY: fsnotify allows marks to be used by several threads at once: their own locks serialise.
unsafe impl<O> Sync for KernelMark<O> {}

impl<O> KernelMark<O> {
    /// Where [`Group::alloc`](crate::rust::fsnotify::backend::Group::alloc) will make a mark.
    pub(crate) fn uninit() -> Self {
        // INVARIANT: No reference was given up.
        Self {
            mark: Opaque::uninit(),
            link: Atomic::new(ptr::null_mut()),
            state: BitLock::new(),
        }
    }
}

/// An object with a [`KernelMark`] in it; implemented by [`impl_has_kernel_mark!`].
///
/// # Safety
///
/// The [`KernelMark`] is at `OFFSET` in `Self`.
pub(crate) unsafe trait HasKernelMark: Sized + Send + Sync + 'static {
    /// Where the mark is.
    const OFFSET: usize;

    /// The kernel mark of an object.
    fn kernel_mark(&self) -> &KernelMark<Self> {
        let at = ptr::from_ref(self).cast::<u8>().wrapping_add(Self::OFFSET);
        // SAFETY: By the trait's contract there is one, inside `self`.
        unsafe { &*at.cast() }
    }

    /// The object of a mark.
    ///
    /// # Safety
    ///
    /// The mark is the one in a `Self`.
    #[inline]
    unsafe fn object(mark: NonNull<bindings::fsnotify_mark>) -> NonNull<Self> {
        let offset = Self::OFFSET.wrapping_add(offset_of!(KernelMark<Self>, mark));
        // SAFETY: By the caller's promise and the trait's contract, `Self` begins there.
        unsafe { mark.cast::<u8>().sub(offset) }.cast()
    }
}

/// Implements [`HasKernelMark`] for a type whose mark is the named field.
macro_rules! impl_has_kernel_mark {
    ($self:ty, $($field:tt).+) => {
        // SAFETY: `offset_of!` says where the field is, and the closure makes sure of its type.
        unsafe impl $crate::rust::fsnotify::mark::HasKernelMark for $self {
            const OFFSET: usize = {
                let _: fn(&Self) -> &$crate::rust::fsnotify::mark::KernelMark<Self> =
                    |this| &this.$($field).+;
                ::core::mem::offset_of!(Self, $($field).+)
            };
        }
    };
}
pub(crate) use impl_has_kernel_mark;

impl<O: HasKernelMark> Linked for O {
    fn link(&self) -> &Atomic<*mut O> {
        &self.kernel_mark().link
    }
}
