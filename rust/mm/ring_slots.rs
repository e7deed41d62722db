// SPDX-License-Identifier: GPL-2.0

//! The memory of a ring, as its producer writes it.
//!
//! User space has the same pages mapped and may write to them at any moment, so every access is one
//! atomic load or store of a machine word, never a reference. The head is stored with release after
//! the slots before it, the tail is loaded with acquire before the slots behind it are written again
//! (nothing relies on a control dependency; the host's loom tests run the producer). Implements
//! [`Slots`] for `crate::queue`.

use super::ring_memory::RingMemory;
use crate::ring::{
    record,
    Slots,
    SLOT_BYTES, //
};
use crate::rust::compat;
use crate::rust::prelude::*;
use core::mem::offset_of;
use kernel::sync::atomic::{
    atomic_load,
    atomic_store, //
};

/// The first slots of a ring, as far as the kernel uses them: `struct watch_queue_buffer`.
#[repr(C)]
struct Header {
    watch: u64,
    head: u32,
    tail: u32,
    mask: u32,
    reserved: u32,
}

/// A ring's memory, for one producer.
///
/// # Invariants
///
/// `base` is the start of `memory`, which has `slots` slots, at least one page of them.
pub(crate) struct RingSlots {
    base: *mut u8,
    slots: u32,
    _memory: Arc<RingMemory>,
}

// SAFETY: The memory belongs to no thread.
unsafe impl Send for RingSlots {}

impl RingSlots {
    /// The slots of `memory`.
    pub(crate) fn new(memory: Arc<RingMemory>) -> Self {
        // INVARIANT: As said there; memory beyond 2^32 slots is not used.
        Self {
            base: memory.base(),
            slots: u32::try_from(memory.len() / SLOT_BYTES).unwrap_or(u32::MAX),
            _memory: memory,
        }
    }
}

impl Slots for RingSlots {
    #[inline]
    fn store(&mut self, index: u32, word: u64) {
        // The producer masks its indices; the check makes that no matter of memory safety.
        if index < self.slots {
            // SAFETY: By the type invariants, the slot is inside the memory.
            let slot = unsafe { self.base.cast::<u64>().add(index as usize) };
            // SAFETY: By the type invariants the slot is inside the memory; it is aligned, because
            // the memory begins at a page.
            unsafe { atomic_store(slot, word, Relaxed) };
        }
    }

    #[inline(always)]
    fn store_record(&mut self, index: u32, first: u64, fixed: &[u64], name: &[u8]) {
        let end = index.checked_add(record::slots(fixed.len(), name));
        // As above, once for all of them.
        if end.is_none_or(|end| end > self.slots) {
            return;
        }
        // SAFETY: By the type invariants and the check, all slots of the record are inside the memory.
        let mut slot = unsafe { self.base.cast::<u64>().add(index as usize) };
        record::for_each_word(first, fixed, name, |word| {
            // SAFETY: `for_each_word` has as many words as `slots` says; aligned, because the memory
            // begins at a page.
            unsafe { atomic_store(slot, word, Relaxed) };
            slot = slot.wrapping_add(1);
        });
    }

    #[inline]
    fn load_tail(&self) -> u32 {
        // SAFETY: By the type invariants, the header is inside the memory.
        let tail = unsafe { self.base.add(offset_of!(Header, tail)) };
        // SAFETY: By the type invariants the header is inside the memory; it is aligned, because
        // the memory begins at a page.
        unsafe { atomic_load(tail.cast::<u32>(), Acquire) }
    }

    fn load_tail_after_publish(&self) -> u32 {
        compat::smp_mb();
        self.load_tail()
    }

    #[inline]
    fn publish_head(&mut self, head: u32) {
        // SAFETY: By the type invariants, the header is inside the memory.
        let field = unsafe { self.base.add(offset_of!(Header, head)) };
        // SAFETY: By the type invariants the header is inside the memory; it is aligned, because
        // the memory begins at a page.
        unsafe { atomic_store(field.cast::<u32>(), head, Release) };
    }
}
