// SPDX-License-Identifier: GPL-2.0

//! What a queue's ring lock protects: the producer, the filter, the counters, and what waits for
//! room.
//!
//! Every function here runs under that lock, with interrupts off, in any context: bounded work (at
//! most [`MAX_REMOVALS`] of those that wait are written), no allocation, no wake-up. Nothing is
//! freed, so watches are returned in lists.
//!
//! Nothing is lost silently. A record that passed mask and filter is written or counted as lost; the
//! next LOSS record says how many and, if they were of one watch alone, of which. Room for one LOSS
//! record is kept for the moment at which a consumer asks; a post writes LOSS only beside that
//! room, so that losses which follow each other are told of in one record. A REMOVAL that does not
//! fit waits in `pending`; LOSS waits as a counter. What waits is written before any later record,
//! LOSS first, so that the order in the ring is the order of events.

mod pair;
mod post;

pub(crate) use self::{
    pair::Letter,
    post::{
        Event,
        One,
        Records, //
    }, //
};

use super::{
    fill::{
        Fill,
        Signal,
        Watermark, //
    },
    filter::Filter,
    watch::{
        Reason,
        State,
        Watch, //
    },
};
use crate::rust::prelude::*;
use crate::{
    ring::{
        producer::Producer,
        record::{
            self,
            LOSS_RESERVE,
            LOSS_SLOTS,
            REMOVAL_SLOTS,
            UNANSWERED_SLOTS, //
        },
        Slots, //
    },
    rust::{
        mm::ring_slots::RingSlots,
        sync::arc_fifo::ArcFifo, //
    },
};

/// Most REMOVALs that waited and are written under one hold of the lock. If more wait, they go on
/// waiting: until then posts are counted as lost. The next caller in process context writes more.
const MAX_REMOVALS: usize = 64;

/// Which watch lost records since the last LOSS record.
#[derive(Clone, Copy)]
enum LostBy {
    Nobody,
    One { handle: u64, cookie: u64 },
    Many,
}

struct Active {
    producer: Producer,
    slots: RingSlots,
}

/// The state under the ring lock.
pub(super) struct Ring {
    active: Option<Active>,
    filter: Option<KBox<Filter>>,
    fill: Fill,
    /// Set by a LOSS record, for the first record behind it.
    overrun: bool,
    lost_since: u64,
    lost_by: LostBy,
    /// Requests without an answer that no record has told of.
    untold: u64,
    pending: ArcFifo<Watch>,
    done: ArcFifo<Watch>,
    delivered: u64,
    filtered: u64,
    lost: u64,
}

impl Ring {
    pub(super) fn new() -> Self {
        Self {
            active: None,
            filter: None,
            fill: Fill::new(),
            overrun: false,
            lost_since: 0,
            lost_by: LostBy::Nobody,
            untold: 0,
            pending: ArcFifo::new(),
            done: ArcFifo::new(),
            delivered: 0,
            filtered: 0,
            lost: 0,
        }
    }

    pub(super) fn activate(&mut self, producer: Producer, slots: RingSlots) {
        self.fill.start(producer.head());
        self.active = Some(Active { producer, slots });
    }

    pub(super) fn replace_filter(&mut self, filter: Option<KBox<Filter>>) -> Option<KBox<Filter>> {
        core::mem::replace(&mut self.filter, filter)
    }

    /// Delivered, filtered, lost.
    pub(super) fn counters(&self) -> (u64, u64, u64) {
        (self.delivered, self.filtered, self.lost)
    }

    /// Size in slots; 0 without a ring.
    pub(super) fn size(&self) -> u32 {
        self.active.as_ref().map_or(0, |a| a.producer.size())
    }

    /// Sets when sleepers are woken; `None`: at once.
    pub(super) fn set_watermark(&mut self, watermark: Option<Watermark>) {
        let head = self.active.as_ref().map_or(0, |a| a.producer.head());
        self.fill.set_watermark(watermark, head);
    }

    /// Whether a sleeper should read now; `None` without a ring or with an impossible tail. `due`: the
    /// watermark's time is over.
    pub(super) fn readable(&mut self, due: bool) -> Option<bool> {
        let active = self.active.as_ref()?;
        let used = active.producer.used(active.slots.load_tail()).ok()?;
        Some(self.fill.is_readable(used, due))
    }

