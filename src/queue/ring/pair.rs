// SPDX-License-Identifier: GPL-2.0

//! Posting to two watches at once: the halves of a rename from what one of them sees to what the
//! other one sees.
//!
//! Part of the state under the ring lock.

use super::{
    post::{
        Event,
        Outcome,
        Records, //
    },
    Ring,
    State,
    Watch, //
};
use crate::ring::{
    record::LOSS_RESERVE,
    Slots, //
};
use crate::rust::prelude::*;

/// A record, and the watch that it is for.
pub(crate) type Letter<'a> = (&'a Arc<Watch>, Records<'a>);

impl Ring {
    /// Posts one record to each of two watches of the queue, the second directly behind the first:
    /// both, or none if there is no room for both. A one-shot watch's REMOVAL comes between.
    pub(in super::super) fn post_pair(&mut self, pair: [Letter<'_>; 2]) -> [Outcome; 2] {
        if pair.iter().all(|letter| self.takes(letter)) {
            let wrote = self.flush_quietly(LOSS_RESERVE);
            if self.waiting() || !self.has_room(&pair) {
                for (watch, _) in &pair {
                    self.lose(watch, 1);
                }
                if wrote {
                    self.publish();
                }
                let lost = |wrote| Outcome {
                    wrote,
                    lost: true,
                    no_room: true,
                    fired: false,
                };
                return [lost(wrote), lost(false)];
            }
        }
        pair.map(|(watch, record)| {
            let records = &[record];
            self.post(watch, &Event { records }, true)
        })
    }

    /// Whether the record would be written, if there is room, and nothing with it.
    fn takes(&self, (watch, record): &Letter<'_>) -> bool {
        let subtype = record.base | record.subtypes.trailing_zeros();
        let flags = record.flags | watch.info_id();
        let passes = |filter: &super::Filter| filter.passes(record.kind, subtype as u8, flags);
        watch.state() == State::Armed
            && !watch.is_oneshot()
            && self.filter.as_ref().is_none_or(|filter| passes(filter))
    }

    fn has_room(&self, pair: &[Letter<'_>; 2]) -> bool {
        let lens = pair.iter().map(|(_, record)| record.slots());
        self.active.as_ref().is_some_and(|active| {
            let tail = active.slots.load_tail();
            active.producer.fits(tail, lens, LOSS_RESERVE).is_ok()
        })
    }
}
