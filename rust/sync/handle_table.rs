// SPDX-License-Identifier: GPL-2.0

//! A table of values by handle.
//!
//! An xarray: about nine bytes for each entry when the handles are dense, and look-up in a few
//! steps. The `kernel` crate's `XArray` locks by itself, cannot insert without replacing and cannot
//! be walked; here the caller has a lock of its own, which shows in `&self` and `&mut self`.
//!
//! Used by `mark/group.rs` for the watches of a group, under the group's mutex.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use core::marker::PhantomData;
use kernel::{
    error::to_result,
    types::{
        ForeignOwnable,
        Opaque, //
    }, //
};

/// A table that owns pointers of type `P` (as `Arc<T>` or `KBox<T>`) by a 64-bit handle.
///
/// Process context.
///
/// # Invariants
///
/// - The xarray, if there is one, is initialised and never moves.
/// - Each of its entries is a `P`, made by `into_foreign()`.
///
/// # Examples
///
/// ```ignore
/// let mut table = HandleTable::<Arc<u32>>::new();
/// table.insert(7, Arc::new(1, GFP_KERNEL)?)?;
/// assert!(table.get(7).is_some());
/// ```
pub(crate) struct HandleTable<P: ForeignOwnable> {
    // Made with the first entry; boxed, because its nodes point back to it.
    xa: Option<KBox<Opaque<bindings::xarray>>>,
    _entries: PhantomData<P>,
}

// SAFETY: The table owns its entries and has no ties to a thread.
unsafe impl<P: ForeignOwnable + Send> Send for HandleTable<P> {}
// SAFETY: `&self` only gives out borrows of the entries.
unsafe impl<P: ForeignOwnable + Sync> Sync for HandleTable<P> {}

impl<P: ForeignOwnable> HandleTable<P> {
    /// An empty table.
    pub(crate) const fn new() -> Self {
        Self {
            xa: None,
            _entries: PhantomData,
        }
    }

    /// The xarray for reading, and `handle` as an index into it.
    fn lookup(&self, handle: u64) -> Option<(*mut bindings::xarray, usize)> {
        Some((self.xa.as_ref()?.get(), usize::try_from(handle).ok()?))
    }

    /// The xarray, made if need be.
    fn make(&mut self) -> Result<*mut bindings::xarray> {
        if let Some(xa) = &self.xa {
            return Ok(xa.get());
        }

        let xa = KBox::new(Opaque::uninit(), GFP_KERNEL_ACCOUNT)?;
        // INVARIANT: Initialised and empty.
        //
        // SAFETY: It is valid for writing, and nothing else has it yet.
        unsafe { bindings::xa_init_flags(xa.get(), bindings::XA_FLAGS_ACCOUNT) };

        Ok(self.xa.insert(xa).get())
    }

    /// Enters `value`. `EBUSY` if the handle is in use, `ENOMEM`; then the value is dropped.
    ///
    /// Allocates; under a [`NofsGuard`] it does not enter file systems.
    ///
    /// [`NofsGuard`]: crate::rust::mm::nofs::NofsGuard
    pub(crate) fn insert(&mut self, handle: u64, value: P) -> Result {
        const { assert!(P::FOREIGN_ALIGN >= 4, "an xarray needs the two low bits") };

        let index = usize::try_from(handle).map_err(|_| EOVERFLOW)?;
        let xa = self.make()?;
        let entry = value.into_foreign();

        // INVARIANT: The entry came from `into_foreign()`.
        //
        // SAFETY: The xarray is initialised; the entry is aligned.
        let ret = unsafe { bindings::wqd_xa_insert(xa, index, entry, bindings::GFP_KERNEL) };

        to_result(ret).inspect_err(|_| {
            // SAFETY: The entry came from `into_foreign()` and was not inserted.
            drop(unsafe { P::from_foreign(entry) });
        })
    }

