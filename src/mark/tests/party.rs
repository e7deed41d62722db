// SPDX-License-Identifier: GPL-2.0

//! Groups and watches of the tests.
//!
//! A [`Party`] is a group with its owner, as a queue would be; a [`Probe`] is its watch. Both are
//! added and removed in the same steps as real ones.

use super::{
    super::{
        connector::NotInserted,
        hooks::Window,
        ConnectorRef,
        Context,
        Entering,
        Group,
        MarkRef,
        MarkSet,
        Role,
        Subscriber, //
    },
    world::world, //
};
use crate::rust::prelude::*;
use core::ptr;

/// What a queue is to a real watch: it has the group, and is kept by its watches.
#[pin_data(PinnedDrop)]
pub(super) struct Owner {
    #[pin]
    pub(super) group: Group<Probe>,
    dups: bool,
    watches: Atomic<u32>,
}

#[pinned_drop]
impl PinnedDrop for Owner {
    fn drop(self: Pin<&mut Self>) {
        if self.watches.load(Acquire) != 0 {
            world().early.fetch_add(1, Full);
        }
        world().owners_dropped.fetch_add(1, Full);
    }
}

/// A watch of the tests.
pub(super) struct Probe {
    owner: Arc<Owner>,
    handle: u64,
    wants: Atomic<u32>,
    reason: Atomic<u32>,
    removals: Atomic<u32>,
    marks: MarkSet<Probe>,
    reap: Atomic<*mut Probe>,
}

impl Probe {
    pub(super) fn new(owner: &Arc<Owner>, wants: u32) -> Result<Arc<Self>> {
        let probe = Self {
            owner: owner.clone(),
            handle: owner.group.new_handle(),
            wants: Atomic::new(wants),
            reason: Atomic::new(0),
            removals: Atomic::new(0),
            marks: MarkSet::new(),
            reap: Atomic::new(ptr::null_mut()),
        };
        owner.watches.fetch_add(1, Relaxed);
        world().made.fetch_add(1, Relaxed);
        // If this fails, the drop counts it.
        Ok(Arc::new(probe, GFP_KERNEL)?)
    }

    /// Step one; true for the one call that did it, whose caller does step two.
    pub(super) fn end(&self, reason: u32) -> bool {
        let first = self.reason.cmpxchg(0, reason, Full).is_ok();
        if first {
            self.group().one_died();
            self.removals.fetch_add(1, Full);
            world().kills.fetch_add(1, Full);
        }
        first
    }

    /// How many removal records it would have written.
    pub(super) fn removals(&self) -> u32 {
        self.removals.load(Relaxed)
    }

    /// Why it ended; 0 while it has not.
    pub(super) fn reason(&self) -> u32 {
        self.reason.load(Relaxed)
    }

    pub(super) fn set_wants(&self, wants: u32) {
        self.wants.store(wants, Relaxed);
    }

    pub(super) fn is_of(&self, party: &Party) -> bool {
        ptr::eq(&*self.owner, &*party.0)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // The group must still be there; KASAN would tell.
        self.owner.group.ended();
        self.owner.watches.fetch_sub(1, Full);
        world().dropped.fetch_add(1, Full);
    }
}

impl Subscriber for Probe {
    type Reason = u32;
    type Lease = super::table::Lease;

    fn context() -> &'static Context<Self> {
        &world().context
    }

    fn group(&self) -> &Group<Self> {
        &self.owner.group
    }

    fn handle(&self) -> u64 {
        self.handle
    }

    fn marks(&self) -> &MarkSet<Self> {
        &self.marks
    }

    fn interest(&self, role: Role) -> u32 {
        self.wants.load(Relaxed) | role
    }

    fn is_dead(&self) -> bool {
        self.reason() != 0
    }

    fn kill(this: &Arc<Self>, reason: u32) -> bool {
        let first = this.end(reason);
        if first {
            Self::context().reap_watch(this.clone());
        }
        first
    }

    fn withdraw(this: &Arc<Self>, _why: NotInserted) {
        // It is not told.
        if this.reason.cmpxchg(0, REMOVED, Full).is_ok() {
            this.group().one_died();
        }
    }

    fn same(&self, _role: Role, _other: &Self, _other_role: Role) -> bool {
        !self.owner.dups
    }

    fn ended(&self) {
        world().ended.fetch_add(1, Full);
    }

    fn reap_link(&self) -> &Atomic<*mut Self> {
        &self.reap
    }

    fn hook(window: Window) {
        world().pass(window);
    }
}