    /// What to do about sleepers after something was written or lost. To be called once for it, under
    /// the same hold of the lock.
    #[inline]
    pub(super) fn signal(&mut self) -> Signal {
        if self.fill.watermark.is_none() {
            return Signal::Wake;
        }
        self.signal_by_watermark()
    }

    #[inline(never)]
    fn signal_by_watermark(&mut self) -> Signal {
        let Some(active) = &self.active else {
            return Signal::Wake;
        };
        // The tail is read after the head was published, so that a consumer that goes to sleep
        // meanwhile is not missed.
        let tail = active.slots.load_tail_after_publish();
        let used = active.producer.used(tail).ok();
        self.fill
            .signal(active.producer.head(), used, self.lost_since != 0)
    }

    /// Counts `count` records of `watch` as lost (the counters are the kernel's own; LOSS is
    /// written later without a further event).
    fn lose(&mut self, watch: &Watch, count: u64) {
        self.lost = self.lost.wrapping_add(count);
        self.lost_since = self.lost_since.wrapping_add(count);
        self.stop_run();
        self.fill.note_loss();
        watch.count_lost(count);
        self.lost_by = match self.lost_by {
            LostBy::Nobody => LostBy::One {
                handle: watch.handle_number(),
                cookie: watch.cookie(),
            },
            LostBy::One { handle, .. } if handle == watch.handle_number() => self.lost_by,
            _ => LostBy::Many,
        };
    }

    /// Something begins to wait.
    #[inline]
    fn stop_run(&mut self) {
        if let Some(active) = &mut self.active {
            active.producer.stop_run();
        }
    }

    /// Whether anything waits for room. What makes it so stops the run.
    #[inline]
    fn waiting(&self) -> bool {
        self.lost_since != 0 || self.untold != 0 || !self.pending.is_empty()
    }

    /// Writes what waits, as far as there is room, the room for one LOSS included, and as far as one
    /// hold of the lock allows, and publishes it. What to do about sleepers; `None`: nothing was
    /// written, and so nothing more can be.
    pub(super) fn flush(&mut self) -> Option<Signal> {
        self.flush_quietly(0).then(|| {
            self.publish();
            self.signal()
        })
    }

    /// As [`Self::flush`], without publishing, and with `reserve` slots kept free behind a LOSS.
    #[inline]
    fn flush_quietly(&mut self, reserve: u32) -> bool {
        self.waiting() && self.flush_waiting(reserve)
    }

    #[cold]
    fn flush_waiting(&mut self, reserve: u32) -> bool {
        let Some(active) = &mut self.active else {
            return false;
        };
        let tail = active.slots.load_tail();
        let mut wrote = false;

        if self.lost_since != 0 {
            if active.producer.fits(tail, [LOSS_SLOTS], reserve).is_err() {
                return false;
            }
            let cookie = match self.lost_by {
                LostBy::One { cookie, .. } => Some(cookie),
                _ => None,
            };
            let [first, fixed @ ..] = record::loss(self.lost_since, cookie);
            active.producer.put(&mut active.slots, first, &fixed, &[]);
            self.fill.count_one();
            self.lost_since = 0;
            self.lost_by = LostBy::Nobody;
            self.overrun = true;
            wrote = true;
        }
        if self.untold != 0 {
            if active
                .producer
                .fits(tail, [UNANSWERED_SLOTS], LOSS_RESERVE)
                .is_err()
            {
                return wrote;
            }
            let [first, fixed @ ..] = record::unanswered(0, self.untold, 0, 0);
            active.producer.put(&mut active.slots, first, &fixed, &[]);
            self.fill.count_one();
            self.untold = 0;
            wrote = true;
        }
        (!self.pending.is_empty() && self.flush_removals(tail)) || wrote
    }

    /// The REMOVALs that wait, without publishing; true when something was written. A function of its
    /// own, because a post to a full ring never gets here.
    #[inline(never)]
    fn flush_removals(&mut self, tail: u32) -> bool {
        let mut wrote = false;
        let Some(active) = &mut self.active else {
            return wrote;
        };
        for _ in 0..MAX_REMOVALS {
            let Some(watch) = self.pending.first() else {
                break;
            };
            if active
                .producer
                .fits(tail, [REMOVAL_SLOTS], LOSS_RESERVE)
                .is_err()
            {
                break;
            }
            let [first, fixed @ ..] = watch.removal_words();
            active.producer.put(&mut active.slots, first, &fixed, &[]);
            self.fill.count_one();
            watch.told();
            wrote = true;
            if let Some(Err(watch)) = self.pending.pop().map(|watch| self.done.push(watch)) {
                // Not reached: it was in one list and has just left it. Nothing may be freed here.
                core::mem::forget(watch);
            }
        }
        wrote
    }

