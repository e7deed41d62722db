// SPDX-License-Identifier: GPL-2.0

//! Posting to a queue: the ring lock, the ring, then the sleepers.
//!
//! What enters the ring, and how, is [`super::ring`]'s. Nearly every event makes one record for one
//! watch, so that has a short way that is inlined into its callers. Used by all sources.

use super::{
    fill::Signal,
    permission::{
        IfFull,
        Posted, //
    },
    ring::{
        Event,
        Letter,
        One,
        Ring, //
    },
    wake::{
        From,
        Waiters, //
    },
    watch::Watch,
    Queue, //
};
use crate::rust::prelude::*;
use crate::{
    mark::Subscriber,
    ring::record::{
        Body,
        UNANSWERED_SLOTS, //
    },
    rust::sync::raw_spinlock::RawGuard, //
};

impl Queue {
    /// Posts the records of one event to one watch, all or none, and wakes sleepers. Returns at
    /// once when the watch has ended. Process context, without locks.
    ///
    /// The records are passed by reference and never changed.
    #[inline]
    pub(crate) fn post<F: AsRef<[u64]> + Copy>(watch: &Arc<Watch>, event: &Event<'_, F>) {
        Self::post_from(From::Process, watch, event);
    }

    /// As [`Self::post`], and says what became of the record.
    pub(crate) fn post_question<F: AsRef<[u64]>>(
        watch: &Arc<Watch>,
        event: &Event<'_, F>,
        if_full: IfFull,
    ) -> Posted {
        let queue = watch.queue();
        let lose = if_full == IfFull::Lose;
        queue.post_long(From::Process, queue.ring.lock(), watch, event, lose)
    }

    /// As [`Self::post`], from any context but NMI, whatever locks are held: for hooks and other
    /// modules, which do not know where they are called.
    #[inline]
    pub(crate) fn post_anywhere(watch: &Arc<Watch>, event: &Event<'_>) {
        Self::post_from(From::Anywhere, watch, event);
    }

    #[inline]
    fn post_from<F: AsRef<[u64]> + Copy>(from: From, watch: &Arc<Watch>, event: &Event<'_, F>) {
        let queue = watch.queue();
        let mut ring = queue.ring.lock();
        if let [records] = event.records {
            if let Some(tell) = records.one(watch).and_then(|one| ring.post_one(watch, one)) {
                return queue.told(from, ring, tell);
            }
        }
        queue.post_long(from, ring, watch, event, true);
    }

    /// As [`Self::post`], for what makes one record, whose words are made when it is certain that it
    /// will be written, under the ring lock. False: something is not as usual, and nothing was done.
    ///
    /// Inlined, as [`Ring::post_one`] is: the words stay in registers until they are in the ring.
    #[inline(always)]
    pub(crate) fn post_one<'n>(watch: &Watch, one: One<impl Body<'n>>) -> bool {
        let queue = watch.queue();
        let mut ring = queue.ring.lock();
        let posted = ring.post_one(watch, one);
        if let Some(tell) = posted {
            queue.told(From::Process, ring, tell);
        }
        posted.is_some()
    }

    /// Ends a post by the short way: unlocks, and wakes sleepers if there is something to `tell`.
    #[inline(always)]
    fn told(&self, from: From, mut ring: RawGuard<'_, Ring>, tell: bool) {
        if !tell {
            return;
        }
        match ring.signal() {
            Signal::Wake => {
                drop(ring);
                self.wake(from);
            }
            signal => self.act(from, ring, signal),
        }
    }

    /// The long way. `lose`: what finds no room is lost, and otherwise as if it had not been posted.
    #[cold]
    fn post_long<F: AsRef<[u64]>>(
        &self,
        from: From,
        mut ring: RawGuard<'_, Ring>,
        watch: &Arc<Watch>,
        event: &Event<'_, F>,
        lose: bool,
    ) -> Posted {
        let (before, ..) = ring.counters();
        let outcome = ring.post(watch, event, lose);
        let posted = if outcome.no_room {
            Posted::Lost
        } else if ring.counters().0 != before {
            Posted::Written
        } else {
            Posted::Refused
        };
        let signal = if outcome.wrote || outcome.lost {
            ring.signal()
        } else {
            Signal::Quiet
        };
        if outcome.fired {
            // Before a task can read the REMOVAL, close the queue and unload the module.
            Watch::context().reap_watch(watch.clone());
        }
        self.act(from, ring, signal);
        posted
    }

    /// Writes an UNANSWERED record, or lets it wait, and wakes sleepers. Process context.
    pub(super) fn write_unanswered(&self, record: [u64; UNANSWERED_SLOTS as usize]) {
        let mut ring = self.ring.lock();
        if ring.tell_unanswered(record) {
            let signal = ring.signal();
            self.act(From::Process, ring, signal);
        }
    }

    /// As [`Self::post`], if `holds`, which is asked at the moment at which the place in the ring is
    /// certain, under the ring lock. The answer.
    pub(crate) fn post_if<F: AsRef<[u64]>>(
        watch: &Arc<Watch>,
        event: &Event<'_, F>,
        holds: impl FnOnce() -> bool,
    ) -> bool {
        let queue = watch.queue();
        let ring = queue.ring.lock();
        let holds = holds();
        if holds {
            queue.post_long(From::Process, ring, watch, event, true);
        }
        holds
    }

    /// As [`Self::post`], for the halves of a rename to two watches of one queue, both or none.
    pub(crate) fn post_pair(pair: [Letter<'_>; 2]) {
        let [(first, _), (second, _)] = pair;
        let queue = first.queue();
        let mut ring = queue.ring.lock();
        let outcomes = ring.post_pair(pair);
        let signal = if outcomes.iter().any(|outcome| outcome.wrote || outcome.lost) {
            ring.signal()
        } else {
            Signal::Quiet
        };
        for (watch, outcome) in [first, second].into_iter().zip(outcomes) {
            if outcome.fired {
                Watch::context().reap_watch(watch.clone());
            }
        }
        queue.act(From::Process, ring, signal);
    }

    /// Ends a post: unlocks and does about sleepers what the ring said.
    #[inline(never)]
    pub(super) fn act(&self, from: From, ring: RawGuard<'_, Ring>, signal: Signal) {
        if signal == (Signal::Arm { first: true }) {
            self.waiters.not_due();
        }
        drop(ring);
        Waiters::act(&self.waiters, from, signal);
    }

    /// [`Self::act`] for the usual signal.
    #[inline]
    fn wake(&self, from: From) {
        match from {
            From::Process => self.waiters.wake(),
            From::Anywhere => Waiters::act(&self.waiters, from, Signal::Wake),
        }
    }
}