/// A group and its owner. Dropping it ends its watches.
pub(super) struct Party(pub(super) Arc<Owner>);

/// Why the watches of a party end.
pub(super) const REMOVED: u32 = 1;
/// Why those of a target end.
pub(super) const GONE: u32 = 2;

impl Party {
    /// With `dups` it may have several watches on one object.
    pub(super) fn new(dups: bool) -> Result<Self> {
        Ok(Self(Arc::pin_init(
            try_pin_init!(Owner {
                group <- Group::new(),
                dups,
                watches: Atomic::new(0),
            }? Error),
            GFP_KERNEL,
        )?))
    }

    /// Parties in the order in which a walk has to show them.
    pub(super) fn in_order(n: usize) -> Result<KVec<Self>> {
        let mut parties = KVec::with_capacity(n, GFP_KERNEL)?;
        for _ in 0..n {
            parties.push(Self::new(false)?, GFP_KERNEL)?;
        }
        parties.sort_unstable_by_key(Self::address);
        Ok(parties)
    }

    pub(super) fn address(&self) -> usize {
        ptr::from_ref(&self.0.group).addr()
    }

    /// Adds a watch, as ADD_WATCH does. ENOENT when the object is dying, EEXIST.
    pub(super) fn add(&self, to: &ConnectorRef<Probe>, wants: u32) -> Result<Arc<Probe>> {
        let probe = Probe::new(&self.0, wants)?;
        self.add_mark(&probe, to, 0)?;
        Ok(probe)
    }

    /// Enters a watch, or gives it one more mark.
    pub(super) fn add_mark(
        &self,
        probe: &Arc<Probe>,
        to: &ConnectorRef<Probe>,
        role: Role,
    ) -> Result {
        let mark = MarkRef::new(probe.clone(), role)?;
        let mut group = self.0.group.lock();
        let inserted = if group.get(probe.handle).is_none() {
            let mut entering = Entering::new(group, probe)?;
            let inserted = entering.insert(to, mark);
            if inserted.is_ok() {
                entering.finish();
            }
            inserted
        } else {
            let inserted = group.insert(probe, to, mark);
            drop(group);
            inserted.map_err(|(_mark, why)| why)
        };
        inserted.map_err(|why| match why {
            NotInserted::Destroying => ENOENT,
            NotInserted::Exists => EEXIST,
            NotInserted::Full => EDQUOT,
        })
    }

    /// Ends a watch, both steps. ENOENT when it has ended.
    pub(super) fn remove(&self, probe: &Arc<Probe>) -> Result {
        let removed = {
            let mut group = self.0.group.lock();
            if !probe.end(REMOVED) {
                return Err(ENOENT);
            }
            group.remove(probe.handle)
        };
        removed.map(drop).ok_or(ENOENT)
    }

    /// How many watches are alive.
    pub(super) fn count(&self) -> u64 {
        self.0.group.alive()
    }

    /// How many watches there are in the table, dead or alive.
    pub(super) fn in_table(&self) -> usize {
        let group = self.0.group.lock();
        let (mut n, mut from) = (0, 0);
        while let Some(probe) = group.next_from(from) {
            from = probe.handle.wrapping_add(1);
            n += 1;
        }
        n
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        let mut from = 0;
        loop {
            let next = self.0.group.lock().next_from(from);
            let Some(probe) = next else { break };
            from = probe.handle.wrapping_add(1);
            // It may be with the reaper already.
            let _ = self.remove(&probe);
        }
    }
}
