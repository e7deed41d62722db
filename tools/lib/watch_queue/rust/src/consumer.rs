// SPDX-License-Identifier: MIT OR Apache-2.0

//! Walking over the records of a ring: the one place that follows head, tail and record lengths.
//!
//! Apart from [`Ring`](crate::Ring), which owns the mapping of a real queue, this is used by tests
//! and measurements on rings in ordinary memory.

use std::io;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::abi;
use crate::{Corrupt, Record};

/// The reading side of a ring in memory.
///
/// Positions are counted in slots, run freely and wrap at 2^32; only the index into the ring is
/// masked. The consumer keeps its own position and reads `tail` from memory only once, at the
/// start: whatever happens to the shared copy later does not lead it astray.
///
/// # Invariants
///
/// - `base` is aligned to 8 bytes and valid for reads and atomic writes of `mask + 1` slots of
///   8 bytes until the consumer is dropped.
/// - `mask + 1` is a power of two, from 8 to 2^30.
/// - `head - position <= mask + 1`.
#[derive(Debug)]
pub struct Consumer {
    base: NonNull<u32>,
    mask: u32,
    /// Where the next record begins. Everything before it may be released.
    position: u32,
    /// The kernel's head, as last seen.
    head: u32,
    /// Release what was read, and look at head again, when the position has reached this.
    stop: u32,
    /// The tail that the kernel knows.
    released: u32,
    /// Most slots to read before they are released.
    batch: u32,
    /// The records that are handed out borrow from memory that this stands for.
    _memory: PhantomData<AtomicU32>,
}

// SAFETY: By the type invariants the memory stays valid wherever the consumer goes, and nothing in
// it is bound to a thread: every access to words that others may write is atomic.
unsafe impl Send for Consumer {}

