// SPDX-License-Identifier: GPL-2.0

//! A first-in first-out list of [`Arc`]s, linked through the shared values themselves.
//!
//! Nothing is allocated, so it can be used where nothing may be. The link knows whether its value
//! is in a list already: a second push is refused, so all functions are safe. Used by
//! `crate::queue` for watches whose last record waits for room.

use crate::rust::prelude::*;
use core::ptr;

/// A value that can be in one [`ArcFifo`] at a time.
pub(crate) trait FifoItem: Sized {
    /// The value's link. Always the same one.
    fn fifo_link(&self) -> &FifoLink<Self>;
}

/// The link of a value.
///
/// # Invariants
///
/// Null: in no list. [`end()`]: the last of a list. Otherwise a pointer that `Arc::into_raw` gave.
pub(crate) struct FifoLink<T>(Atomic<*mut T>);

impl<T> FifoLink<T> {
    /// A link that is in no list.
    pub(crate) const fn new() -> Self {
        // INVARIANT: Null.
        Self(Atomic::new(ptr::null_mut()))
    }
}

/// Marks the last item; no value lives there.
fn end<T>() -> *mut T {
    ptr::without_provenance_mut(1)
}

/// A first-in first-out list. Dropping it drops what is in it.
///
/// # Invariants
///
/// `first` and `last` are both null, or the ends of a chain of pointers that `Arc::into_raw` gave,
/// each linked to the next and the last to [`end()`]; the list owns their references.
pub(crate) struct ArcFifo<T: FifoItem> {
    first: *mut T,
    last: *mut T,
}

// SAFETY: The list owns references that may be sent and shared.
unsafe impl<T: FifoItem + Send + Sync> Send for ArcFifo<T> {}
// SAFETY: Through a shared list only shared items can be reached.
unsafe impl<T: FifoItem + Send + Sync> Sync for ArcFifo<T> {}

impl<T: FifoItem> ArcFifo<T> {
    /// An empty list.
    pub(crate) const fn new() -> Self {
        // INVARIANT: Both null.
        Self {
            first: ptr::null_mut(),
            last: ptr::null_mut(),
        }
    }

    /// Whether nothing is in it.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    /// The item that was pushed first.
    pub(crate) fn first(&self) -> Option<&T> {
        // SAFETY: By the type invariants, null or a value that the list owns a reference of.
        unsafe { self.first.as_ref() }
    }

    /// Adds an item at the end; gives it back when it is in a list already.
    pub(crate) fn push(&mut self, item: Arc<T>) -> Result<(), Arc<T>> {
        if item
            .fifo_link()
            .0
            .cmpxchg(ptr::null_mut(), end(), Full)
            .is_err()
        {
            return Err(item);
        }
        let item = Arc::into_raw(item).cast_mut();
        // SAFETY: By the type invariants, null or a value that the list owns a reference of.
        match unsafe { self.last.as_ref() } {
            Some(last) => last.fifo_link().0.store(item, Release),
            None => self.first = item,
        }
        // INVARIANT: `item` is linked to `end()` and was linked in behind the previous last one.
        self.last = item;
        Ok(())
    }

    /// Takes the item that was pushed first.
    pub(crate) fn pop(&mut self) -> Option<Arc<T>> {
        let item = NonNull::new(self.first)?;
        // SAFETY: By the type invariants, `Arc::into_raw` gave the pointer, and the list, which
        // owns the reference, forgets it below.
        let item = unsafe { Arc::from_raw(item.as_ptr().cast_const()) };
        let next = item.fifo_link().0.load(Acquire);
        if next == end() {
            self.last = ptr::null_mut();
        }
        // INVARIANT: The chain begins at the next item, or is empty.
        self.first = if next == end() { ptr::null_mut() } else { next };
        item.fifo_link().0.store(ptr::null_mut(), Relaxed);
        Some(item)
    }
}

impl<T: FifoItem> Drop for ArcFifo<T> {
    fn drop(&mut self) {
        while let Some(item) = self.pop() {
            drop(item);
        }
    }
}
