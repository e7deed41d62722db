// SPDX-License-Identifier: GPL-2.0

//! How a request is decided: by an answer, or without one and for which reason; the policy; and
//! counters for each.
//!
//! A decision fits into one word, so that one exchange makes it. Used by [`super::request`].

use crate::rust::prelude::*;
use kernel::error::to_result;

/// Why a request was decided without an answer; the numbers are those of `enum
/// watch_unanswered_reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Reason {
    /// The deadline has come.
    Timeout = 1,
    /// The process that opened the queue has exited.
    Listener = 2,
    /// SHUTDOWN, or the queue's end.
    Shutdown = 3,
    /// No room in the ring until the deadline.
    NotAsked = 4,
    /// The task that waited was killed.
    Killed = 5,
}

impl Reason {
    /// Whether it has to do with the listener, and is not usual.
    pub(super) fn is_of_listener(self) -> bool {
        matches!(self, Self::Listener | Self::NotAsked)
    }
}

/// How a request was decided.
#[derive(Clone, Copy)]
pub(crate) struct Decision {
    /// Why there was no answer; `None`: there was one.
    pub(crate) unanswered: Option<Reason>,
    /// What the task gets: 0, or an errno.
    pub(crate) error: u32,
}

/// The state of a request that is not decided.
pub(super) const WAITING: u32 = 0;
/// The same, and there was no room in the ring for its record.
pub(super) const LACKING: u32 = 2;
/// It was answered; the errno is above.
const ANSWERED: u32 = 1;
/// Plus the reason.
const UNANSWERED: u32 = 0x10;
const ERROR_SHIFT: u32 = 8;

impl Decision {
    /// By an answer; `error` is 0 or an errno.
    pub(super) fn answered(error: u32) -> Self {
        Self {
            unanswered: None,
            error,
        }
    }

    /// As the state of a request.
    pub(super) fn to_state(self) -> u32 {
        let how = self.unanswered.map_or(ANSWERED, |r| UNANSWERED | r as u32);
        how | self.error << ERROR_SHIFT
    }

    /// From the state of a request; `None` while it waits.
    pub(super) fn from_state(state: u32) -> Option<Self> {
        let unanswered = match state & 0xff {
            WAITING | LACKING => return None,
            ANSWERED => None,
            how => Some(match how & !UNANSWERED {
                1 => Reason::Timeout,
                2 => Reason::Listener,
                3 => Reason::Shutdown,
                4 => Reason::NotAsked,
                _ => Reason::Killed,
            }),
        };
        Some(Self {
            unanswered,
            error: state >> ERROR_SHIFT,
        })
    }

    /// For the task that has waited.
    pub(super) fn result(self) -> Result {
        match self.unanswered {
            Some(Reason::Killed) => Err(ERESTARTSYS),
            _ => to_result((self.error as c_int).wrapping_neg()),
        }
    }
}

/// What happens without an answer.
#[derive(Clone, Copy)]
pub(crate) struct Policy {
    /// How long an answer may take.
    pub(crate) timeout_ms: u32,
    /// Then the task is refused.
    pub(crate) deny: bool,
}

impl Policy {
    /// Ten seconds, then go on.
    pub(super) const DEFAULT: Self = Self {
        timeout_ms: 10_000,
        deny: false,
    };

    /// What it says when there is no answer for this `reason`. A task that was killed gets nothing.
    pub(super) fn decide(self, reason: Reason) -> Decision {
        let error = match reason {
            Reason::Killed => EINTR.to_errno(),
            _ if self.deny => EPERM.to_errno(),
            _ => 0,
        };
        Decision {
            unanswered: Some(reason),
            error: error.unsigned_abs(),
        }
    }
}

/// What became of the requests; `asked` is the sum of the others.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counters {
    /// A watch wanted to be asked.
    pub(crate) asked: u64,
    /// Answered: go on.
    pub(crate) allowed: u64,
    /// Answered: no.
    pub(crate) denied: u64,
    /// The deadline came first.
    pub(crate) timed_out: u64,
    /// No task could be asked, or could answer any more: the sum of the next three.
    pub(crate) by_policy: u64,
    /// There was no room until the deadline.
    pub(crate) not_asked: u64,
    /// The process that opened the queue had exited.
    pub(crate) listener_gone: u64,
    /// The queue has ended.
    pub(crate) shut_down: u64,
    /// The task was killed.
    pub(crate) killed: u64,
    /// Not decided yet.
    pub(crate) pending: u64,
}

impl Counters {
    /// One more was begun.
    pub(super) fn begin(&mut self) {
        self.asked = self.asked.wrapping_add(1);
        self.pending = self.pending.wrapping_add(1);
    }

    /// One that was begun was not asked after all.
    pub(super) fn withdraw(&mut self) {
        self.asked = self.asked.wrapping_sub(1);
        self.pending = self.pending.wrapping_sub(1);
    }

    /// One that was begun is decided.
    pub(super) fn decide(&mut self, decision: Decision) {
        self.pending = self.pending.wrapping_sub(1);
        let counter = match decision.unanswered {
            None if decision.error == 0 => &mut self.allowed,
            None => &mut self.denied,
            Some(Reason::Timeout) => &mut self.timed_out,
            Some(Reason::Killed) => &mut self.killed,
            Some(Reason::NotAsked) => &mut self.not_asked,
            Some(Reason::Listener) => &mut self.listener_gone,
            Some(Reason::Shutdown) => &mut self.shut_down,
        };
        *counter = counter.wrapping_add(1);
        self.by_policy = self
            .not_asked
            .wrapping_add(self.listener_gone)
            .wrapping_add(self.shut_down);
    }
}
