// SPDX-License-Identifier: GPL-2.0

//! A lock-free stack of items for a reaper.
//!
//! Any context may push; one consumer takes all at once, so there is no pop and no ABA. The link is
//! a field of its own in each item, which no walk reads: nothing that a reader can reach is
//! overwritten while the item waits for its grace period.

use crate::rust::prelude::*;
use core::ptr;

/// An item that can be chained.
pub(crate) trait Linked: Sized {
    /// The link; only the stack that holds the item touches it.
    fn link(&self) -> &Atomic<*mut Self>;
}

/// # Invariants
///
/// Every pointer in the chain was given to [`Stack::push`] and not yet returned by
/// [`Chain::next`].
pub(crate) struct Stack<T: Linked> {
    head: Atomic<*mut T>,
}

impl<T: Linked> Stack<T> {
    pub(crate) const fn new() -> Self {
        Self {
            head: Atomic::new(ptr::null_mut()),
        }
    }

    /// Chains `item`; true when the stack was empty before. Any context.
    ///
    /// # Safety
    ///
    /// `item` stays valid until it was taken, is in no other chain, and nothing else uses its link.
    pub(crate) unsafe fn push(&self, item: NonNull<T>) -> bool {
        // SAFETY: The caller keeps `item` valid.
        let link = unsafe { item.as_ref() }.link();
        let mut old = self.head.load(Relaxed);
        loop {
            link.store(old, Relaxed);
            // Release: the link and everything the pusher did to the item come first.
            match self.head.cmpxchg(old, item.as_ptr(), Release) {
                Ok(_) => return old.is_null(),
                Err(current) => old = current,
            }
        }
    }

    /// Takes everything that was pushed so far, the last first.
    pub(crate) fn take(&self) -> Chain<T> {
        Chain(self.head.xchg(ptr::null_mut(), Acquire))
    }
}

/// What [`Stack::take`] took.
pub(crate) struct Chain<T: Linked>(*mut T);

impl<T: Linked> Chain<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_null()
    }

    /// The next item, which is the caller's from now on.
    pub(crate) fn next(&mut self) -> Option<NonNull<T>> {
        let item = NonNull::new(self.0)?;
        // SAFETY: By the type invariants of the stack it came from, the item is valid, and it was
        // not handed out yet.
        self.0 = unsafe { item.as_ref() }.link().load(Relaxed);
        Some(item)
    }
}
