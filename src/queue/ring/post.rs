// SPDX-License-Identifier: GPL-2.0

//! Posting: what a watch gets of an event, past the filter and into the ring.
//!
//! Nearly every event makes one record for one watch, so that has a short way of its own, without
//! loops. Whatever is not as usual takes the long way, which can do everything. Part of the state
//! under the ring lock; the host tests drive it.

use super::{
    Reason,
    Ring,
    State,
    Watch, //
};
use crate::ring::{
    record::{
        self,
        info,
        Body,
        Ready,
        LOSS_RESERVE,
        LOSS_SLOTS, //
    },
    Slots, //
};
use crate::rust::prelude::*;

/// Records that one event makes for one watch: one for each bit of `subtypes`, ascending, which
/// differ in their subtype only.
///
/// `F` holds the words: an array where their number is known, so that they need not go through
/// memory on their way to the ring.
#[derive(Clone, Copy)]
pub(crate) struct Records<'a, F = &'a [u64]> {
    /// Type of the records.
    pub(crate) kind: u32,
    /// Subtypes, as bits that count from `base`, a multiple of 32.
    pub(crate) subtypes: u32,
    /// See `subtypes`.
    pub(crate) base: u32,
    /// `info` without length, id and OVERRUN.
    pub(crate) flags: u32,
    /// What follows the first word, and …
    pub(crate) fixed: F,
    /// … a name, if there is one. At most 62 slots together.
    pub(crate) name: &'a [u8],
}

impl<'a, F: AsRef<[u64]>> Records<'a, F> {
    #[inline]
    pub(super) fn slots(&self) -> u32 {
        record::slots(self.fixed.as_ref().len(), self.name)
    }

    /// The only record, if it is only one, and `watch` goes on after it.
    #[inline(always)]
    pub(in super::super) fn one(&self, watch: &Watch) -> Option<One<Ready<'_>>> {
        let one = self.subtypes.is_power_of_two() && !watch.is_oneshot();
        one.then(|| One {
            kind: self.kind,
            subtype: self.base | self.subtypes.trailing_zeros(),
            flags: self.flags,
            body: Ready {
                words: self.fixed.as_ref(),
                name: self.name,
            },
        })
    }
}

/// One record, for the short way.
pub(crate) struct One<B> {
    /// As in [`Records`].
    pub(crate) kind: u32,
    /// Its subtype.
    pub(crate) subtype: u32,
    /// As in [`Records`].
    pub(crate) flags: u32,
    /// What follows the first word, made under the ring lock. At most 62 slots.
    pub(crate) body: B,
}

/// What is posted at once: all or none, one directly after the other.
pub(crate) struct Event<'a, F = &'a [u64]> {
    /// One group of records, or two for a rename.
    pub(crate) records: &'a [Records<'a, F>],
}

/// Most [`Records`] in an [`Event`].
const MAX_RECORDS: usize = 2;

/// What a post did.
pub(in super::super) struct Outcome {
    /// The head has moved: sleepers may have to be woken.
    pub(in super::super) wrote: bool,
    /// Records were lost.
    pub(in super::super) lost: bool,
    /// There was no room for them.
    pub(in super::super) no_room: bool,
    /// The watch was a one-shot one and has ended: the caller hands it to the reaper.
    pub(in super::super) fired: bool,
}

impl Outcome {
    const NOTHING: Self = Self {
        wrote: false,
        lost: false,
        no_room: false,
        fired: false,
    };
}

