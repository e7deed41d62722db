// SPDX-License-Identifier: GPL-2.0

//! Slab caches of one's own.
//!
//! `kmalloc()` rounds up to its size classes; objects of which there may be millions deserve an
//! exact fit. And a cache with a name shows in `/proc/slabinfo` how many there are and what they
//! cost.
//!
//! Used for marks and the objects under kernel marks.
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use core::{
    marker::PhantomData,
    mem::MaybeUninit, //
};

/// A cache of objects of type `T`.
///
/// Objects are charged to the memory cgroup of the task that allocates. The cache is never merged
/// with another of the same size, which the kernel otherwise does: then both would be counted under
/// the name of the first.
///
/// Dropping the cache destroys it: process context. All objects must have been freed; if not, the
/// kernel warns, and cache and objects stay for ever.
///
/// # Invariants
///
/// `cache` is a cache of objects with the size and the alignment of `T`, owned by this value.
///
/// # Examples
///
/// ```ignore
/// let cache = KmemCache::<u64>::new(c"example_numbers")?;
/// let number = NonNull::from(cache.alloc()?.write(5));
/// // SAFETY: It came from this cache, and nothing uses it any more.
/// unsafe { cache.free(number) };
/// ```
pub(crate) struct KmemCache<T> {
    cache: NonNull<bindings::kmem_cache>,
    _objects: PhantomData<fn(T)>,
}

// SAFETY: A cache has no ties to the thread that created it.
unsafe impl<T> Send for KmemCache<T> {}
// SAFETY: All its functions may be called by several threads at once.
unsafe impl<T> Sync for KmemCache<T> {}

impl<T> KmemCache<T> {
    /// Creates a cache. Process context.
    ///
    /// The name must not contain blanks and should be unique.
    pub(crate) fn new(name: &'static CStr) -> Result<Self> {
        let mut args = bindings::kmem_cache_args {
            align: u32::try_from(align_of::<T>())?,
            ..pin_init::zeroed()
        };

        // SAFETY: Name and arguments are valid; the callee keeps neither.
        let cache = unsafe {
            bindings::__kmem_cache_create_args(
                name.as_char_ptr(),
                u32::try_from(size_of::<T>())?,
                &mut args,
                bindings::SLAB_ACCOUNT | bindings::SLAB_NO_MERGE,
            )
        };

        // INVARIANT: As created.
        Ok(Self {
            cache: NonNull::new(cache).ok_or(ENOMEM)?,
            _objects: PhantomData,
        })
    }

    /// Allocates an object, uninitialised, which belongs to the caller. `ENOMEM`.
    ///
    /// Process context, may sleep. Under a [`NofsGuard`] it does not enter file systems.
    ///
    /// [`NofsGuard`]: super::nofs::NofsGuard
    pub(crate) fn alloc(&self) -> Result<&'static mut MaybeUninit<T>> {
        // SAFETY: By the type invariant it is a cache.
        let object =
            unsafe { bindings::kmem_cache_alloc_noprof(self.cache.as_ptr(), bindings::GFP_KERNEL) };
        let mut object = NonNull::new(object.cast::<MaybeUninit<T>>()).ok_or(ENOMEM)?;

        // SAFETY: The object has the size and alignment of `T`, belongs to nothing else, and stays
        // until `free()` is called for it.
        Ok(unsafe { object.as_mut() })
    }

    /// Frees an object, without dropping what is in it. Any context in which `kfree()` is allowed.
    ///
    /// # Safety
    ///
    /// `object` must come from [`Self::alloc`] of this cache, and not be used any more.
    pub(crate) unsafe fn free(&self, object: NonNull<T>) {
        // SAFETY: By the type invariant it is a cache; the rest is promised by the caller.
        unsafe { bindings::kmem_cache_free(self.cache.as_ptr(), object.as_ptr().cast()) };
    }
}

impl<T> Drop for KmemCache<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is ours. Should there be objects left, then the C side
        // keeps it.
        unsafe { bindings::kmem_cache_destroy(self.cache.as_ptr()) };
    }
}

#[kunit_tests(watch_queue_kmem_cache)]
mod tests {
    use super::*;

    #[repr(align(32))]
    struct Object([u8; 40]);

    #[test]
    fn objects_are_aligned_and_apart() -> Result {
        let cache = KmemCache::<Object>::new(c"wqd_test_objects")?;
        let mut objects = KVec::with_capacity(100, GFP_KERNEL)?;
        for i in 0..100 {
            objects.push(
                NonNull::from(cache.alloc()?.write(Object([i; 40]))),
                GFP_KERNEL,
            )?;
        }

        let mut intact = 0;
        for (i, &object) in objects.iter().enumerate() {
            // SAFETY: It was initialised above.
            let Object(bytes) = unsafe { object.as_ref() };
            let aligned = object.addr().get() % 32 == 0;
            intact += usize::from(aligned && bytes.iter().all(|&byte| usize::from(byte) == i));
            // SAFETY: It is from this cache, and not used after this.
            unsafe { cache.free(object) };
        }
        assert_eq!(intact, 100);
        Ok(())
    }

    #[test]
    fn caches_of_one_size_are_not_merged() -> Result {
        let first = KmemCache::<Object>::new(c"wqd_test_first")?;
        let second = KmemCache::<Object>::new(c"wqd_test_second")?;

        assert!(first.cache != second.cache);
        Ok(())
    }
}
