// SPDX-License-Identifier: GPL-2.0

//! The producer's side of the ring: does it fit, where does it go.
//!
//! `head` and `tail` are free-running 32-bit slot counters, masked only to index. The producer's
//! `head` and `size` live here, in the kernel's own memory (the copies that user space can scribble
//! on are never read); `tail` comes from user space, is loaded once per decision and validated. A
//! record is contiguous: where it would cross the end, a SKIP record fills the rest and the header
//! is stepped over.

use super::{
    record,
    Slots,
    HEADER_SLOTS,
    MAX_RECORD_SLOTS, //
};

/// Why a record was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no room.
    Full,
    /// User space has stored a tail that cannot be; it works again when the tail is repaired.
    BadTail,
}

/// The private state of a ring's only producer. The caller serialises all calls.
///
/// # Invariants
///
/// - `size` is a power of two, at least `2 * (HEADER_SLOTS + MAX_RECORD_SLOTS)`.
/// - `head & (size - 1)` is 0 or at least `HEADER_SLOTS`.
/// - If `run` is not 0, so many slots from `head` on are free as long as the tail is `seen`, with the
///   reserve behind them that was asked for; they lie between the header and the end of the ring.
pub(crate) struct Producer {
    head: u32,
    size: u32,
    run: u32,
    seen: u32,
}

impl Producer {
    /// Smallest ring, in slots: one page.
    pub(crate) const MIN_SLOTS: u32 = 512;

    /// Largest ring, in slots: half the range of the counters, so that `head - tail` is never
    /// ambiguous.
    pub(crate) const MAX_SLOTS: u32 = 1 << 31;

    /// A producer for an empty ring of `size` slots; `None` unless that is a power of two in
    /// [`Self::MIN_SLOTS`]..=[`Self::MAX_SLOTS`].
    pub(crate) fn new(size: u32) -> Option<Self> {
        Self::starting_at(size, HEADER_SLOTS)
    }

    /// As [`Self::new`], for a ring that has already been round: the host tests begin just before
    /// the counters wrap. `None` too if `head` lies inside the ring's header.
    pub(crate) fn starting_at(size: u32, head: u32) -> Option<Self> {
        if !size.is_power_of_two() || !(Self::MIN_SLOTS..=Self::MAX_SLOTS).contains(&size) {
            return None;
        }
        if (1..HEADER_SLOTS).contains(&(head & size.wrapping_sub(1))) {
            return None;
        }
        // INVARIANT: Both were just checked; nothing is known to be free.
        Some(Self {
            head,
            size,
            run: 0,
            seen: head,
        })
    }

    /// Number of slots.
    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    /// The producer's head.
    pub(crate) fn head(&self) -> u32 {
        self.head
    }

    /// Writes the ring's header. To be called once, before anything else sees the memory.
    pub(crate) fn init<S: Slots>(&self, slots: &mut S) {
        let mask = self.size.wrapping_sub(1);
        for (i, word) in record::header_words(self.head, self.head, mask)
            .into_iter()
            .enumerate()
        {
            slots.store(i as u32, word);
        }
    }

    /// Number of slots in use between `tail` and the head, if that `tail` can be.
    ///
    /// Index 0 is valid, because the header reads as a SKIP record of three slots; inside the
    /// header it is not (a wrong tail is a state of its own, reported by poll).
    #[inline]
    pub(crate) fn used(&self, tail: u32) -> Result<u32, Refused> {
        let used = self.head.wrapping_sub(tail);
        let index = tail & self.size.wrapping_sub(1);
        if used > self.size || (1..HEADER_SLOTS).contains(&index) {
            return Err(Refused::BadTail);
        }
        Ok(used)
    }

    /// What a record of `len` slots takes from the ring when it is put at `head`: itself, the
    /// header where it is stepped over, and the rest that a SKIP record fills.
    fn cost(&self, head: u32, len: u32) -> u32 {
        let index = head & self.size.wrapping_sub(1);
        let rest = self.size.wrapping_sub(index);
        if index == 0 {
            HEADER_SLOTS.wrapping_add(len)
        } else if len > rest {
            rest.wrapping_add(HEADER_SLOTS).wrapping_add(len)
        } else {
            len
        }
    }

    /// Whether records of the lengths `lens` (slots, each 1 to 63, written one after the other)
    /// fit beside what is in use up to `tail` and `reserve` further slots. All or none.
    ///
    /// Costs and fill level are sums of a few numbers that are each at most `size + 66`, added in
    /// 64 bits, so nothing wraps (no test against the tail's position, no subtraction that can go
    /// below zero: only how much is used, and how much it would be).
    #[inline]
    pub(crate) fn fits(
        &self,
        tail: u32,
        lens: impl IntoIterator<Item = u32>,
        reserve: u32,
    ) -> Result<(), Refused> {
        let mut total = u64::from(self.used(tail)?);
        let mut head = self.head;
        for len in lens {
            let cost = self.cost(head, len);
            head = head.wrapping_add(cost);
            total = total.saturating_add(u64::from(cost));
        }
        if total.saturating_add(u64::from(reserve)) > u64::from(self.size) {
            return Err(Refused::Full);
        }
        Ok(())
    }

