// SPDX-License-Identifier: GPL-2.0

//! A watch: what user space adds to a queue and removes from it.
//!
//! Everything that does not change is a plain field. The state and the counters are changed under
//! the ring lock of the watch's queue and may be read at any time; the masks are changed under
//! `mark_mutex` and are read by posts without a lock (every field that is read without a lock is
//! atomic).

use super::{
    limits::WatchCharge,
    Queue, //
};
use crate::rust::prelude::*;
use crate::{
    abi::flag,
    mark::{
        MarkSet,
        Subscriber, //
    },
    ring::record::{
        self,
        info,
        REMOVAL_SLOTS, //
    },
    rust::{
        fs::{
            dcache::InodeKey,
            viewer::Viewer, //
        },
        producer::Claim,
        sync::arc_fifo::{
            FifoItem,
            FifoLink, //
        },
    },
};
use core::ptr;

/// Why a watch ended; the numbers are those of `enum watch_removal_reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Reason {
    /// REMOVE_WATCH.
    Removed = 0,
    /// A one-shot watch has fired.
    OneShot = 1,
    /// The object was deleted.
    ObjectGone = 2,
    /// Its file system was unmounted.
    Unmount = 3,
    /// The kernel took the inode of an evictable watch.
    Evicted = 4,
    /// SHUTDOWN, or the queue's end.
    QueueShutdown = 5,
    /// The module that posted the events is being unloaded.
    SourceGone = 6,
}

/// The state of a watch; see `Documentation/marks.rst`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Events are posted.
    Armed,
    /// It has ended.
    Dead,
}

const ARMED: u32 = 0;
/// Plus the reason.
const DEAD: u32 = 0x100;

/// What of a watch never changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spec {
    /// Type of its records: the source.
    pub(crate) kind: u32,
    /// Whose events: the object's own, those of its children, …
    pub(crate) scope: u32,
    /// `WATCH_ADD_*` flags that say how it behaves.
    pub(crate) flags: u32,
    /// Appears in `info` of every record.
    pub(crate) id: u8,
    /// Appears in the body of FS, REMOVAL and LOSS records.
    pub(crate) cookie: u64,
}

/// The masks of a watch at one moment: they change together, so that no event meets the one of before with
/// the other of after.
#[derive(Clone, Copy)]
pub(crate) struct Masks(u64);

impl Masks {
    const fn new(mask: u32, ignore: u32) -> Self {
        Self(mask as u64 | (ignore as u64) << u32::BITS)
    }

    /// The events it wants.
    #[inline(always)]
    pub(crate) const fn mask(self) -> u32 {
        self.0 as u32
    }

    /// The events that it does not want even if another watch of its queue wants them.
    #[inline(always)]
    pub(crate) const fn ignore(self) -> u32 {
        (self.0 >> u32::BITS) as u32
    }
}

/// What a watch on a subtree is about.
pub(crate) struct Below {
    /// The directory at its top.
    pub(crate) root: InodeKey,
    /// Whose rights decide what is told; `None`: everything is.
    pub(crate) viewer: Option<Viewer>,
}

/// A watch.
pub(crate) struct Watch {
    queue: Arc<Queue>,
    handle: u64,
    spec: Spec,
    state: Atomic<u32>,
    masks: Atomic<u64>,
    marks: MarkSet<Watch>,
    waiting: FifoLink<Watch>,
    reap: Atomic<*mut Watch>,
    delivered: Atomic<u64>,
    filtered: Atomic<u64>,
    lost: Atomic<u64>,
    below: Option<KBox<Below>>,
    claim: Option<Arc<Claim>>,
    charge: WatchCharge,
}

impl Watch {
    /// An armed watch without marks, with a new handle. ENOMEM. Process context.
    pub(crate) fn new(queue: &Arc<Queue>, spec: Spec, mask: u32, ignore: u32) -> Result<Arc<Self>> {
        Self::make(queue, spec, mask, ignore, None, None)
    }

    /// As [`Self::new`], for everything below the directory `root`, or for what `viewer` sees of it.
    pub(crate) fn below(
        queue: &Arc<Queue>,
        spec: Spec,
        mask: u32,
        ignore: u32,
        root: InodeKey,
        viewer: Option<Viewer>,
    ) -> Result<Arc<Self>> {
        let below = KBox::new(Below { root, viewer }, GFP_KERNEL_ACCOUNT)?;
        Self::make(queue, spec, mask, ignore, Some(below), None)
    }

    /// As [`Self::new`], on behalf of another module: without masks, told from others by its claim.
    pub(crate) fn claimed(queue: &Arc<Queue>, spec: Spec, claim: Arc<Claim>) -> Result<Arc<Self>> {
        Self::make(queue, spec, 0, 0, None, Some(claim))
    }

    fn make(
        queue: &Arc<Queue>,
        spec: Spec,
        mask: u32,
        ignore: u32,
        below: Option<KBox<Below>>,
        claim: Option<Arc<Claim>>,
    ) -> Result<Arc<Self>> {
        let watch = Self {
            charge: WatchCharge::none(),
            queue: queue.clone(),
            handle: queue.group().new_handle(),
            spec,
            state: Atomic::new(ARMED),
            masks: Atomic::new(Masks::new(mask, ignore).0),
            marks: MarkSet::new(),
            waiting: FifoLink::new(),
            reap: Atomic::new(ptr::null_mut()),
            delivered: Atomic::new(0),
            filtered: Atomic::new(0),
            lost: Atomic::new(0),
            below,
            claim,
        };
        Ok(Arc::new(watch, GFP_KERNEL_ACCOUNT)?)
    }

    /// Counts the watch for the queue's user, before it is entered into a table. EDQUOT.
    pub(crate) fn charge(&self) -> Result {
        self.queue
            .user()
            .charge_watch(&self.charge, self.viewer().is_some())
    }

