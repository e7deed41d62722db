// SPDX-License-Identifier: GPL-2.0

//! A watch, as far as the state under the ring lock knows it: `queue/watch.rs` without marks.

use crate::ring::record::{self, info, REMOVAL_SLOTS};
use std::{cell::Cell, convert::Infallible};

/// Why a watch ended. Only reasons that the ring itself or the tests give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Removed = 0,
    OneShot = 1,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the tests end watches in this way")
    )]
    ObjectGone = 2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Armed,
    Dead,
}

pub(crate) struct Watch {
    id: u8,
    handle: u64,
    cookie: u64,
    oneshot: bool,
    state: Cell<State>,
    reason: Cell<Reason>,
    told: Cell<bool>,
    delivered: Cell<u64>,
    filtered: Cell<u64>,
    lost: Cell<u64>,
}

impl Watch {
    pub(crate) fn new(id: u8, handle: u64, cookie: u64, oneshot: bool) -> Self {
        Self {
            id,
            handle,
            cookie,
            oneshot,
            state: Cell::new(State::Armed),
            reason: Cell::new(Reason::Removed),
            told: Cell::new(false),
            delivered: Cell::new(0),
            filtered: Cell::new(0),
            lost: Cell::new(0),
        }
    }

    /// What the module has to give back when a watch ends: nothing here.
    pub(crate) fn claim(&self) -> Option<Infallible> {
        None
    }

    pub(crate) fn cookie(&self) -> u64 {
        self.cookie
    }

    pub(crate) fn info_id(&self) -> u32 {
        u32::from(self.id) << info::ID_SHIFT
    }

    pub(crate) fn is_oneshot(&self) -> bool {
        self.oneshot
    }

    pub(crate) fn state(&self) -> State {
        self.state.get()
    }

    pub(crate) fn set_dead(&self, reason: Reason) {
        assert_ne!(self.state.get(), State::Dead, "a watch ends once");
        self.state.set(State::Dead);
        self.reason.set(reason);
    }

    /// Its REMOVAL was written: the module gives back what it is charged for.
    pub(crate) fn told(&self) {
        assert_eq!(self.state.get(), State::Dead, "it lives");
        assert!(!self.told.replace(true), "told twice");
    }

    #[cfg(test)]
    pub(crate) fn is_told(&self) -> bool {
        self.told.get()
    }

    pub(crate) fn handle_number(&self) -> u64 {
        self.handle
    }

    pub(crate) fn removal_words(&self) -> [u64; REMOVAL_SLOTS as usize] {
        assert_eq!(self.state.get(), State::Dead, "REMOVAL of a living watch");
        record::removal(self.id, self.handle, self.cookie, self.reason.get() as u32)
    }

    /// Delivered, filtered, lost.
    pub(crate) fn counters(&self) -> (u64, u64, u64) {
        (self.delivered.get(), self.filtered.get(), self.lost.get())
    }

    pub(crate) fn count_delivered(&self, n: u64) {
        self.delivered.set(self.delivered.get() + n);
    }

    pub(crate) fn count_filtered(&self, n: u64) {
        self.filtered.set(self.filtered.get() + n);
    }

    pub(crate) fn count_lost(&self, n: u64) {
        self.lost.set(self.lost.get() + n);
    }
}
