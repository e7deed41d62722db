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
use crate::fork::Zeroable;
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
/// - `cursor` points to a slot of the ring, or just behind the last one, and the `left` bytes from
///   there on are inside the ring and hold nothing that the kernel may still write to. `left` is a
///   multiple of 8.
/// - Or else every byte of it is zero: in a child of fork(), which has no ring.
#[derive(Debug)]
#[repr(C)]
pub struct Consumer {
    base: *mut u64,
    mask: u32,
    /// Where the next record begins. Everything before it may be released.
    cursor: *mut u64,
    /// Bytes that can be read before head, or the end of the ring, is reached.
    left: usize,
    /// Release what was read, and look at head again, when no more than this is left.
    pause: usize,
    /// The position behind what is left.
    end: u32,
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

// SAFETY: All zeros are pointers that are null and numbers, as the invariants allow. Nothing is left
// then and nothing to be released, and what follows head looks at `base` first.
unsafe impl Zeroable for Consumer {}

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
        // INVARIANT: The size was just checked, the memory is the caller's promise, and nothing is
        // left to read.
        let mut consumer = Consumer {
            base: base.as_ptr(),
            mask: slots - 1,
            cursor: base.as_ptr(),
            left: 0,
            pause: 0,
            end: 0,
            released: 0,
            batch: slots / 4,
            _memory: PhantomData,
        };
        let mask = consumer.header(abi::WORD_MASK).load(Ordering::Relaxed);
        if mask != consumer.mask {
            return Err(Corrupt::Header { mask, slots }.into());
        }
        let tail = consumer.header(abi::WORD_TAIL).load(Ordering::Relaxed);
        consumer.released = tail;
        consumer.restart_at(tail);
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
    /// [`resync`](Self::resync). [`NotConnected`](io::ErrorKind::NotConnected) in a child of the process
    /// that opened the queue.
    // Not an Iterator: each record borrows the consumer until the next call.
    #[allow(clippy::should_implement_trait)]
    #[inline]
    pub fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        loop {
            if self.left <= self.pause && !self.refill()? {
                return Ok(None);
            }
            let start = self.cursor;
            // Each header word is read once; the acquire load of head in refill() made it visible.
            let word0 = self.word(0).load(Ordering::Relaxed);
            let info = self.word(1).load(Ordering::Relaxed);
            let length = (info & abi::INFO_LENGTH) as usize;
            // One comparison for empty records, too: their length wraps.
            if length.wrapping_sub(1) >= self.left {
                return Err(self.bad_length(length));
            }
            // SAFETY: By the type invariants and the comparison, `length` bytes from here are
            // inside the ring.
            self.cursor = unsafe { start.byte_add(length) };
            // INVARIANT: The cursor goes as far as what is left shrinks, by whole slots, because
            // INFO_LENGTH has no bits below 8.
            self.left -= length;
            if word0 == SKIP {
                continue;
            }
            // SAFETY: `start` is aligned to 8 and `length` bytes from it lie inside the ring, which
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
        let position = self.position();
        if self.released != position {
            self.header(abi::WORD_TAIL)
                .store(position, Ordering::Release);
            self.released = position;
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
        self.check_process()?;
        let head = self.header(abi::WORD_HEAD).load(Ordering::Acquire);
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
        // Begins at once: the next record is preceded by a look at head.
        self.pause = self.left;
    }

    /// The number of slots in the ring.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.mask + 1
    }

    /// Whether the ring is there: a child of the process that opened the queue does not have it.
    pub(crate) fn check_process(&self) -> io::Result<()> {
        match self.base.is_null() {
            false => Ok(()),
            true => Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "after fork() only the parent can read the queue: open another one here",
            )),
        }
    }

    /// Releases what was read and looks at head; says whether there is something to read.
    #[inline(never)]
    fn refill(&mut self) -> io::Result<bool> {
        self.release();
        self.check_process()?;
        // Pairs with the kernel's store-release of head: records before head are complete.
        let head = self.header(abi::WORD_HEAD).load(Ordering::Acquire);
        let position = self.position();
        let available = head.wrapping_sub(position);
        if available > self.mask + 1 {
            return Err(Corrupt::Head { head, position }.into());
        }
        let index = position & self.mask;
        let slots = available.min(self.mask + 1 - index);
        // INVARIANT: `slots` slots from `index` end before head, which is no further away than the
        // ring is large, and before the end of the ring.
        self.cursor = self.slot(index);
        self.left = slots as usize * abi::SLOT_SIZE;
        self.end = position.wrapping_add(slots);
        self.pause = slots.saturating_sub(self.batch) as usize * abi::SLOT_SIZE;
        Ok(slots != 0)
    }

    /// The position of the next record.
    #[inline]
    fn position(&self) -> u32 {
        // What is left is no more than the ring, which has at most 2^30 slots.
        self.end.wrapping_sub((self.left / abi::SLOT_SIZE) as u32)
    }

    /// Makes `position` the next record's, with nothing to read before head was looked at.
    fn restart_at(&mut self, position: u32) {
        // INVARIANT: Nothing is left.
        self.cursor = self.slot(position & self.mask);
        self.left = 0;
        self.pause = 0;
        self.end = position;
    }

    #[cold]
    fn bad_length(&self, length: usize) -> io::Error {
        let slots = (length / abi::SLOT_SIZE) as u32;
        Corrupt::Length {
            position: self.position(),
            slots,
        }
        .into()
    }

    /// The slot at `index`, which must not be above the mask.
    fn slot(&self, index: u32) -> *mut u64 {
        debug_assert!(index <= self.mask);
        // SAFETY: The callers pass masked positions, and have looked whether there is a ring: inside it
        // by the type invariants.
        unsafe { self.base.add(index as usize) }
    }

    /// One of the two words of the slot at the cursor. Something must be left, so there is a ring.
    #[inline]
    fn word(&self, index: usize) -> &AtomicU32 {
        debug_assert!(index < 2 && self.left >= abi::SLOT_SIZE);
        // SAFETY: By the type invariants a whole slot is valid at the cursor.
        let word = unsafe { self.cursor.cast::<u32>().add(index) };
        // SAFETY: The word is aligned and valid for as long as `self` by the type invariants, and
        // all that writes to it concurrently does so atomically.
        unsafe { AtomicU32::from_ptr(word) }
    }

    /// One of the six words of the ring's header. There must be a ring.
    #[inline]
    fn header(&self, index: usize) -> &AtomicU32 {
        debug_assert!(index < abi::HEADER_SLOTS as usize * 2);
        // SAFETY: By the type invariants the ring has at least 8 slots; the callers have looked whether
        // it is there, or know from a position that is not 0.
        let word = unsafe { self.base.cast::<u32>().add(index) };
        // SAFETY: The word is aligned and valid for as long as `self` by the type invariants, and all that
        // writes to it concurrently does so atomically.
        unsafe { AtomicU32::from_ptr(word) }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.release();
    }
}

/// First word of a record that is to be stepped over; the ring's header begins with it, too.
const SKIP: u32 = abi::TYPE_META | (abi::META_SKIP as u32) << abi::SUBTYPE_SHIFT;
