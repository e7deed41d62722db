// SPDX-License-Identifier: GPL-2.0

//! The counters of a queue and of a watch, as GET_INFO and fdinfo show them.
//!
//! `posted = delivered + lost` holds in every snapshot of GET_INFO and in the queue's lines of
//! fdinfo: all three are changed and read under the ring lock. The lines of the watches in fdinfo
//! are read without it.

use super::{
    permission,
    watch::Watch,
    Queue, //
};
use crate::rust::prelude::*;
use crate::{
    mark::Subscriber,
    rust::device::misc_device::is_full, //
};
use kernel::{
    seq_file::SeqFile,
    seq_print, //
};

/// A snapshot of counters, in records.
#[derive(Clone, Copy)]
pub(crate) struct Counters {
    /// Passed mask and filter.
    pub(crate) posted: u64,
    /// Stopped by the filter.
    pub(crate) filtered: u64,
    /// Written to the ring.
    pub(crate) delivered: u64,
    /// Found no room.
    pub(crate) lost: u64,
}

impl Counters {
    fn new((delivered, filtered, lost): (u64, u64, u64)) -> Self {
        Self {
            posted: delivered.wrapping_add(lost),
            filtered,
            delivered,
            lost,
        }
    }
}

impl Queue {
    /// The counters of the whole queue.
    pub(crate) fn counters(&self) -> Counters {
        Counters::new(self.ring.lock().counters())
    }

    /// A watch by handle, with its counters. ENOENT.
    pub(crate) fn watch_info(&self, handle: u64) -> Result<(Arc<Watch>, Counters)> {
        let watch = {
            let group = self.group.lock();
            let watch = group.get(handle).ok_or(ENOENT)?;
            if watch.is_dead() {
                return Err(ENOENT);
            }
            watch
        };
        let counters = {
            let _ring = self.ring.lock();
            Counters::new(watch.counters())
        };
        Ok((watch, counters))
    }

    /// What became of its requests for permission.
    pub(crate) fn permission_counters(&self) -> permission::Counters {
        self.requests()
            .map(|requests| requests.snapshot().1)
            .unwrap_or_default()
    }

    /// Size of the ring in slots; 0 when there is none.
    pub(crate) fn ring_slots(&self) -> u32 {
        self.ring.lock().size()
    }

    /// Number of live watches.
    pub(crate) fn watch_count(&self) -> u64 {
        self.group.alive()
    }

    /// The lines of `/proc/PID/fdinfo/FD`: the queue, then one line for each watch.
    pub(crate) fn show(&self, seq: &SeqFile) {
        let counters = self.counters();
        seq_print!(
            seq,
            "ring-slots:\t{}\nwatches:\t{}\nposted:\t{}\nfiltered:\t{}\ndelivered:\t{}\nlost:\t{}\nunplaced:\t{}\n",
            self.ring_slots(),
            self.watch_count(),
            counters.posted,
            counters.filtered,
            counters.delivered,
            counters.lost,
            self.unplaced(),
        );
        self.show_requests(seq);
        let mut from = 0;
        loop {
            // The mutex is not held while printing: a long list must not stop others.
            let next = self.group.lock().next_from(from);
            let Some(watch) = next else {
                break;
            };
            if is_full(seq) {
                // The reader comes again with a larger buffer.
                break;
            }
            from = watch.handle().wrapping_add(1);
            if watch.is_dead() {
                continue;
            }
            let (delivered, filtered, lost) = watch.counters();
            seq_print!(
                seq,
                "watch: handle:{} type:{} scope:{} id:{} cookie:{:x} mask:{:x} ignore:{:x} delivered:{} filtered:{} lost:{}\n",
                watch.handle(),
                watch.kind(),
                watch.spec().scope,
                watch.spec().id,
                watch.cookie(),
                watch.mask(),
                watch.ignore(),
                delivered,
                filtered,
                lost,
            );
        }
    }

    /// The lines about requests for permission, if the queue can have any.
    fn show_requests(&self, seq: &SeqFile) {
        let Some(requests) = self.requests() else {
            return;
        };
        let (policy, counters, oldest) = requests.snapshot();
        seq_print!(
            seq,
            "permission: timeout-ms:{} unanswered:{} asked:{} allowed:{} denied:{} timed-out:{} by-policy:{} killed:{} pending:{} oldest:{} not-asked:{} listener-gone:{} shut-down:{}\n",
            policy.timeout_ms,
            if policy.deny { "deny" } else { "allow" },
            counters.asked,
            counters.allowed,
            counters.denied,
            counters.timed_out,
            counters.by_policy,
            counters.killed,
            counters.pending,
            oldest.unwrap_or(0),
            counters.not_asked,
            counters.listener_gone,
            counters.shut_down,
        );
    }
}
