// SPDX-License-Identifier: GPL-2.0

//! A map from numbers to pointers that any context may read.
//!
//! An xarray whose entries are changed one by one, by compare and exchange, so that no lock is seen
//! from outside; a look-up takes none. It owns nothing: what a pointer leads to, and for how long, is
//! the user's affair. The `kernel` crate's `XArray` owns its entries and locks for each look-up.
//!
//! Used by `mark/slot.rs` for the lists of an object by id.
//!
//! Lock order: the xarray's spinlock is taken in process context and is a leaf lock.
//!
//! C header: [`include/linux/xarray.h`](srctree/include/linux/xarray.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use core::{
    marker::PhantomData,
    ptr::{self}, //
};
use kernel::{
    error::to_result,
    types::Opaque, //
};

/// A map from numbers to pointers to `T`.
///
/// # Invariants
///
/// The xarray is initialised; each of its entries is a pointer that was given to [`Self::insert`].
///
/// # Examples
///
/// ```ignore
/// let map = KBox::pin_init(PointerMap::<u64>::new(), GFP_KERNEL)?;
/// let value = KBox::new(7, GFP_KERNEL)?;
/// assert!(map.insert(3, NonNull::from(&*value))?);
/// assert_eq!(map.get(3), Some(NonNull::from(&*value)));
/// ```
#[pin_data(PinnedDrop)]
pub(crate) struct PointerMap<T> {
    #[pin]
    xa: Opaque<bindings::xarray>,
    _pointers: PhantomData<*mut T>,
}

// SAFETY: The map hands out pointers as they are; each function takes the xarray's lock or needs none.
unsafe impl<T> Send for PointerMap<T> {}
// SAFETY: Nothing is reached through the pointers here.
unsafe impl<T> Sync for PointerMap<T> {}

impl<T> PointerMap<T> {
    /// An empty map.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            xa <- Opaque::ffi_init(|xa| {
                // INVARIANT: Initialised and empty.
                //
                // SAFETY: The memory is there and is not used by anything else yet.
                unsafe { bindings::xa_init_flags(xa, bindings::XA_FLAGS_ACCOUNT) }
            }),
            _pointers: PhantomData,
        })
    }

    /// The pointer with this number. Any context but NMI.
    #[inline]
    pub(crate) fn get(&self, number: usize) -> Option<NonNull<T>> {
        // SAFETY: By the type invariants it is initialised; it takes RCU's read lock by itself.
        let entry = unsafe { bindings::xa_load(self.xa.get(), number) };
        NonNull::new(entry.cast())
    }

    /// The first pointer whose number is not below `number`, and its number. Any context but NMI.
    pub(crate) fn next(&self, number: usize) -> Option<(usize, NonNull<T>)> {
        let mut found = number;
        // SAFETY: By the type invariants it is initialised; it takes RCU's read lock by itself.
        let entry = unsafe {
            bindings::xa_find(self.xa.get(), &mut found, usize::MAX, bindings::XA_PRESENT)
        };
        Some((found, NonNull::new(entry.cast())?))
    }

    /// Enters a pointer; false when there is one with this number. ENOMEM. Process context; may sleep.
    pub(crate) fn insert(&self, number: usize, pointer: NonNull<T>) -> Result<bool> {
        const { assert!(align_of::<T>() >= 4, "an xarray needs the two low bits") };

        // INVARIANT: The entry is the pointer.
        //
        // SAFETY: By the type invariants it is initialised; the pointer is aligned.
        let ret = unsafe {
            bindings::wqd_xa_insert(
                self.xa.get(),
                number,
                pointer.as_ptr().cast(),
                bindings::GFP_KERNEL,
            )
        };
        match to_result(ret) {
            Ok(()) => Ok(true),
            Err(error) if error == EBUSY => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes `pointer` out if it is what has this number. Process context.
    pub(crate) fn remove(&self, number: usize, pointer: NonNull<T>) {
        // SAFETY: By the type invariants it is initialised. Nothing is allocated to empty an entry.
        unsafe {
            bindings::wqd_xa_cmpxchg(
                self.xa.get(),
                number,
                pointer.as_ptr().cast(),
                ptr::null_mut(),
                0,
            )
        };
    }
}

#[pinned_drop]
impl<T> PinnedDrop for PointerMap<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants it is initialised; it is not used any more.
        unsafe { bindings::xa_destroy(self.xa.get()) };
    }
}

#[kunit_tests(watch_queue_pointer_map)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_is_taken_out() -> Result {
        let map = KBox::pin_init(PointerMap::<u64>::new(), GFP_KERNEL)?;
        let (one, two) = (KBox::new(1u64, GFP_KERNEL)?, KBox::new(2u64, GFP_KERNEL)?);
        let (one, two) = (NonNull::from(&*one), NonNull::from(&*two));
        assert!(map.next(0).is_none());
        assert!(map.insert(0, one)?);
        assert!(!map.insert(0, two)?);
        assert!(map.insert(70_000, two)?);
        assert!(map.get(0) == Some(one));
        assert!(map.next(1) == Some((70_000, two)));
        map.remove(0, two);
        assert!(map.get(0) == Some(one));
        map.remove(0, one);
        assert!(map.get(0).is_none());
        assert!(map.next(0) == Some((70_000, two)));
        assert!(map.next(70_001).is_none());
        Ok(())
    }
}
