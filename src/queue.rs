// SPDX-License-Identifier: GPL-2.0

//! A queue: one open file of `/dev/watch_queue`.
//!
//! It joins a ring ([`ring`]), a filter ([`filter`]), a wait queue and a group of watches
//! ([`watch`]), and remembers its opener. Sources post to it through [`Queue::post`]; the device
//! drives it through the other functions. It lives until its file is released and the last of its
//! watches is freed.
//!
//! Lock order: `mark_mutex` and `memory` (neither inside the other), then the ring lock. mmap takes
//! `memory` under the mm's lock, so nothing of user space is touched under it. Nothing is woken or
//! freed under the ring lock.

pub(crate) mod ending;
pub(crate) mod fill;
pub(crate) mod filter;
mod info;
pub(crate) mod limits;
pub(crate) mod permission;
mod post;
pub(crate) mod release;
pub(crate) mod ring;
mod wake;
pub(crate) mod watch;

use self::{
    fill::{
        Signal,
        Watermark, //
    },
    filter::Filter,
    limits::{
        RingCharge,
        User, //
    },
    permission::Questions,
    ring::Ring,
    wake::{
        From,
        Waiters,
        WakeWork, //
    },
    watch::{
        Reason,
        Watch, //
    },
};
use crate::rust::prelude::*;
use crate::{
    mark::{
        Group,
        Subscriber, //
    },
    ring::producer::Producer,
    rust::{
        mm::{
            ring_memory::RingMemory,
            ring_slots::RingSlots, //
        },
        sync::{
            arc_fifo::FifoLink,
            raw_spinlock::{
                new_raw_spinlock,
                RawSpinLock, //
            },
            wait_queue::{
                WaitQueue,
                POLLERR,
                POLLHUP,
                POLLIN,
                POLLRDNORM, //
            },
        },
        task::pid::{
            PidNs,
            Process, //
        },
    },
};
use kernel::{
    mm::virt::VmaNew,
    new_mutex,
    page::PAGE_SIZE,
    sync::{
        Mutex,
        SetOnce, //
    },
    time::Jiffies, //
};

/// The opener of a queue, as far as its records and its accounting depend on it.
pub(crate) struct Opener {
    /// The process ids in records are those of this namespace.
    pub(crate) pid_ns: PidNs,
    /// May see the process ids of others.
    pub(crate) sees_all: bool,
    /// The opener's own thread group: its id is always seen, and it answers the queue's questions.
    pub(crate) process: Process,
}

/// One open file.
#[pin_data]
pub(crate) struct Queue {
    #[pin]
    ring: RawSpinLock<Ring>,
    #[pin]
    waiters: WakeWork,
    #[pin]
    group: Group<Watch>,
    #[pin]
    memory: Mutex<Option<Memory>>,
    questions: Questions,
    /// Events of which it is not known whether they were for a watch on a subtree.
    unplaced: Atomic<u64>,
    opener: Opener,
    user: User,
    ending: FifoLink<Queue>,
}

/// How many watches are ended in one piece: one or two milliseconds.
const PIECE: u32 = 1024;

/// The pages of a ring and what their owner was charged for them.
struct Memory {
    pages: Arc<RingMemory>,
    _charge: RingCharge,
}

impl Opener {
    /// The process that causes the event under way, as a record of this opener's queue may tell it:
    /// 0 for a kernel thread, when it has no number in the opener's namespace, or when it is
    /// another's and the opener may not see those. Process context, also under a raw lock.
    #[inline]
    pub(crate) fn pid(&self) -> u32 {
        match self.sees_all {
            true => self.pid_ns.tgid_in(None),
            false => self.own_pid(),
        }
    }

    /// The opener's own, or 0.
    #[cold]
    #[inline(never)]
    fn own_pid(&self) -> u32 {
        self.pid_ns.tgid_in(Some(&self.process))
    }
}

