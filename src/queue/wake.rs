// SPDX-License-Identifier: GPL-2.0

//! Who waits for a queue's records, and how they are woken.
//!
//! Waking takes locks that sleep on a real-time kernel, and those of the scheduler. A source that
//! always runs in process context wakes at once. One that does not know where it runs may hold any
//! of those locks already; it only asks for an interrupt, which does the rest on the same CPU as
//! soon as the locks are gone (TRAPS: B47).
//!
//! Used by [`super::Queue`].

use crate::rust::{
    irq_work::{
        IrqHandler,
        IrqWork, //
    },
    wait_queue::{
        new_wait_queue,
        WaitQueue,
        POLLIN,
        POLLRDNORM, //
    },
};
use kernel::prelude::*;

/// Who waits.
#[pin_data]
pub(super) struct Waiters {
    #[pin]
    list: WaitQueue,
}

/// What [`super::Queue`] holds: dropping it waits for an interrupt that is under way.
pub(super) type WakeWork = IrqWork<Waiters>;

/// Where a post comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// Process context, without a lock that waking could take.
    Process,
    /// Anywhere but NMI.
    Anywhere,
}

impl Waiters {
    /// Nobody waits.
    pub(super) fn new() -> impl PinInit<WakeWork, Error> {
        IrqWork::new(pin_init!(Self {
            list <- new_wait_queue!("queue.waiters"),
        }))
    }

    /// The wait queue itself.
    pub(super) fn list(&self) -> &WaitQueue {
        &self.list
    }

    /// Wakes who waits for records, if there is somebody. Not under a raw lock.
    ///
    /// The head was published before; the look at the wait queue comes after a full barrier, and a
    /// consumer that goes to sleep enters the wait queue and looks at the head after a full barrier
    /// of its own. So one of the two sees the other (TRAPS: B6 (the decision never depends on a
    /// tail that was read before the head was stored)).
    #[inline]
    pub(super) fn wake(&self) {
        if self.list.has_sleeper() {
            self.list.wake_all(POLLIN | POLLRDNORM);
        }
    }

    /// As [`Self::wake`], from where the caller may do so.
    ///
    /// Whoever is asleep now is still there when the interrupt looks again, or was woken by
    /// somebody else; whoever comes later has seen the head.
    #[inline]
    pub(super) fn wake_from(work: &WakeWork, from: From) {
        match from {
            From::Process => work.wake(),
            From::Anywhere => {
                if work.list.has_sleeper() {
                    work.queue();
                }
            }
        }
    }
}

impl IrqHandler for Waiters {
    fn run(work: &IrqWork<Self>) {
        work.wake();
    }
}
