// SPDX-License-Identifier: GPL-2.0

//! The mark layer: which watch sees which event.
//!
//! Groups put marks on objects; a connector is the head of an object's sorted list of marks; a walk
//! merges the lists of one event without taking a lock; reapers free what was unlinked once no walk
//! can stand on it. `Documentation/marks.rst` has the types, the ownership table, the lock order
//! and the life of each thing; this layer knows nothing of rings, records or file systems.
//!
//! It is generic over the watch ([`Subscriber`]) and over what is watched ([`Object`]). Used by
//! `crate::queue`, whose `Watch` is the subscriber, and by `crate::source`, whose objects carry
//! the connectors.

use crate::rust::prelude::*;

mod connector;
mod context;
mod entering;
mod entry;
mod group;
mod hooks;
mod slot;
mod table;
#[cfg(CONFIG_KUNIT)]
mod tests;
mod user_wait;
mod walk;

pub(crate) use self::{
    connector::{
        Connected,
        Connector,
        ConnectorRef,
        NotInserted,
        Object, //
    },
    context::{
        Context,
        Reader, //
    },
    entering::Entering,
    entry::{
        Mark,
        MarkRef,
        MarkSet, //
    },
    group::{
        Group,
        GroupGuard, //
    },
    slot::Slot,
    table::Table,
    user_wait::{
        Pinned,
        Ticket, //
    },
    walk::{
        Run,
        Walk, //
    }, //
};

/// A watch, as the mark layer needs it.
///
/// It belongs to one group for life and has one handle in it. It is shared by [`Arc`]; each of its
/// marks holds one.
pub(crate) trait Subscriber: Send + Sync + Sized + 'static {
    /// Why a watch ends; the mark layer only passes it on.
    type Reason: Copy + Send;

    /// What a connector in a [`Table`] holds for as long as it is there.
    type Lease: Send + Sync;

    /// Where the marks of this kind of watch live. Constant from module init to exit.
    fn context() -> &'static Context<Self>;

    /// The group that the watch belongs to.
    fn group(&self) -> &Group<Self>;

    /// The watch's name in its group.
    fn handle(&self) -> u64;

    /// The watch's marks.
    fn marks(&self) -> &MarkSet<Self>;

    /// Whether `other`, of the same group and on the same object, is the same watch to its user, so
    /// that only one of them can be there. The roles are those of the marks by which they are there.
    /// Any context, also under `connector.lock`.
    fn same(&self, _role: Role, _other: &Self, _other_role: Role) -> bool {
        true
    }

    /// How many marks in roles like this one may be on one object, of all groups together; `None`: any
    /// number. Whether there is a limit never changes. Called under `connector.lock`: any context.
    fn limit(&self, _role: Role) -> Option<u32> {
        None
    }

    /// The events that a mark with this `role` must hear of. Any context.
    fn interest(&self, role: Role) -> u32;

    /// Whether the watch has ended. Any context.
    fn is_dead(&self) -> bool;

    /// Ends the watch, step one: makes it dead, writes or queues its REMOVAL, and hands it to
    /// [`Context::reap_watch`] for step two before it can be seen to be dead. True for the one call
    /// that did it. Any context but NMI; takes only the ring lock.
    fn kill(this: &Arc<Self>, reason: Self::Reason) -> bool;

    /// Ends a watch that could not be entered after all, step one, because of `why`: its handle was
    /// not given out, so it has a REMOVAL only if it has reported something. Process context, under
    /// `mark_mutex`; takes only the ring lock. The caller does step two.
    fn withdraw(this: &Arc<Self>, why: NotInserted);

    /// Called after step two, in process context and without locks: the watch has left its group.
    fn ended(&self);

    /// Chains the watch in the list of dead ones; used by [`Context`] only, and at most once.
    fn reap_link(&self) -> &Atomic<*mut Self>;

    /// A task passes one of the [`hooks::Window`]s. For tests.
    #[cfg(CONFIG_KUNIT)]
    fn hook(_window: hooks::Window) {}
}

/// What a mark does for its watch; the values belong to the source that made the mark.
pub(crate) type Role = u32;