    /// Writes an UNANSWERED record about one request, or lets the request wait to be told of with
    /// others, and publishes; true when something was written.
    pub(super) fn tell_unanswered(&mut self, record: [u64; UNANSWERED_SLOTS as usize]) -> bool {
        let mut wrote = self.flush_quietly(LOSS_RESERVE);
        let mut told = false;
        if let (false, Some(active)) = (self.waiting(), &mut self.active) {
            let tail = active.slots.load_tail();
            if active
                .producer
                .fits(tail, [UNANSWERED_SLOTS], LOSS_RESERVE)
                .is_ok()
            {
                let [first, fixed @ ..] = record;
                active.producer.put(&mut active.slots, first, &fixed, &[]);
                self.fill.count_one();
                told = true;
            }
        }
        if told {
            wrote = true;
        } else {
            self.untold = self.untold.wrapping_add(1);
            self.stop_run();
        }
        if wrote {
            self.publish();
        }
        wrote
    }

    #[inline]
    fn publish(&mut self) {
        if let Some(active) = &mut self.active {
            active.producer.publish(&mut active.slots);
        }
    }

    /// See [`crate::mark::Subscriber::kill`]. What to do about sleepers; `None`: it had ended.
    pub(super) fn kill(&mut self, watch: &Arc<Watch>, reason: Reason) -> Option<Signal> {
        self.end(watch, reason).then(|| {
            self.publish();
            self.signal()
        })
    }

    /// See [`crate::queue::Queue::withdraw`]. As [`Self::kill`].
    pub(super) fn withdraw(&mut self, watch: &Arc<Watch>, reason: Reason) -> Option<Signal> {
        let (delivered, _, lost) = watch.counters();
        if watch.state() == State::Dead || delivered != 0 || lost != 0 {
            return self.kill(watch, reason);
        }
        watch.set_dead(reason);
        watch.told();
        None
    }

    /// Makes the watch dead and writes its REMOVAL or lets it wait, without publishing.
    #[cold]
    #[inline(never)]
    fn end(&mut self, watch: &Arc<Watch>, reason: Reason) -> bool {
        if watch.state() == State::Dead {
            return false;
        }
        watch.set_dead(reason);
        if let Some(claim) = watch.claim() {
            crate::RELEASES.get().push(claim);
        }
        self.flush_quietly(LOSS_RESERVE);
        let mut written = false;
        if let (false, Some(active)) = (self.waiting(), &mut self.active) {
            let tail = active.slots.load_tail();
            if active
                .producer
                .fits(tail, [REMOVAL_SLOTS], LOSS_RESERVE)
                .is_ok()
            {
                let [first, fixed @ ..] = watch.removal_words();
                active.producer.put(&mut active.slots, first, &fixed, &[]);
                self.fill.count_one();
                written = true;
            }
        }
        if written || self.active.is_none() {
            watch.told();
        } else {
            // It cannot be in a list: a watch ends once.
            let _ = self.pending.push(watch.clone());
            self.stop_run();
        }
        true
    }

    /// The watches whose REMOVAL was written after it had waited; to be dropped after the lock.
    pub(super) fn take_done(&mut self) -> ArcFifo<Watch> {
        core::mem::replace(&mut self.done, ArcFifo::new())
    }

    /// Takes away everything that the caller has to free after the lock: the ring's memory, the
    /// filter, and the watches whose REMOVAL will not be read.
    pub(super) fn dismantle(&mut self) -> Rest {
        self.lost_since = 0;
        self.untold = 0;
        Rest {
            _active: self.active.take(),
            _filter: self.filter.take(),
            pending: core::mem::replace(&mut self.pending, ArcFifo::new()),
            _done: self.take_done(),
        }
    }
}

/// What [`Ring::dismantle`] took.
pub(super) struct Rest {
    _active: Option<Active>,
    _filter: Option<KBox<Filter>>,
    pending: ArcFifo<Watch>,
    _done: ArcFifo<Watch>,
}

impl Drop for Rest {
    fn drop(&mut self) {
        while let Some(watch) = self.pending.pop() {
            watch.told();
        }
    }
}