    /// The value with this handle.
    pub(crate) fn get(&self, handle: u64) -> Option<P::Borrowed<'_>> {
        let (xa, index) = self.lookup(handle)?;

        // SAFETY: By the type invariant it is initialised.
        let entry = unsafe { bindings::xa_load(xa, index) };

        // SAFETY: By the type invariant the entry, if there is one, came from `into_foreign()`, and
        // it cannot be removed as long as `self` is borrowed.
        (!entry.is_null()).then(|| unsafe { P::borrow(entry) })
    }

    /// The first value with a handle not below `handle`, and its handle.
    pub(crate) fn next(&self, handle: u64) -> Option<(u64, P::Borrowed<'_>)> {
        let (xa, mut index) = self.lookup(handle)?;

        // SAFETY: By the type invariant it is initialised.
        let entry = unsafe { bindings::xa_find(xa, &mut index, usize::MAX, bindings::XA_PRESENT) };

        (!entry.is_null()).then(|| {
            // SAFETY: By the type invariant the entry came from `into_foreign()`, and it cannot be
            // removed as long as `self` is borrowed.
            let value = unsafe { P::borrow(entry) };
            (index as u64, value)
        })
    }

    /// Takes the value with this handle out.
    pub(crate) fn remove(&mut self, handle: u64) -> Option<P> {
        let (xa, index) = self.lookup(handle)?;

        // SAFETY: By the type invariant it is initialised.
        let entry = unsafe { bindings::xa_erase(xa, index) };

        // SAFETY: By the type invariant the entry, if there is one, came from `into_foreign()`; it
        // has left the table, and nothing borrows it, because `self` is borrowed mutably.
        unsafe { P::try_from_foreign(entry) }
    }
}

impl<P: ForeignOwnable> Drop for HandleTable<P> {
    fn drop(&mut self) {
        let mut from = 0;
        while let Some(handle) = self.next(from).map(|(handle, _)| handle) {
            drop(self.remove(handle));
            from = handle;
        }

        if let Some(xa) = &self.xa {
            // SAFETY: By the type invariant it is initialised; it is empty now.
            unsafe { bindings::xa_destroy(xa.get()) };
        }
    }
}

#[kunit_tests(watch_queue_handle_table)]
mod tests {
    use super::*;
    use kernel::sync::Arc;

    #[test]
    fn walks_in_order() -> Result {
        let mut table = HandleTable::<KBox<u64>>::new();
        assert!(table.next(0).is_none());
        for handle in [700, 3, u64::MAX, 64, 65] {
            table.insert(handle, KBox::new(handle, GFP_KERNEL)?)?;
        }

        let mut seen = KVec::new();
        let mut from = 0;
        while let Some(handle) = table.next(from).map(|(handle, _)| handle) {
            seen.push(handle, GFP_KERNEL)?;
            let Some(next) = handle.checked_add(1) else {
                break;
            };
            from = next;
        }

        assert!(seen[..] == [3, 64, 65, 700, u64::MAX]);
        assert_eq!(table.get(65), Some(&65));
        assert!(table.get(66).is_none());
        Ok(())
    }

    #[test]
    fn a_handle_in_use_is_refused() -> Result {
        let mut table = HandleTable::<KBox<u32>>::new();
        table.insert(5, KBox::new(1, GFP_KERNEL)?)?;

        let failed = table.insert(5, KBox::new(2, GFP_KERNEL)?);
        assert!(failed == Err(EBUSY));
        assert_eq!(table.remove(5).map(|value| *value), Some(1));
        assert!(table.remove(5).is_none());
        Ok(())
    }

    #[test]
    fn drop_drops_the_entries() -> Result {
        let value = Arc::new(0u8, GFP_KERNEL)?;
        let mut table = HandleTable::<Arc<u8>>::new();
        for handle in [0, 1, 1 << 40] {
            table.insert(handle, value.clone())?;
        }

        drop(table);
        assert!(Arc::into_unique_or_drop(value).is_some());
        Ok(())
    }
}