    /// The queue it posts to.
    #[inline]
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// What never changes.
    #[inline]
    pub(crate) fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Type of its records.
    pub(crate) fn kind(&self) -> u32 {
        self.spec.kind
    }

    /// Its cookie.
    #[inline]
    pub(crate) fn cookie(&self) -> u64 {
        self.spec.cookie
    }

    /// The root of a subtree; otherwise none.
    #[inline]
    pub(crate) fn root(&self) -> InodeKey {
        self.below
            .as_ref()
            .map_or(InodeKey::NONE, |below| below.root)
    }

    /// Whose rights decide what a watch on a subtree tells; `None`: it tells all.
    #[inline]
    pub(crate) fn viewer(&self) -> Option<&Viewer> {
        self.below.as_ref()?.viewer.as_ref()
    }

    /// What another module has said about it.
    pub(super) fn claim(&self) -> Option<&Arc<Claim>> {
        self.claim.as_ref()
    }

    /// The id that another module gave it.
    #[inline]
    pub(crate) fn claimed_id(&self) -> Option<u64> {
        self.claim.as_ref().map(|claim| claim.id())
    }

    /// Its id, in place in `info`.
    #[inline]
    pub(crate) fn info_id(&self) -> u32 {
        u32::from(self.spec.id) << info::ID_SHIFT
    }

    /// Whether it ends after its first event.
    #[inline]
    pub(crate) fn is_oneshot(&self) -> bool {
        self.spec.flags & flag::ONESHOT != 0
    }

    /// Both masks, at one moment.
    #[inline(always)]
    pub(crate) fn masks(&self) -> Masks {
        Masks(self.masks.load(Relaxed))
    }

    /// The events it wants.
    #[inline]
    pub(crate) fn mask(&self) -> u32 {
        self.masks().mask()
    }

    /// The events that it does not want even if another watch of its queue wants them.
    #[inline]
    pub(crate) fn ignore(&self) -> u32 {
        self.masks().ignore()
    }

    /// Sets both masks, at once. The caller holds `mark_mutex`.
    pub(crate) fn set_masks(&self, mask: u32, ignore: u32) {
        self.masks.store(Masks::new(mask, ignore).0, Relaxed);
    }

    /// Adds to both masks, at once. The caller holds `mark_mutex`; what is forgotten meanwhile does not
    /// come back.
    pub(crate) fn add_masks(&self, mask: u32, ignore: u32) {
        let more = Masks::new(mask, ignore).0;
        self.change_masks(|old| old | more);
    }

    /// Forgets what was to be ignored.
    #[inline]
    pub(crate) fn clear_ignore(&self) {
        self.change_masks(|old| Masks::new(Masks(old).mask(), 0).0);
    }

    fn change_masks(&self, new: impl Fn(u64) -> u64) {
        let mut old = self.masks.load(Relaxed);
        while let Err(now) = self.masks.cmpxchg(old, new(old), Relaxed) {
            old = now;
        }
    }

    /// The state. It changes only under the ring lock of the queue.
    #[inline]
    pub(crate) fn state(&self) -> State {
        match self.state.load(Relaxed) {
            ARMED => State::Armed,
            _ => State::Dead,
        }
    }

    /// Makes it dead. The caller holds the ring lock and saw that it was not.
    pub(super) fn set_dead(&self, reason: Reason) {
        self.state.store(DEAD | reason as u32, Release);
        self.group().one_died();
    }

    /// The handle, for code that does not know the mark layer.
    #[inline]
    pub(crate) fn handle_number(&self) -> u64 {
        self.handle
    }

    /// Its REMOVAL was written, or will never be read. Once; any context.
    pub(super) fn told(&self) {
        self.charge.step(self.queue.user());
    }

    /// The REMOVAL record of a dead watch.
    pub(super) fn removal_words(&self) -> [u64; REMOVAL_SLOTS as usize] {
        let reason = self.state.load(Relaxed) & !DEAD;
        record::removal(self.spec.id, self.handle, self.spec.cookie, reason)
    }

    /// Delivered, filtered, lost.
    pub(crate) fn counters(&self) -> (u64, u64, u64) {
        (
            self.delivered.load(Relaxed),
            self.filtered.load(Relaxed),
            self.lost.load(Relaxed),
        )
    }

    /// The caller holds the ring lock, as in the next two.
    #[inline]
    pub(super) fn count_delivered(&self, n: u64) {
        add(&self.delivered, n);
    }

    #[inline]
    pub(super) fn count_filtered(&self, n: u64) {
        add(&self.filtered, n);
    }

    pub(super) fn count_lost(&self, n: u64) {
        add(&self.lost, n);
    }
}

/// Adds to a counter that has one writer at a time: no locked instruction is needed.
#[inline]
fn add(counter: &Atomic<u64>, n: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(n), Relaxed);
}

/// For `crate::source::subscriber`, which makes a watch what the mark layer needs.
impl Watch {
    /// Its marks.
    pub(crate) fn mark_set(&self) -> &MarkSet<Self> {
        &self.marks
    }

    /// Chains it in the reaper's list.
    pub(crate) fn reaper_link(&self) -> &Atomic<*mut Self> {
        &self.reap
    }

    /// It has left its group: its share of the user's limit is given back if its REMOVAL was told, and
    /// what waits for room is written. Process context, no locks.
    pub(crate) fn left_group(&self) {
        self.charge.step(self.queue.user());
        self.queue.settle();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // If it never was in a table, or its group went without asking.
        self.charge.give_back(self.queue.user());
    }
}

impl FifoItem for Watch {
    fn fifo_link(&self) -> &FifoLink<Self> {
        &self.waiting
    }
}
