// SPDX-License-Identifier: MIT OR Apache-2.0

//! What children of fork() find where the parent has its reading side: nothing.
//!
//! The kernel does not give the ring's mapping to children. A copy of the reading side would lead there
//! to memory that is not mapped, or is something else's. So it lives in a page that the kernel fills
//! with zeros in a child, whichever way that was made, and zeros mean that there is no ring. The
//! parent pays nothing for it when it reads.

use std::fmt;
use std::io;
use std::mem::{align_of, size_of};
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};

use rustix::mm::{madvise, mmap_anonymous, munmap, Advice, MapFlags, ProtFlags};

/// # Safety
///
/// All bytes zero must be a value of the type, and every method of it, dropping included, must be sound
/// on that value.
pub(crate) unsafe trait Zeroable {}

/// A value that is all zeros in a child of the process that made it.
///
/// # Invariants
///
/// `value` points to a page of its own that holds a `T` and that nobody else unmaps.
pub(crate) struct WipedOnFork<T: Zeroable> {
    value: NonNull<T>,
}

// SAFETY: It owns the value, as a box does; the page belongs to the process, not to a thread.
unsafe impl<T: Zeroable + Send> Send for WipedOnFork<T> {}

impl<T: Zeroable> WipedOnFork<T> {
    /// No page is smaller, on any machine.
    const PAGE: usize = 4096;

    /// Moves a value to where it will be wiped.
    pub(crate) fn new(value: T) -> io::Result<Self> {
        const { assert!(size_of::<T>() <= Self::PAGE && align_of::<T>() <= Self::PAGE) };
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: The kernel picks an address where nothing is mapped yet.
        let start =
            unsafe { mmap_anonymous(ptr::null_mut(), Self::PAGE, prot, MapFlags::PRIVATE) }?;
        // SAFETY: The page is ours, and the advice does nothing to it in this process.
        let advised = unsafe { madvise(start, Self::PAGE, Advice::LinuxWipeOnFork) };
        let page = NonNull::new(start.cast::<T>());
        let (Ok(()), Some(place)) = (advised, page) else {
            // SAFETY: Nobody else knows of the page.
            let _ = unsafe { munmap(start, Self::PAGE) };
            return Err(advised
                .err()
                .map_or(io::ErrorKind::OutOfMemory.into(), io::Error::from));
        };
        // SAFETY: The page is large enough and aligned, as asserted, and holds no value yet.
        unsafe { place.write(value) };
        // INVARIANT: Just mapped and written, and known to nobody else.
        Ok(WipedOnFork { value: place })
    }
}

impl<T: Zeroable> Deref for WipedOnFork<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the type invariants it holds a value; in a child that of zeros, which
        // `Zeroable` says is one.
        unsafe { self.value.as_ref() }
    }
}

impl<T: Zeroable> DerefMut for WipedOnFork<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the type invariants it holds a value, in a child that of zeros; `&mut self` says that
        // nothing else looks at it.
        unsafe { self.value.as_mut() }
    }
}

impl<T: Zeroable> Drop for WipedOnFork<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants it holds a value, which nobody looks at any more.
        unsafe { self.value.drop_in_place() };
        // SAFETY: By the type invariants the page is ours, in a child as well, which has its own.
        let _ = unsafe { munmap(self.value.as_ptr().cast(), Self::PAGE) };
    }
}

impl<T: Zeroable + fmt::Debug> fmt::Debug for WipedOnFork<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