    /// Writes one record, made of the word `first`, the words `fixed` and the bytes of `name`, at the
    /// head, and advances the private head. A name is followed by at least one NUL and padded with
    /// zeros. [`Self::fits`] said that the record fits; nothing is visible before [`Self::publish`].
    ///
    /// The length is that of the parts, [`record::slots`] of them; never what a word of them says
    /// (a scribbled header word cannot lengthen the copy).
    #[inline]
    pub(crate) fn put<S: Slots>(&mut self, slots: &mut S, first: u64, fixed: &[u64], name: &[u8]) {
        let len = record::slots(fixed.len(), name);
        debug_assert!((1..=MAX_RECORD_SLOTS).contains(&len));
        let index = match self.straight(len) {
            Some(index) => index,
            None => self.step_over(slots),
        };
        slots.store_record(index, first, fixed, name);
        // INVARIANT: the record ends at or before the end of the ring, so the index of the new head
        // is 0 or behind the header.
        self.head = self.head.wrapping_add(len);
        self.stop_run();
    }

    /// Where a record of `len` slots begins if that is where the head is: it neither crosses the end
    /// of the ring nor begins at its header.
    fn straight(&self, len: u32) -> Option<u32> {
        let index = self.head & self.size.wrapping_sub(1);
        (index != 0 && len <= self.size.wrapping_sub(index)).then_some(index)
    }

    /// Whether a record of `len` slots is known to fit, with `tail`, where the head is.
    ///
    /// The usual case: the tail is the one that was checked last, and what was free behind the head
    /// then is not used up. The answer is that of [`Self::fits`].
    #[inline(always)]
    pub(crate) fn in_run(&self, tail: u32, len: u32) -> bool {
        let run = if tail == self.seen { self.run } else { 0 };
        len <= run
    }

    /// Writes one record as [`Self::put`] does, for which [`Self::in_run`] was true.
    ///
    /// Inlined, so that the words need not go through memory on their way to the ring.
    #[inline(always)]
    pub(crate) fn put_in_run<S: Slots>(
        &mut self,
        slots: &mut S,
        first: u64,
        fixed: &[u64],
        name: &[u8],
    ) {
        let len = record::slots(fixed.len(), name);
        debug_assert!((1..=MAX_RECORD_SLOTS).contains(&len) && len <= self.run);
        let index = self.head & self.size.wrapping_sub(1);
        slots.store_record(index, first, fixed, name);
        // INVARIANT: The run has ended at or before the end of the ring, and now begins so much later.
        self.head = self.head.wrapping_add(len);
        self.run = self.run.wrapping_sub(len);
    }

    /// Begins a run with at least the `len` slots of a record, and `reserve` further slots free behind
    /// it; the head may have to go to the beginning of the ring for it.
    #[cold]
    pub(crate) fn start_run<S: Slots>(
        &mut self,
        slots: &mut S,
        len: u32,
        reserve: u32,
    ) -> Result<(), Refused> {
        let tail = slots.load_tail();
        self.fits(tail, [len], reserve)?;
        let index = match self.straight(len) {
            Some(index) => index,
            None => self.step_over(slots),
        };
        let used = self.used(tail)?;
        let free = self.size.wrapping_sub(used).saturating_sub(reserve);
        // INVARIANT: Neither more than is free beside the reserve, nor beyond the end of the ring.
        self.run = free.min(self.size.wrapping_sub(index));
        self.seen = tail;
        Ok(())
    }

    /// Nothing is known to be free any more.
    pub(crate) fn stop_run(&mut self) {
        // INVARIANT: It is 0.
        self.run = 0;
    }

    /// Fills what is left up to the end of the ring, and goes on behind the header. The index there.
    fn step_over<S: Slots>(&mut self, slots: &mut S) -> u32 {
        let index = self.head & self.size.wrapping_sub(1);
        if index != 0 {
            self.skip(slots, index, self.size.wrapping_sub(index));
        }
        // INVARIANT: The index of the new head is just behind the header.
        self.head = self.head.wrapping_add(HEADER_SLOTS);
        HEADER_SLOTS
    }

    /// Fills the `rest` slots from `index` to the end of the ring with SKIP records.
    fn skip<S: Slots>(&mut self, slots: &mut S, mut index: u32, rest: u32) {
        self.head = self.head.wrapping_add(rest);
        let mut rest = rest;
        while rest > 0 {
            let len = rest.min(MAX_RECORD_SLOTS);
            slots.store(index, record::skip_word(len));
            index = index.wrapping_add(len);
            rest = rest.wrapping_sub(len);
        }
    }

    /// Makes everything that was put visible to user space.
    #[inline]
    pub(crate) fn publish<S: Slots>(&self, slots: &mut S) {
        slots.publish_head(self.head);
    }
}
