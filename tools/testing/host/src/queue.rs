// SPDX-License-Identifier: GPL-2.0

//! The state under the ring lock (`queue/ring.rs`) with a ring and its consumer around it.
//!
//! Stands where `queue.rs` stands in the module, without lock, wait queue and marks. Used by
//! `model` and `queue_tests`.

use super::{
    fill::Signal,
    ring::{Event, Ring},
    watch::{Reason, Watch},
};
#[cfg(test)]
use super::{fill::Watermark, filter::Filter};
use crate::{consumer::Consumer, memory::Memory, ring::producer::Producer, rust::prelude::Arc};

pub(crate) use super::ring::Records;

/// Counters of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) delivered: u64,
    pub(crate) filtered: u64,
    pub(crate) lost: u64,
}

pub(crate) struct Queue {
    ring: Ring,
    pub(crate) memory: Memory,
    pub(crate) consumer: Consumer,
}

impl Queue {
    /// A queue with an empty ring of `size` slots, its counters at `head`.
    pub(crate) fn new(size: u32, head: u32) -> Self {
        let producer = Producer::starting_at(size, head).expect("a size and a head that can be");
        let mut memory = Memory::new(size);
        producer.init(&mut memory);
        memory.protect_header();
        let mut ring = Ring::new();
        assert_eq!(ring.readable(true), None, "no ring yet");
        ring.activate(producer, memory.clone());
        assert_eq!(ring.size(), size);
        Self {
            ring,
            consumer: Consumer::new(memory.clone()),
            memory,
        }
    }

    /// As SET_FILTER.
    #[cfg(test)]
    pub(crate) fn set_filter(&mut self, filter: Option<Filter>) {
        drop(self.ring.replace_filter(filter.map(Box::new)));
    }

    /// Posts one event to one watch; true when the head moved.
    pub(crate) fn post(&mut self, watch: &Arc<Watch>, records: &[Records<'_>]) -> bool {
        let (before, (.., lost)) = (self.memory.head(), self.ring.counters());
        if let [records] = records {
            let one = records.one(watch);
            if let Some(told) = one.and_then(|one| self.ring.post_one(watch, one)) {
                let wrote = self.memory.head() != before;
                let lost = self.ring.counters().2 - lost;
                assert_eq!(u64::from(wrote) + lost, u64::from(told));
                return wrote;
            }
            assert_eq!(self.memory.head(), before, "the short way gave up late");
        }
        let outcome = self.ring.post(watch, &Event { records }, true);
        assert!(
            outcome.wrote || self.memory.head() == before,
            "a sleeping reader is not told"
        );
        assert!(!outcome.fired || watch.is_oneshot());
        assert_eq!(outcome.lost, self.ring.counters().2 != lost);
        outcome.wrote
    }

    /// Ends a watch; what to do about sleepers, if it had not ended before.
    pub(crate) fn kill(&mut self, watch: &Arc<Watch>, reason: Reason) -> Option<Signal> {
        self.ring.kill(watch, reason)
    }

    /// Ends a watch whose ADD_WATCH fails.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests withdraw watches"))]
    pub(crate) fn withdraw(&mut self, watch: &Arc<Watch>) -> Option<Signal> {
        self.ring.withdraw(watch, Reason::Removed)
    }

    /// Tells of a request for permission that was decided without an answer; true when the head moved.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests tell of requests"))]
    pub(crate) fn tell_unanswered(&mut self, request: u64, reason: u32, error: u32) -> bool {
        let record = crate::ring::record::unanswered(request, 1, reason, error);
        self.ring.tell_unanswered(record)
    }

    /// What poll() does: writes what waits, then says whether there is something to read; `None`
    /// when the tail is impossible.
    pub(crate) fn poll(&mut self) -> Option<bool> {
        while self.flush().is_some() {}
        self.ring.readable(false)
    }

    /// Writes what waits; what to do about sleepers, if something was written.
    pub(crate) fn flush(&mut self) -> Option<Signal> {
        let signal = self.ring.flush();
        drop(self.ring.take_done());
        signal
    }

    /// As SET_WATERMARK.
    #[cfg(test)]
    pub(crate) fn set_watermark(&mut self, watermark: Option<Watermark>) {
        self.ring.set_watermark(watermark);
    }

    /// What to do about sleepers; to be called once after each post.
    #[cfg(test)]
    pub(crate) fn signal(&mut self) -> Signal {
        self.ring.signal()
    }

    /// Whether a sleeper should read; `due`: the watermark's time is over.
    #[cfg(test)]
    pub(crate) fn readable(&mut self, due: bool) -> Option<bool> {
        self.ring.readable(due)
    }

    pub(crate) fn counters(&self) -> Counters {
        let (delivered, filtered, lost) = self.ring.counters();
        Counters {
            delivered,
            filtered,
            lost,
        }
    }
}