impl Consumer {
    /// Begins to read the ring of `slots` slots at `base`, from the tail that it holds.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when `slots` is not a power of two from 8 to
    /// 2^30; [`InvalidData`](io::ErrorKind::InvalidData) with [`Corrupt::Header`] when the ring's
    /// own mask says another size.
    ///
    /// # Safety
    ///
    /// `base` must be aligned to 8 bytes and valid for reads and writes of `slots` slots of 8 bytes
    /// until the consumer is dropped. Until then others may write to this memory only as the kernel
    /// does: words of the header atomically, and records only where the consumer has released them.
    pub unsafe fn new(base: NonNull<u64>, slots: u32) -> io::Result<Self> {
        if !slots.is_power_of_two() || !(8..=1 << 30).contains(&slots) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("a ring cannot have {slots} slots"),
            ));
        }
        // INVARIANT: The size was just checked, the memory is the caller's promise, and head equals
        // the position.
        let mut consumer = Consumer {
            base: base.cast(),
            mask: slots - 1,
            position: 0,
            head: 0,
            stop: 0,
            released: 0,
            batch: slots / 4,
            _memory: PhantomData,
        };
        let mask = consumer.word(abi::WORD_MASK).load(Ordering::Relaxed);
        if mask != consumer.mask {
            return Err(Corrupt::Header { mask, slots }.into());
        }
        consumer.restart_at(consumer.word(abi::WORD_TAIL).load(Ordering::Relaxed));
        consumer.released = consumer.position;
        Ok(consumer)
    }

    /// Returns the next record, or `None` when the ring is empty.
    ///
    /// The call frees the records of the calls before it, which is why the result borrows the
    /// consumer. Their room goes back to the kernel in batches: when a quarter of the ring has been
    /// read, when `None` is returned, and with [`release`](Self::release). So read until `None`
    /// before sleeping.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](io::ErrorKind::InvalidData) with a [`Corrupt`] when the ring holds a record
    /// that cannot be right. The position does not move: the same error comes again until
    /// [`resync`](Self::resync).
    // Not an Iterator: each record borrows the consumer until the next call.
    #[allow(clippy::should_implement_trait)]
    #[inline]
    pub fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        loop {
            // The difference is taken as signed, because the last record of a batch may go past
            // `stop`.
            if self.stop.wrapping_sub(self.position).cast_signed() <= 0 && !self.refill()? {
                return Ok(None);
            }
            let index = self.position & self.mask;
            // Each header word is read once; the acquire load of head in refill() made it visible.
            let word0 = self.word(index * 2).load(Ordering::Relaxed);
            let info = self.word(index * 2 + 1).load(Ordering::Relaxed);
            let slots = (info & abi::INFO_LENGTH) >> abi::LENGTH_SHIFT;
            let until_head = self.head.wrapping_sub(self.position);
            let until_end = self.mask + 1 - index;
            if slots == 0 || slots > until_head || slots > until_end {
                return Err(Corrupt::Length {
                    position: self.position,
                    slots,
                }
                .into());
            }
            // INVARIANT: `slots <= until_head`, so head stays ahead by no more than the ring.
            self.position = self.position.wrapping_add(slots);
            if word0 == SKIP {
                continue;
            }
            // SAFETY: By the type invariants `index` is inside the ring.
            let start = unsafe { self.base.cast::<u64>().add(index as usize) };
            // SAFETY: `start` is aligned to 8 and `slots` slots from it lie inside the ring, which
            // is valid for as long as the consumer, and so for as long as the record borrows it.
            // The kernel does not write to them before they are released, which takes `&mut self`.
            let record = unsafe { Record::from_ring(start, word0, info) };
            return Ok(Some(record));
        }
    }

    /// Gives the room of every record that was read back to the kernel.
    ///
    /// Needed only by programs that stop reading before [`next`](Self::next) has returned `None`.
    #[inline]
    pub fn release(&mut self) {
        if self.released != self.position {
            self.word(abi::WORD_TAIL)
                .store(self.position, Ordering::Release);
            self.released = self.position;
        }
    }

    /// Gives up everything that is in the ring and goes on with what the kernel writes next.
    ///
    /// This is the way out after an error from [`next`](Self::next); an unknown number of events is
    /// lost by it.
    ///
    /// # Errors
    ///
    /// [`InvalidData`](io::ErrorKind::InvalidData) with [`Corrupt::Head`] when head itself makes no
    /// sense: then only a new queue helps.
    pub fn resync(&mut self) -> io::Result<()> {
        let head = self.word(abi::WORD_HEAD).load(Ordering::Acquire);
        if head.wrapping_sub(self.released) > self.mask + 1 {
            return Err(Corrupt::Head {
                head,
                position: self.released,
            }
            .into());
        }
        self.restart_at(head);
        self.release();
        Ok(())
    }

    /// Limits how many slots are read before their room goes back to the kernel.
    ///
    /// Small values cost a little for each record, large ones leave the kernel less room.
    pub fn set_batch(&mut self, slots: u32) {
        self.batch = slots.clamp(1, self.mask + 1);
    }

    /// The number of slots in the ring.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.mask + 1
    }

    /// Releases what was read and looks at head; says whether there is something to read.
    #[inline(never)]
    fn refill(&mut self) -> io::Result<bool> {
        self.release();
        // Pairs with the kernel's store-release of head: records before head are complete.
        let head = self.word(abi::WORD_HEAD).load(Ordering::Acquire);
        let available = head.wrapping_sub(self.position);
        if available > self.mask + 1 {
            return Err(Corrupt::Head {
                head,
                position: self.position,
            }
            .into());
        }
        // INVARIANT: `available` was just checked.
        self.head = head;
        self.stop = self.position.wrapping_add(available.min(self.batch));
        Ok(available != 0)
    }

    fn restart_at(&mut self, position: u32) {
        // INVARIANT: The distance is 0.
        self.position = position;
        self.head = position;
        self.stop = position;
    }

    /// The 32-bit word number `index` of the ring. `index` must be below twice the slots.
    #[inline]
    fn word(&self, index: u32) -> &AtomicU32 {
        debug_assert!(index / 2 <= self.mask);
        // SAFETY: All callers pass a header word, or a word of the slot at a masked index: inside
        // the ring by the type invariants.
        let word = unsafe { self.base.add(index as usize) };
        // SAFETY: The word is aligned and valid for as long as `self` by the type invariants, and
        // whoever writes to it concurrently does so atomically.
        unsafe { AtomicU32::from_ptr(word.as_ptr()) }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.release();
    }
}

/// First word of a record that is to be stepped over; the ring's header begins with it, too.
const SKIP: u32 = abi::TYPE_META | (abi::META_SKIP as u32) << abi::SUBTYPE_SHIFT;
