// SPDX-License-Identifier: GPL-2.0

//! How full a ring is, and when that is worth a wake-up.
//!
//! Without a watermark every published record wakes sleepers. With one, a sleeper is woken when
//! enough records or bytes wait, when the first of them has waited long enough, or when something
//! was lost. A pure state machine, `core` only, under the ring lock; the host tests drive it.
//!
//! Bytes are counted exactly. The kernel cannot see how many *records* lie behind a tail that user
//! space moved, so records are counted from the last moment at which the ring was seen empty: a
//! consumer that leaves something behind may be woken early, never late.

/// When sleepers are woken. At least one field is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watermark {
    /// When so many records wait; 0: records do not matter.
    pub(crate) records: u32,
    /// When so many slots are filled; 0: that does not matter.
    pub(crate) slots: u32,
    /// When the first record has waited for a time, which a timer of the caller's measures.
    pub(crate) timed: bool,
}

/// What to do about sleepers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Nothing.
    Quiet,
    /// Wake them.
    Wake,
    /// Wake them, and start the timer, unless it runs, for what they may leave behind.
    WakeAndArm,
    /// Start the timer, unless it runs.
    Arm {
        /// What was written is the first to wait: an earlier run of the timer does not count.
        first: bool,
    },
}

/// The state.
pub(super) struct Fill {
    pub(super) watermark: Option<Watermark>,
    /// Head at the last [`Self::signal`].
    head: u32,
    /// Records written since then.
    fresh: u64,
    /// Records written since the ring was last seen empty, without the fresh ones.
    records: u64,
    /// The loss that is pending was told of.
    told_loss: bool,
    /// Something was lost since the ring was last seen empty: whatever waits is to be read.
    lossy: bool,
}

impl Fill {
    pub(super) fn new() -> Self {
        Self {
            watermark: None,
            head: 0,
            fresh: 0,
            records: 0,
            told_loss: false,
            lossy: false,
        }
    }

    /// The ring exists from now on and is empty.
    pub(super) fn start(&mut self, head: u32) {
        self.head = head;
    }

    /// A record was written.
    #[inline]
    pub(super) fn count_one(&mut self) {
        self.fresh = self.fresh.wrapping_add(1);
    }

    /// Records were lost.
    pub(super) fn note_loss(&mut self) {
        self.lossy = true;
    }

    /// Sets when sleepers are woken, for a ring that was published up to `head`. What was written
    /// before counts in full, because it is not known what of it was read.
    pub(super) fn set_watermark(&mut self, watermark: Option<Watermark>, head: u32) {
        self.watermark = watermark;
        self.head = head;
        self.records = self
            .records
            .saturating_add(core::mem::replace(&mut self.fresh, 0));
    }

    /// The ring was published up to `head`; `used` slots wait, by a tail that was read after that, or
    /// the tail is impossible. `lost`: a loss waits to be told of.
    pub(super) fn signal(&mut self, head: u32, used: Option<u32>, lost: bool) -> Signal {
        let written = head.wrapping_sub(self.head);
        let fresh = core::mem::replace(&mut self.fresh, 0);
        self.head = head;
        let new_loss = lost && !self.told_loss;
        self.told_loss = lost;
        let (Some(mark), Some(used)) = (self.watermark, used) else {
            return Signal::Wake;
        };
        let before = used.saturating_sub(written);
        if before == 0 {
            self.records = 0;
        }
        let old = self.records;
        self.records = old.saturating_add(fresh);
        let crosses = |limit: u32, old: u64, new: u64| {
            let limit = u64::from(limit);
            limit != 0 && old < limit && new >= limit
        };
        if new_loss
            || crosses(mark.records, old, self.records)
            || crosses(mark.slots, before.into(), used.into())
        {
            if mark.timed {
                Signal::WakeAndArm
            } else {
                Signal::Wake
            }
        } else if mark.timed && used != 0 {
            Signal::Arm { first: before == 0 }
        } else {
            Signal::Quiet
        }
    }

    /// Whether a sleeper should read, with `used` slots waiting; `due`: the timer of a timed
    /// watermark has run out.
    pub(super) fn is_readable(&mut self, used: u32, due: bool) -> bool {
        if used == 0 {
            self.records = 0;
            self.lossy = false;
            return false;
        }
        match self.watermark {
            None => true,
            Some(mark) => {
                let reached = |limit: u32, now: u64| limit != 0 && now >= u64::from(limit);
                (mark.timed && due)
                    || self.lossy
                    || reached(mark.records, self.records.saturating_add(self.fresh))
                    || reached(mark.slots, used.into())
            }
        }
    }
}
