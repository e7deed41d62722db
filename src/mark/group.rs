// SPDX-License-Identifier: GPL-2.0

//! A group: what one open queue owns in the mark layer.
//!
//! It has the table of its watches by handle, under `mark_mutex`, and a place in the order of all
//! groups. [`GroupGuard`] is the lock: a task that has one may change the table and the watches'
//! sets of marks, and allocates without entering file systems (memalloc_nofs is part of the guard).
//! There is no check that the mutex is held: what needs it is a method of the guard, so the caller
//! itself holds it.
//!
//! Lock order: `mark_mutex` is outermost. What a function here takes out of the table is returned
//! as a value, to be dropped after the guard. So a watch that is being removed is in the table or
//! in such a value, never on a private list that others cannot see.

use super::{
    user_wait::Gate,
    ConnectorRef,
    MarkRef,
    NotInserted,
    Role,
    Subscriber, //
};
use crate::rust::prelude::*;
use crate::rust::{
    mm::nofs::NofsGuard,
    sync::handle_table::HandleTable, //
};
use core::ptr;
use kernel::{
    new_mutex,
    sync::{
        lock::{
            mutex::MutexBackend,
            Guard, //
        },
        Mutex, //
    }, //
};

/// A group of watches.
#[pin_data]
pub(crate) struct Group<S: Subscriber> {
    last_handle: Atomic<u64>,
    ended: Atomic<bool>,
    alive: Atomic<u64>,
    #[pin]
    gate: Gate,
    #[pin]
    state: Mutex<State<S>>,
}

struct State<S: Subscriber> {
    watches: HandleTable<Arc<S>>,
}

impl<S: Subscriber> Group<S> {
    /// An empty group.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            last_handle: Atomic::new(0),
            ended: Atomic::new(false),
            alive: Atomic::new(0),
            gate <- Gate::new(),
            state <- new_mutex!(State {
                watches: HandleTable::new(),
            }, "group.mark_mutex"),
        })
    }

    /// Where marks of this group stand in a list: by address.
    #[inline]
    pub(crate) fn key(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// A handle that was never used in this group; not 0. Any context.
    pub(crate) fn new_handle(&self) -> u64 {
        // 2^64 handles cannot be used up (a handle is never given twice).
        self.last_handle.fetch_add(1, Relaxed).wrapping_add(1)
    }

    /// How many watches are alive: entered and not dead. Any context.
    pub(crate) fn alive(&self) -> u64 {
        self.alive.load(Relaxed)
    }

    /// A watch has become dead. Called once for each that was added, by what made it so; any
    /// context.
    pub(crate) fn one_died(&self) {
        self.alive.fetch_sub(1, Relaxed);
    }

    /// Whether [`GroupGuard::set_ended`] was called. Any context; the answer lasts only while the
    /// caller holds the guard (adding looks under the same mutex as ending).
    #[inline]
    pub(crate) fn ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    /// Where the tasks are counted that wait for user space on behalf of the group.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Takes `mark_mutex`. Sleeps.
    pub(crate) fn lock(&self) -> GroupGuard<'_, S> {
        let state = self.state.lock();
        GroupGuard {
            group: self,
            _nofs: NofsGuard::new(),
            state,
        }
    }
}

/// `mark_mutex`, held.
// The fields drop in this order: NOFS ends before the mutex is released.
pub(crate) struct GroupGuard<'a, S: Subscriber> {
    group: &'a Group<S>,
    _nofs: NofsGuard,
    state: Guard<'a, State<S>, MutexBackend>,
}

impl<S: Subscriber> GroupGuard<'_, S> {
    /// Enters a watch under its handle; for [`super::Entering`]. ENOMEM. The group has not ended.
    pub(super) fn add(&mut self, watch: Arc<S>) -> Result {
        let handle = watch.handle();
        self.state.watches.insert(handle, watch)?;
        self.group.alive.fetch_add(1, Relaxed);
        Ok(())
    }

    /// Puts a new mark into the list of `connector`, gives it to its watch, and tells the object; for
    /// [`super::Entering`]. `watch` is of this group and in its table. What was refused comes back.
    pub(super) fn insert(
        &mut self,
        watch: &S,
        connector: &ConnectorRef<S>,
        mark: MarkRef<S>,
    ) -> Result<(), (MarkRef<S>, NotInserted)> {
        debug_assert!(ptr::eq(watch.group(), self.group));
        match connector.clone().insert(&mark) {
            Ok(()) => {}
            // The caller has a reference, too, so dropping this one does nothing.
            Err((_spare, why)) => return Err((mark, why)),
        }
        watch.marks().attach(mark);
        connector.announce();
        Ok(())
    }

    /// The watch with this handle.
    pub(crate) fn get(&self, handle: u64) -> Option<Arc<S>> {
        self.state.watches.get(handle).map(Into::into)
    }

    /// The first watch with a handle not below `handle`.
    pub(crate) fn next_from(&self, handle: u64) -> Option<Arc<S>> {
        self.state
            .watches
            .next(handle)
            .map(|(_, watch)| watch.into())
    }

    /// Takes the watch with this handle out of the table and detaches its marks. To be dropped
    /// after the guard. The watch is dead: its marks can be met in their lists until then, and a live
    /// one would be taken for one that has marks.
    pub(crate) fn remove(&mut self, handle: u64) -> Option<Removed<S>> {
        let watch = self.state.watches.remove(handle)?;
        debug_assert!(watch.is_dead());
        Some(Removed { watch })
    }

    /// No watch can be added from now on.
    pub(crate) fn set_ended(&mut self) {
        self.group.ended.store(true, Relaxed);
    }

    /// Calls `f` with the role of each mark of a watch.
    pub(crate) fn for_each_role(&self, watch: &S, mut f: impl FnMut(Role)) {
        watch.marks().for_each(|mark| f(mark.role()));
    }

    /// Tells the objects of a watch that its masks were changed.
    pub(crate) fn announce(&self, watch: &S) {
        watch.marks().for_each(|mark| mark.announce());
    }
}

/// A watch that has left its group; dropping it detaches its marks. Process context, no locks.
pub(crate) struct Removed<S: Subscriber> {
    watch: Arc<S>,
}

impl<S: Subscriber> Drop for Removed<S> {
    fn drop(&mut self) {
        // The watch is dead and out of the table: it cannot be found any more, so this value is the
        // only one that can reach the set, which is as good as holding the mutex.
        while let Some(mark) = self.watch.marks().detach() {
            mark.retire();
        }
        self.watch.ended();
    }
}
