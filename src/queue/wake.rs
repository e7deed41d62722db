// SPDX-License-Identifier: GPL-2.0

//! The tasks that wait for a queue's records, and how they are woken.
//!
//! Waking takes locks that sleep on a real-time kernel, and those of the scheduler; starting a timer
//! takes some of them, too. A source that always runs in process context does both at once. One that
//! does not know where it runs may hold any of those locks already; it only asks for an interrupt,
//! which does the rest on the same CPU as soon as the locks are gone.
//!
//! Used by [`super::Queue`].

use super::fill::Signal;
use crate::rust::prelude::*;
use crate::rust::sync::{
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
    workqueue::{
        new_delayed_job,
        DelayedJob,
        Job,
        OwnedQueue, //
    },
};
use kernel::time::Jiffies;

/// The tasks that wait, and the timer of a watermark.
#[pin_data]
pub(super) struct Sleepers {
    #[pin]
    list: WaitQueue,
    /// The timer runs.
    armed: Atomic<bool>,
    /// The timer has run out, and no first record was written since.
    due: Atomic<bool>,
    /// How long the first record may wait, in jiffies.
    delay: Atomic<usize>,
}

/// What an interrupt has to do for a context that could not.
#[pin_data]
pub(super) struct Waiters {
    #[pin]
    timer: DelayedJob<Sleepers>,
    wants_wake: Atomic<bool>,
    wants_timer: Atomic<bool>,
}

/// What [`super::Queue`] holds: dropping it waits for an interrupt that is under way, and for the
/// timer.
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
    /// With no task waiting. The timer's work runs on `queue`.
    pub(super) fn new(queue: Arc<OwnedQueue>) -> impl PinInit<WakeWork, Error> {
        IrqWork::new(try_pin_init!(Self {
            timer <- new_delayed_job!(
                pin_init!(Sleepers {
                    list <- new_wait_queue!("queue.waiters"),
                    armed: Atomic::new(false),
                    due: Atomic::new(false),
                    delay: Atomic::new(0),
                }),
                queue,
                "wq_watermark"
            ),
            wants_wake: Atomic::new(false),
            wants_timer: Atomic::new(false),
        }? Error))
    }

    /// The wait queue itself.
    pub(super) fn list(&self) -> &WaitQueue {
        &self.timer.list
    }

    /// Sets how long the first record may wait, in jiffies. A full barrier, see [`Self::restart`].
    pub(super) fn set_delay(&self, delay: Jiffies) {
        self.timer.delay.xchg(delay, Full);
    }

    /// Whether the timer has run out for what waits in the ring.
    pub(super) fn is_due(&self) -> bool {
        self.timer.due.load(Relaxed)
    }

    /// A first record was written: its time begins. Under the ring lock, before the timer is started,
    /// so that no run of the timer for that record can be forgotten.
    ///
    /// A full barrier between this and the look at `armed`, as the timer has one between the two in
    /// the other order: either it is seen that the timer has run, or what is due stays due.
    pub(super) fn not_due(&self) {
        self.timer.due.xchg(false, Full);
    }

    /// Wakes the tasks that wait for records, if there are any. Not under a raw lock.
    ///
    /// The head was published before; the look at the wait queue comes after a full barrier, and a
    /// consumer that goes to sleep enters the wait queue and looks at the head after a full barrier
    /// of its own. So one of the two sees the other (the decision never depends on a tail that was
    /// read before the head was stored).
    #[inline]
    pub(super) fn wake(&self) {
        if self.list().has_sleeper() {
            self.list().wake_all(POLLIN | POLLRDNORM);
        }
    }

    /// Starts the timer unless it runs. Not under a raw lock.
    ///
    /// If it runs for records that were read meanwhile, it runs out early for the new ones: a task
    /// may be woken early, none late.
    fn arm(&self) {
        if self.timer.armed.xchg(true, Full) {
            return;
        }
        let mut delay = self.timer.delay.load(Relaxed);
        self.timer.queue(delay);
        // A task that set another delay meanwhile may have restarted the timer before it was queued
        // with the old one. Queueing is a full barrier, also for that task.
        loop {
            let now = self.timer.delay.load(Relaxed);
            if now == delay {
                return;
            }
            delay = now;
            self.timer.requeue(delay);
        }
    }

    /// The delay was set: starts the timer with it if something `waits`, also if it runs. Process
    /// context, not under a raw lock.
    ///
    /// A task that is about to start it is seen here, or sees the new delay: both have a full
    /// barrier between what they store and what they look at.
    pub(super) fn restart(&self, waits: bool) {
        if !waits && !self.timer.armed.load(Relaxed) {
            return;
        }
        self.timer.armed.xchg(true, Full);
        self.timer.requeue(self.timer.delay.load(Relaxed));
    }

    /// Does what the ring asks for, from where the caller may do so.
    ///
    /// A task that sleeps now still sleeps when the interrupt looks again, or was woken in another
    /// way; a task that comes later has seen the head.
    pub(super) fn act(work: &WakeWork, from: From, signal: Signal) {
        let wake = matches!(signal, Signal::Wake | Signal::WakeAndArm);
        let arm = matches!(signal, Signal::Arm { .. } | Signal::WakeAndArm);
        if from == From::Process {
            if arm {
                work.arm();
            }
            if wake {
                work.wake();
            }
            return;
        }
        let wake = wake && work.list().has_sleeper();
        let arm = arm && !work.timer.armed.load(Relaxed);
        if wake {
            work.wants_wake.store(true, Relaxed);
        }
        if arm {
            work.wants_timer.store(true, Relaxed);
        }
        if wake || arm {
            work.queue();
        }
    }
}

impl IrqHandler for Waiters {
    fn run(work: &IrqWork<Self>) {
        if work.wants_timer.xchg(false, Full) {
            work.arm();
        }
        if work.wants_wake.xchg(false, Full) {
            work.wake();
        }
    }
}

impl Job for Sleepers {
    fn run(job: &DelayedJob<Self>) {
        // First the flag, so that a post from now on starts the timer again.
        job.armed.store(false, Relaxed);
        job.due.xchg(true, Full);
        if job.list.has_sleeper() {
            job.list.wake_all(POLLIN | POLLRDNORM);
        }
    }
}
