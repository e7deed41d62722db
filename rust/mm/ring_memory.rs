// SPDX-License-Identifier: GPL-2.0

//! Pages that the kernel writes through one address and a program maps.
//!
//! Order-0 pages, mapped side by side for the kernel by `vmap()` and for the program by
//! `vm_insert_pages()`. Single pages, because higher orders cannot be inserted one by one; all
//! at once at mmap, so there is no fault handler, and a program that drops a page
//! (`MADV_DONTNEED`) and touches it gets SIGBUS.
//!
//! Used by `queue/` for the ring of each queue.
//!
//! C headers: [`include/linux/vmalloc.h`](srctree/include/linux/vmalloc.h),
//! [`include/linux/mm.h`](srctree/include/linux/mm.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use core::mem::forget;
use kernel::{
    alloc::Flags,
    error::to_result,
    mm::virt::{
        flags as vm_flags,
        VmaNew, //
    },
    page::{
        Page,
        PAGE_SHIFT,
        PAGE_SIZE, //
    }, //
};

/// The pages, each owned by one reference.
///
/// # Invariants
///
/// Each element is an order-0 page, of which the value owns one reference.
struct Pages(KVVec<*mut bindings::page>);

impl Pages {
    /// Allocates `count` zeroed pages, charged to the memory cgroup of the caller.
    fn new(count: usize) -> Result<Self> {
        let flags: Flags = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_HIGHMEM | __GFP_NOWARN;
        let mut pages = Self(KVVec::with_capacity(
            count,
            GFP_KERNEL_ACCOUNT | __GFP_NOWARN,
        )?);

        for _ in 0..count {
            let page = Page::alloc_page(flags)?;
            // The capacity is there; should this fail nevertheless, `page` is freed as usual.
            pages
                .0
                .push_within_capacity(page.as_ptr())
                .map_err(|_| ENOMEM)?;
            // INVARIANT: The reference is `pages`' now.
            forget(page);
        }

        Ok(pages)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        for &page in self.0.iter() {
            // A page may outlive this, as long as a mapping or a pin has it.
            //
            // SAFETY: By the type invariant, there is one reference to give back.
            unsafe { bindings::wqd_put_page(page) };
        }
    }
}

/// Memory shared between the kernel and the programs that map it.
///
/// What is in it may be changed by user space at any time: it must be accessed by atomic or
/// volatile operations, and nothing that is read from it may be trusted.
///
/// Mappings keep the pages, not this value: when it is dropped, programs that still have the memory
/// mapped keep seeing it, and those pages are not used for anything else.
///
/// # Invariants
///
/// `base` is the kernel's mapping of all of `pages`, in order.
pub(crate) struct RingMemory {
    base: NonNull<u8>,
    pages: Pages,
}

// SAFETY: Neither the pages nor their mapping belong to a thread.
unsafe impl Send for RingMemory {}
// SAFETY: `&self` gives out nothing but a raw pointer and mappings for user space.
unsafe impl Sync for RingMemory {}

impl RingMemory {
    /// Allocates `nr_pages` zeroed pages.
    ///
    /// `EINVAL` for none, `ENOMEM` when there is no memory, or no room in the kernel's address
    /// space or in the cgroup.
    ///
    /// Process context.
    pub(crate) fn new(nr_pages: usize) -> Result<Self> {
        let count = u32::try_from(nr_pages).map_err(|_| EINVAL)?;
        if count == 0 || count > u32::MAX >> PAGE_SHIFT {
            return Err(EINVAL);
        }
        let mut pages = Pages::new(nr_pages)?;

        // SAFETY: The array holds `count` valid pages, and they stay valid until `drop()`, which
        // undoes the mapping first.
        let base = unsafe { bindings::wqd_vmap(pages.0.as_mut_ptr(), count) };
        let base = NonNull::new(base.cast()).ok_or(ENOMEM)?;

        // INVARIANT: As mapped.
        Ok(Self { base, pages })
    }

    /// The address of the first byte for the kernel; page-aligned.
    #[inline]
    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// The length in bytes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.pages.0.len() << PAGE_SHIFT
    }

    /// Maps the memory, or its beginning, into `vma`.
    ///
    /// `EINVAL` unless the mapping is shared, starts at offset 0, is not longer than the memory,
    /// readable and not executable. It will not become executable, grow, be inherited by fork or appear
    /// in core dumps.
    ///
    /// A mapping may be read-only. Whether it may be made writable later is for the kernel to say,
    /// which allows it if the file was opened for writing; there is nothing to defend against,
    /// since the same program could have asked for a writable mapping at once.
    ///
    /// To be called from the file's mmap operation.
    pub(crate) fn map(&self, vma: &VmaNew) -> Result {
        // VM_SHARED is missing when the file is open for reading only.
        if vma.flags() & vm_flags::MAYSHARE == 0 {
            return Err(EINVAL);
        }
        if !vma.readable() {
            return Err(EINVAL);
        }

        // SAFETY: The area is being set up by this thread.
        let offset = unsafe { (*vma.as_ptr()).vm_pgoff };
        let len = vma.end() - vma.start();
        if offset != 0 || len > self.len() {
            return Err(EINVAL);
        }

        vma.try_clear_mayexec()?;
        vma.set_dontexpand();
        vma.set_dontcopy();
        vma.set_dontdump();

        // The count comes back as the number of pages that were not inserted.
        let mut count = len / PAGE_SIZE;
        // The array is only read; the C prototype has no const.
        let pages = self.pages.0.as_ptr().cast_mut();

        // On failure the kernel undoes the whole mapping, the inserted pages too.
        //
        // SAFETY: The area is being set up by this thread, under the mm's lock; `pages` points to
        // at least `count` order-0 pages that are valid and were never on any list.
        to_result(unsafe {
            bindings::vm_insert_pages(vma.as_ptr(), vma.start(), pages, &mut count)
        })
    }
}

impl Drop for RingMemory {
    fn drop(&mut self) {
        // SAFETY: By the type invariant this is the mapping that `vmap()` made. The pages follow.
        unsafe { bindings::vunmap(self.base.as_ptr().cast()) };
    }
}