impl Ring {
    /// The short way, for the usual case: one record, not of a one-shot watch, and nothing waits but
    /// perhaps a loss. Whether a sleeper may have to be told: that it was written, or lost; the
    /// filter may have stopped it. `None`: something is not as usual, nothing was done, and
    /// [`Self::post`] is to do it.
    ///
    /// Inlined into its callers, because most of them know how long their records are.
    #[inline(always)]
    pub(in super::super) fn post_one<'n>(
        &mut self,
        watch: &Watch,
        one: One<impl Body<'n>>,
    ) -> Option<bool> {
        debug_assert!(!watch.is_oneshot());
        if watch.state() != State::Armed {
            return None;
        }
        let flags = one.flags | watch.info_id();
        if let Some(filter) = &self.filter {
            if !filter.passes(one.kind, one.subtype as u8, flags) {
                self.count_filtered(watch, 1);
                return Some(false);
            }
        }
        let name = one.body.name();
        let slots = record::slots(one.body.count(), name);
        let active = self.active.as_mut()?;
        if !active.producer.in_run(active.slots.load_tail(), slots) {
            if let Err(lost) = self.start_run(watch, slots) {
                return lost;
            }
        }
        let active = self.active.as_mut()?;
        let head = record::head_word(one.kind, one.subtype, flags, slots);
        let words = one.body.words(name);
        active
            .producer
            .put_in_run(&mut active.slots, head, words.as_ref(), name);
        active.producer.publish(&mut active.slots);
        self.fill.count_one();
        self.delivered = self.delivered.wrapping_add(1);
        watch.count_delivered(1);
        Some(true)
    }

    /// Begins a run with room for a record of `len` slots that has passed the filter. If there is none
    /// the record is lost, or something else waits for room: then as [`Self::post_one`].
    ///
    /// There is no run while anything waits, so that nothing comes before it, nor while the next record
    /// is to say that it follows a loss.
    #[cold]
    #[inline(never)]
    fn start_run(&mut self, watch: &Watch, len: u32) -> Result<(), Option<bool>> {
        if self.waiting() {
            return Err(self.lose_one_more(watch));
        }
        if self.overrun {
            return Err(None);
        }
        let active = self.active.as_mut().ok_or(None)?;
        let room = active
            .producer
            .start_run(&mut active.slots, len, LOSS_RESERVE);
        room.map_err(|_| {
            self.lose(watch, 1);
            Some(true)
        })
    }

    /// Loses a record, if what waits is a loss and still finds no room.
    fn lose_one_more(&mut self, watch: &Watch) -> Option<bool> {
        let active = self.active.as_ref()?;
        let tail = active.slots.load_tail();
        let room = active.producer.fits(tail, [LOSS_SLOTS], LOSS_RESERVE);
        if self.lost_since == 0 || room.is_ok() {
            return None;
        }
        self.lose(watch, 1);
        Some(true)
    }

    /// The long way: any event. See [`crate::queue::Queue::post`]. `lose`: what finds no room is lost;
    /// otherwise it is as if it had not been posted.
    pub(in super::super) fn post<F: AsRef<[u64]>>(
        &mut self,
        watch: &Arc<Watch>,
        event: &Event<'_, F>,
        lose: bool,
    ) -> Outcome {
        // Nothing of a watch follows its REMOVAL.
        if watch.state() != State::Armed {
            return Outcome::NOTHING;
        }
        let id = watch.info_id();
        let mut passing = [0u32; MAX_RECORDS];
        let mut posted = 0u64;
        let mut filtered = 0u64;
        for (records, passing) in event.records.iter().zip(passing.iter_mut()) {
            *passing = records.subtypes;
            if let Some(filter) = &self.filter {
                for subtype in bits(records.subtypes) {
                    if !filter.passes(
                        records.kind,
                        (records.base | subtype) as u8,
                        records.flags | id,
                    ) {
                        *passing &= !(1 << subtype);
                        filtered = filtered.wrapping_add(1);
                    }
                }
            }
            posted = posted.wrapping_add(u64::from(passing.count_ones()));
        }
        if filtered != 0 {
            self.count_filtered(watch, filtered);
        }
        if posted == 0 {
            return Outcome::NOTHING;
        }

        let mut outcome = Outcome::NOTHING;
        outcome.wrote = self.flush_quietly(LOSS_RESERVE);
        if self.write(id, event, &passing) {
            outcome.wrote = true;
            self.delivered = self.delivered.wrapping_add(posted);
            watch.count_delivered(posted);
        } else {
            outcome.no_room = true;
            if lose {
                self.lose(watch, posted);
                outcome.lost = true;
            }
        }
        if watch.is_oneshot() && (lose || !outcome.no_room) {
            outcome.fired = self.end(watch, Reason::OneShot);
            outcome.wrote = true;
        }
        if outcome.wrote {
            self.publish();
        }
        outcome
    }

    fn count_filtered(&mut self, watch: &Watch, count: u64) {
        self.filtered = self.filtered.wrapping_add(count);
        watch.count_filtered(count);
    }

    /// Writes the passing records of an event, all or none; true when it did.
    fn write<F: AsRef<[u64]>>(
        &mut self,
        id: u32,
        event: &Event<'_, F>,
        passing: &[u32; MAX_RECORDS],
    ) -> bool {
        if self.waiting() {
            return false;
        }
        let Some(active) = &mut self.active else {
            return false;
        };
        let tail = active.slots.load_tail();
        let lens = event
            .records
            .iter()
            .zip(passing)
            .flat_map(|(records, passing)| bits(*passing).map(|_| records.slots()));
        if active.producer.fits(tail, lens, LOSS_RESERVE).is_err() {
            return false;
        }
        let mut flags = id;
        if core::mem::replace(&mut self.overrun, false) {
            flags |= info::OVERRUN;
        }
        for (records, passing) in event.records.iter().zip(passing) {
            for subtype in bits(*passing) {
                let flags = records.flags | core::mem::replace(&mut flags, id);
                let subtype = records.base | subtype;
                let head = record::head_word(records.kind, subtype, flags, records.slots());
                let (fixed, name) = (records.fixed.as_ref(), records.name);
                active.producer.put(&mut active.slots, head, fixed, name);
                self.fill.count_one();
            }
        }
        true
    }
}

/// The numbers of the bits that are set, ascending.
#[inline]
fn bits(mut set: u32) -> impl Iterator<Item = u32> {
    core::iter::from_fn(move || {
        let bit = set.trailing_zeros();
        // Clears the lowest bit that is set; nothing to do when there is none.
        set &= set.wrapping_sub(1);
        (bit < u32::BITS).then_some(bit)
    })
}