impl Queue {
    /// A queue without a ring.
    pub(crate) fn new(opener: Opener, user: User) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            ring <- new_raw_spinlock!(Ring::new(), "queue.ring"),
            waiters <- Waiters::new(crate::WORK.get().clone()),
            group <- Group::new(),
            memory <- new_mutex!(None, "queue.memory"),
            questions: SetOnce::new(),
            unplaced: Atomic::new(0),
            opener,
            user,
            ending: FifoLink::new(),
        })
    }

    /// The group of the queue's watches.
    #[inline]
    pub(crate) fn group(&self) -> &Group<Watch> {
        &self.group
    }

    /// Counts an event of which it is not known whether it is for a watch.
    #[cold]
    pub(crate) fn count_unplaced(&self) {
        self.unplaced.fetch_add(1, Relaxed);
    }

    /// How many those were.
    pub(crate) fn unplaced(&self) -> u64 {
        self.unplaced.load(Relaxed)
    }

    /// The opener of the queue.
    #[inline]
    pub(crate) fn opener(&self) -> &Opener {
        &self.opener
    }

    /// Gives the queue its ring of `pages` pages (a power of two, at most `max_pages`). `charge`
    /// accounts for them. Once: EBUSY, which is looked at first; after a failure it may be tried
    /// again. EINVAL, ENOMEM, and what `charge` gives.
    ///
    /// The whole of `pages` is looked at (no narrowing before the checks). Nothing can post before
    /// the ring is complete, because no watch can be added without one.
    pub(crate) fn set_size(
        &self,
        pages: usize,
        max_pages: usize,
        charge: impl FnOnce(usize) -> Result<RingCharge>,
    ) -> Result {
        let mut memory = self.memory.lock();
        if memory.is_some() {
            return Err(EBUSY);
        }
        if !pages.is_power_of_two() || pages > max_pages {
            return Err(EINVAL);
        }
        let slots = pages
            .checked_mul(PAGE_SIZE / crate::ring::SLOT_BYTES)
            .and_then(|slots| u32::try_from(slots).ok())
            .ok_or(EINVAL)?;
        let producer = Producer::new(slots).ok_or(EINVAL)?;
        let charge = charge(pages)?;
        let pages = Arc::new(RingMemory::new(pages)?, GFP_KERNEL_ACCOUNT)?;
        let mut slots = RingSlots::new(pages.clone());
        producer.init(&mut slots);
        self.ring.lock().activate(producer, slots);
        *memory = Some(Memory {
            pages,
            _charge: charge,
        });
        drop(memory);
        // A task that polled before there was a ring looks again.
        self.waiters.list().wake_all(POLLERR);
        Ok(())
    }

    /// Maps the ring. EINVAL before [`Self::set_size`] and for every mapping that is not a shared
    /// one of at most the ring's length from offset 0.
    pub(crate) fn map(&self, vma: &VmaNew) -> Result {
        self.memory.lock().as_ref().ok_or(EINVAL)?.pages.map(vma)
    }

    /// Whether the queue has its ring.
    pub(crate) fn has_ring(&self) -> bool {
        self.ring.lock().size() != 0
    }

    /// Replaces the filter. An event that is posted meanwhile is judged by the old one or by the
    /// new one, never by a mixture (the filter belongs to the ring's state; it is swapped under the
    /// ring lock and freed after it by the only owner).
    pub(crate) fn set_filter(&self, filter: Option<KBox<Filter>>) {
        let old = self.ring.lock().replace_filter(filter);
        drop(old);
    }

    /// Ends one watch of this queue, step one, and does about sleepers what the REMOVAL asks for. True
    /// for the one call that did it, whose caller does step two. Process context, under
    /// `mark_mutex`.
    fn kill(&self, watch: &Arc<Watch>, reason: Reason) -> bool {
        let mut ring = self.ring.lock();
        let signal = ring.kill(watch, reason);
        self.act(From::Process, ring, signal.unwrap_or(Signal::Quiet));
        signal.is_some()
    }

    /// As [`Self::kill`], from any context but NMI; the reaper does step two. It has the watch
    /// before the watch can be seen to be dead under the ring lock, so a task that has ended a
    /// queue and flushes the reaper has met every watch of it.
    pub(crate) fn kill_anywhere(&self, watch: &Arc<Watch>, reason: Reason) -> bool {
        let mut ring = self.ring.lock();
        let signal = ring.kill(watch, reason);
        if signal.is_some() {
            Watch::context().reap_watch(watch.clone());
        }
        self.act(From::Anywhere, ring, signal.unwrap_or(Signal::Quiet));
        signal.is_some()
    }

    /// Step one for a watch that could not be entered after all: its handle was not given out, so
    /// it has a REMOVAL only if it has reported something. Process context, under `mark_mutex`; the
    /// caller does step two.
    pub(crate) fn withdraw(&self, watch: &Arc<Watch>, reason: Reason) {
        let mut ring = self.ring.lock();
        let signal = ring.withdraw(watch, reason);
        self.act(From::Process, ring, signal.unwrap_or(Signal::Quiet));
    }

    /// Writes what had to wait for room, wakes sleepers, lets go of watches whose REMOVAL was
    /// written, and lets questions that wait for room look. Process context, no locks.
    pub(crate) fn settle(&self) {
        loop {
            let mut ring = self.ring.lock();
            let signal = ring.flush();
            let done = ring.take_done();
            self.act(From::Process, ring, signal.unwrap_or(Signal::Quiet));
            drop(done);
            if signal.is_none() {
                break;
            }
        }
        self.offer_room();
    }

    /// Poll events that are true now. The caller has entered the wait queue before; POLLERR while
    /// there is no ring or while the tail is impossible (the private head and one load of the tail
    /// under the lock decide).
    pub(crate) fn poll(&self) -> u32 {
        self.settle();
        let due = self.waiters.is_due();
        let readable = match self.ring.lock().readable(due) {
            Some(true) => POLLIN | POLLRDNORM,
            Some(false) => 0,
            None => POLLERR,
        };
        let ended = if self.ended() { POLLHUP } else { 0 };
        readable | ended
    }

    /// Sets when sleepers are woken; `None`: whenever a record is written. `delay` is the time of a
    /// timed watermark; for what waits already it begins now. Tasks that sleep now look again.
    pub(crate) fn set_watermark(&self, watermark: Option<Watermark>, delay: Jiffies) {
        // Before the ring knows: a record that the new watermark counts has the new time.
        self.waiters.set_delay(delay);
        let waits = {
            let mut ring = self.ring.lock();
            ring.set_watermark(watermark);
            // With nothing in it the ring is not readable, whatever is due.
            ring.readable(true) != Some(false)
        };
        if watermark.is_some_and(|mark| mark.timed) {
            self.waiters.restart(waits);
        }
        self.waiters.wake();
    }

    /// The wait queue, to enter before [`Self::poll`].
    pub(crate) fn waiters(&self) -> &WaitQueue {
        self.waiters.list()
    }

    /// Ends one watch by handle, both steps. ENOENT.
    pub(crate) fn remove(&self, handle: u64) -> Result {
        let removed = {
            let mut group = self.group.lock();
            let watch = group.get(handle).ok_or(ENOENT)?;
            if !self.kill(&watch, Reason::Removed) {
                // It has ended already and waits for the reaper: its REMOVAL is on the way.
                return Err(ENOENT);
            }
            group.remove(handle)
        };
        drop(removed);
        Ok(())
    }

    /// Ends watches of type `kind` (0: of every type), both steps, from the handle `from` on: at most a
    /// [`PIECE`]. The handle to go on with, if that many were ended.
    fn end_some(&self, kind: u32, reason: Reason, mut from: u64) -> Option<u64> {
        let mut ended = 0;
        while ended < PIECE {
            let removed = {
                let mut group = self.group.lock();
                let watch = group.next_from(from)?;
                from = watch.handle().wrapping_add(1);
                let wanted = kind == 0 || watch.kind() == kind;
                if !wanted || !self.kill(&watch, reason) {
                    continue;
                }
                group.remove(watch.handle())
            };
            drop(removed);
            ended = ended.saturating_add(1);
        }
        Some(from)
    }

    /// Ends every watch of type `kind` (0: of every type), both steps. ERESTARTSYS when a signal came;
    /// then there may be some left, for another call.
    pub(crate) fn remove_all(&self, kind: u32, reason: Reason) -> Result {
        let mut from = 0;
        while let Some(next) = self.end_some(kind, reason, from) {
            from = next;
            // Not for nothing: a SHUTDOWN that has ended all watches is complete.
            if self.watch_count() != 0 && current!().signal_pending() {
                return Err(ERESTARTSYS);
            }
        }
        Ok(())
    }

    /// Whether [`Self::shutdown`] was called.
    pub(crate) fn ended(&self) -> bool {
        self.group.ended()
    }

    /// No watch can be added, no question is asked, and those that wait are decided.
    fn stop(&self) {
        self.group.lock().set_ended();
        self.end_questions();
    }

    /// Ends the queue: every watch gets its REMOVAL. ERESTARTSYS when a signal came before all of them
    /// have it; another call goes on. Process context.
    pub(crate) fn shutdown(&self) -> Result {
        self.stop();
        let done = self.remove_all(0, Reason::QueueShutdown);
        self.waiters.list().wake_all(POLLIN | POLLRDNORM | POLLHUP);
        done
    }

    /// The file is gone, and with it every mapping: ends the queue, drops the records that cannot
    /// be read any more, and gives back the ring and what was charged for it. An event that is
    /// under way finds the queue without a ring (the ring is looked at under the lock under which
    /// it is taken away), and so do the ends of the watches, of which many are left to a job.
    pub(crate) fn release(this: &Arc<Self>) {
        this.stop();
        let rest = this.ring.lock().dismantle();
        drop(rest);
        // A wake-up that was asked for has happened; later posts write nothing and ask for none.
        this.waiters.sync();
        let memory = this.memory.lock().take();
        drop(memory);
        this.user.leave();
        if this.end_some(0, Reason::QueueShutdown, 0).is_some() {
            crate::ENDINGS.get().push(this.clone());
        }
    }

    /// The user for whom the queue's ring and watches count.
    pub(crate) fn user(&self) -> &User {
        &self.user
    }
}
