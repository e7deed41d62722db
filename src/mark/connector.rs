// SPDX-License-Identifier: GPL-2.0

//! A connector: the head of the list of marks on one object.
//!
//! It is one allocation with what stands for the object ([`Connected`]). It counts what needs it:
//! each mark in the list, each look-up while it lasts. The step to zero is final. So is
//! `DESTROYING`: it is set under the lock, and every later insertion is refused, so that no mark
//! gets in while a dying object's list is being emptied.
//!
//! Lock order: `connector.lock` is taken inside `mark_mutex` and is a raw leaf lock: no other is taken
//! and nothing is allocated, freed or woken under it. The list, which may be long, is not walked
//! under it: the place of a new mark is looked for before.
//!
//! `unsafe` here: from the head to the object that contains it, and the list's pointers.

use super::{
    entry::{
        LateRef,
        Mark,
        MarkRef, //
    },
    hooks::hook,
    Group,
    Reader,
    Role,
    Subscriber, //
};
use crate::rust::prelude::*;
use crate::rust::sync::raw_spinlock::{
    new_raw_spinlock,
    RawGuard,
    RawSpinLock, //
};
use core::{
    marker::PhantomPinned,
    ptr::{self}, //
};
use kernel::sync::Refcount;

/// What is watched, as the mark layer needs it.
pub(crate) trait Object<S: Subscriber>: Sized + Send + Sync {
    /// The union of what the marks want may have changed: there are new marks, or the masks of a watch
    /// are others. The caller holds what is watched. Process context, no raw lock held; may sleep.
    fn changed(this: &Connected<S, Self>);

    /// The union of what the marks want may have become less: a watch has ended or a mark has gone. As
    /// above, but what is watched may be on its way out.
    fn less(this: &Connected<S, Self>);

    /// Nothing needs the connector any more, and nothing can come to need it. The object sees to it
    /// that the allocation is freed after the grace period of the readers that can still reach it,
    /// not before this returns. Process context; locks may be held, so what sleeps goes to a
    /// workqueue.
    fn unneeded(this: &Connected<S, Self>);
}

/// The [`Object`] functions, as a connector remembers them.
struct Ops<S: Subscriber> {
    /// # Safety
    ///
    /// The connector is the first field of the [`Connected`] that the table was made for.
    changed: unsafe fn(&Connector<S>),
    /// # Safety
    ///
    /// As above.
    less: unsafe fn(&Connector<S>),
    /// # Safety
    ///
    /// As above.
    unneeded: unsafe fn(&Connector<S>),
}

/// The head of a list of marks.
///
/// # Invariants
///
/// - It is the first field of a [`Connected<S, O>`], and `ops` is the table for that `O`.
/// - `first` and the list behind it are changed only under `lock`.
#[pin_data]
pub(crate) struct Connector<S: Subscriber> {
    #[pin]
    lock: RawSpinLock<State>,
    first: Atomic<*mut Mark<S>>,
    needs: Refcount,
    ops: &'static Ops<S>,
    #[pin]
    _pin: PhantomPinned,
}

/// What the lock protects beside the list.
pub(super) struct State {
    destroying: bool,
    /// [`Connector::first_ref`] was called.
    born: bool,
    /// Marks in the list in roles that have a limit.
    limited: u32,
}

/// Why a mark was not inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotInserted {
    /// The connector is `DESTROYING`: its object is dying, or nothing needed it any more.
    Destroying,
    /// The group has a mark of a live watch here and allows no other.
    Exists,
    /// There are as many marks in roles with a limit as there may be.
    Full,
}

impl<S: Subscriber> Connector<S> {
    pub(super) fn lock(&self) -> RawGuard<'_, State> {
        self.lock.lock()
    }

    /// Tells the object that the union may have changed: a mark was inserted, or a watch's masks were
    /// changed. The caller holds what is watched. Process context, no raw lock held; may sleep.
    pub(crate) fn announce(&self) {
        // SAFETY: By the type invariants.
        unsafe { (self.ops.changed)(self) }
    }

    /// Tells the object that the union may have become less: a watch has ended, or a mark has gone.
    /// Process context, no raw lock held; may sleep.
    pub(super) fn announce_less(&self) {
        // SAFETY: By the type invariants.
        unsafe { (self.ops.less)(self) }
    }

    /// The first mark, for a walk.
    #[inline]
    pub(super) fn first<'r>(&self, _reader: &'r Reader<'_, S>) -> Option<&'r Mark<S>> {
        // SAFETY: Null or a mark that is freed only after the reader's section has ended. Acquire
        // pairs with the release of the insertion.
        unsafe { self.first.load(Acquire).as_ref() }
    }

    /// A reference, unless the connector is on its way out.
    ///
    /// The caller made sure in another way that the memory is still there.
    pub(crate) fn try_get(&self) -> Option<ConnectorRef<S>> {
        let needs = self.needs.as_atomic();
        let mut old = needs.load(Relaxed);
        while old > 0 && old < i32::MAX {
            match needs.cmpxchg(old, old.wrapping_add(1), Relaxed) {
                // INVARIANT: The increment belongs to the new value.
                Ok(_) => return Some(ConnectorRef(NonNull::from(self))),
                Err(current) => old = current,
            }
        }
        None
    }

    /// The reference that [`Connected::new`] counted; `None` from the second call on.
    pub(crate) fn first_ref(&self) -> Option<ConnectorRef<S>> {
        if core::mem::replace(&mut self.lock().born, true) {
            return None;
        }
        // INVARIANT: `new` set the count to one for this value.
        Some(ConnectorRef(NonNull::from(self)))
    }

    /// Calls `f` for the marks in the list, without the lock, so no task waits for it meanwhile. A
    /// mark that is inserted during the walk may be missed, and one that is taken out may be seen.
    fn for_each(&self, mut f: impl FnMut(&Mark<S>)) {
        let reader = S::context().read();
        let mut next = self.first(&reader);
        while let Some(mark) = next {
            f(mark);
            next = mark.next();
        }
    }

    /// What all marks together want to hear of; a dead watch wants nothing. Any context.
    ///
    /// A task that inserts a mark asks afterwards, so it does no harm that the mark may be missed
    /// here: of several calls one after the other, the last one sees everything.
    pub(crate) fn union(&self) -> u32 {
        let mut union = 0;
        self.for_each(|mark| {
            if !mark.watch().is_dead() {
                union |= mark.watch().interest(mark.role());
            }
        });
        union
    }

    /// Whether a watch that has not ended has a mark here. Any context but NMI.
    pub(crate) fn has_live(&self) -> bool {
        let reader = S::context().read();
        let mut next = self.first(&reader);
        while let Some(mark) = next {
            if !mark.watch().is_dead() {
                return true;
            }
            next = mark.next();
        }
        false
    }

    /// A mark leaves the list.
    pub(super) fn left(guard: &mut RawGuard<'_, State>, mark: &Mark<S>) {
        if mark.watch().limit(mark.role()).is_some() {
            guard.limited = guard.limited.saturating_sub(1);
        }
    }

    /// The live watch that is the same as `watch` to its user and has a mark here, if there is one;
    /// `watch` would be here in `role`.
    pub(crate) fn find_same(&self, watch: &S, role: Role) -> Option<Arc<S>> {
        self.find(watch.group(), |there, there_role| {
            there.same(there_role, watch, role)
        })
    }

    /// The first live watch of `group` that has a mark here and that `f` takes, if there is one. A
    /// caller that holds the group's `mark_mutex` misses none.
    pub(super) fn find(&self, group: &Group<S>, f: impl Fn(&S, Role) -> bool) -> Option<Arc<S>> {
        let reader = S::context().read();
        let mut next = self.first(&reader);
        while let Some(mark) = next {
            let watch = mark.watch();
            if ptr::eq(watch.group(), group) && !watch.is_dead() && f(watch, mark.role()) {
                return Some(watch.clone());
            }
            next = mark.next();
        }
        None
    }

    /// The last mark before the place of those of `group`, pinned, so that it stays in the list. `None`
    /// if there is none or if it is on its way out.
    fn before(&self, group: &Group<S>) -> Option<LateRef<S>> {
        let reader = S::context().read();
        let mut before = None;
        let mut next = self.first(&reader);
        while let Some(mark) = next.filter(|mark| mark.watch().group().key() < group.key()) {
            before = Some(mark);
            next = mark.next();
        }
        Some(before?.try_pin()?.late())
    }

    /// Sets `DESTROYING`; true when it was not set before.
    pub(crate) fn set_destroying(&self) -> bool {
        !core::mem::replace(&mut self.lock().destroying, true)
    }

    /// The object is dying: sets `DESTROYING` and ends every watch in the list, step one. Step two
    /// follows from the reaper's work. Nothing happens if it was set before. Any context but NMI.
    ///
    /// The lock is not held while the watches end, however many there are: nothing is inserted any
    /// more, and what is taken out meanwhile has been ended by the task that does it.
    pub(crate) fn end_all(&self, reason: S::Reason) {
        if !self.set_destroying() {
            return;
        }
        self.for_each(|mark| {
            hook!(S, Ending);
            S::kill(mark.watch(), reason);
        });
        hook!(S, Ended);
    }
}

/// A counted reference to a connector. Dropping the last one needs process context.
///
/// It is what every look-up gives, so nothing depends on a lock that was dropped or a read section
/// that has ended since.
///
/// # Invariants
///
/// The connector is valid, and one of its references belongs to this value.
pub(crate) struct ConnectorRef<S: Subscriber>(NonNull<Connector<S>>);

// SAFETY: A connector may be used by any thread.
unsafe impl<S: Subscriber> Send for ConnectorRef<S> {}
// SAFETY: A connector may be used by several threads at once, and a reference only gives access to
// it.
unsafe impl<S: Subscriber> Sync for ConnectorRef<S> {}

impl<S: Subscriber> ConnectorRef<S> {
    /// Where the connector is.
    pub(super) fn as_ptr(&self) -> NonNull<Connector<S>> {
        self.0
    }

    pub(super) fn into_raw(self) -> NonNull<Connector<S>> {
        let connector = self.0;
        core::mem::forget(self);
        connector
    }

    /// # Safety
    ///
    /// `connector` came from [`Self::into_raw`] and no other call turns it back.
    pub(super) unsafe fn from_raw(connector: NonNull<Connector<S>>) -> Self {
        // INVARIANT: The reference of the value that was taken apart is ours now.
        Self(connector)
    }

    /// Puts `mark` into the list, at its place by group, and gives it this reference. On failure
    /// nothing was changed and the reference comes back.
    ///
    /// The caller then tells the object with [`Connector::announce`].
    pub(crate) fn insert(self, mark: &MarkRef<S>) -> Result<(), (Self, NotInserted)> {
        // SAFETY: By the type invariants; not `Deref`, so that `self` can be given away below while
        // the lock is held. The mark keeps the connector from then on.
        let connector: &Connector<S> = unsafe { self.0.as_ref() };
        let group = mark.watch().group();
        let before = connector.before(group);
        hook!(S, Place);
        let mut guard = connector.lock();
        if guard.destroying {
            drop(guard);
            return Err((self, NotInserted::Destroying));
        }
        let limit = mark.watch().limit(mark.role());
        if limit.is_some_and(|limit| guard.limited >= limit) {
            drop(guard);
            return Err((self, NotInserted::Full));
        }
        // What was inserted since then is behind `before`, too, or behind what is.
        let mut at = match &before {
            Some(before) => before.next_cell(),
            None => &connector.first,
        };
        // SAFETY: The lock keeps every mark of the list in it.
        while let Some(there) = unsafe { at.load(Relaxed).as_ref() } {
            if there.watch().group().key() > group.key() {
                break;
            }
            let same = ptr::eq(there.watch().group(), group)
                && there.watch().same(there.role(), mark.watch(), mark.role());
            if same && !there.watch().is_dead() {
                drop(guard);
                return Err((self, NotInserted::Exists));
            }
            at = there.next_cell();
        }
        if limit.is_some() {
            // At most the limit, which is one of these numbers.
            guard.limited = guard.limited.saturating_add(1);
        }
        mark.set_connector(self);
        // SAFETY: The lock is held, `at` is of this list, and the mark is new.
        unsafe { mark.link_at(at) };
        Ok(())
    }
}

impl<S: Subscriber> Clone for ConnectorRef<S> {
    fn clone(&self) -> Self {
        self.needs.inc();
        // INVARIANT: The increment belongs to the new value.
        Self(self.0)
    }
}

impl<S: Subscriber> core::ops::Deref for ConnectorRef<S> {
    type Target = Connector<S>;

    fn deref(&self) -> &Connector<S> {
        // SAFETY: By the type invariants.
        unsafe { self.0.as_ref() }
    }
}

impl<S: Subscriber> Drop for ConnectorRef<S> {
    fn drop(&mut self) {
        if self.needs.dec_and_test() {
            hook!(S, Unneeded);
            self.set_destroying();
            // SAFETY: By the type invariants of `Connector`; the last reference is gone, and a
            // count of zero never rises again.
            unsafe { (self.ops.unneeded)(self) }
        }
    }
}

/// An object with its connector: one allocation, one lifetime.
#[pin_data]
#[repr(C)]
pub(crate) struct Connected<S: Subscriber, O: Object<S>> {
    #[pin]
    pub(crate) connector: Connector<S>,
    #[pin]
    pub(crate) object: O,
}

impl<S: Subscriber, O: Object<S>> Connected<S, O> {
    const OPS: Ops<S> = Ops {
        changed: Self::changed,
        less: Self::less,
        unneeded: Self::unneeded,
    };

    /// # Safety
    ///
    /// `connector` is the first field of a `Connected<S, O>`.
    unsafe fn changed(connector: &Connector<S>) {
        // SAFETY: The struct is `repr(C)`, so it begins where its first field does; the caller
        // vouches for the type.
        O::changed(unsafe { &*ptr::from_ref(connector).cast::<Self>() })
    }

    /// # Safety
    ///
    /// As for [`Self::changed`].
    unsafe fn less(connector: &Connector<S>) {
        // SAFETY: The struct is `repr(C)`, so it begins where its first field does; the caller
        // vouches for the type.
        O::less(unsafe { &*ptr::from_ref(connector).cast::<Self>() })
    }

    /// # Safety
    ///
    /// As above.
    unsafe fn unneeded(connector: &Connector<S>) {
        // SAFETY: The struct is `repr(C)`, so it begins where its first field does; the caller
        // vouches for the type.
        O::unneeded(unsafe { &*ptr::from_ref(connector).cast::<Self>() })
    }

    /// An object with an empty list and one reference, which the caller takes with
    /// [`Connector::first_ref`].
    pub(crate) fn new(object: impl PinInit<O, Error>) -> impl PinInit<Self, Error> {
        // INVARIANT: The connector is the first field of a `Connected<S, O>` and has its table.
        try_pin_init!(Self {
            connector <- pin_init!(Connector {
                lock <- new_raw_spinlock!(State { destroying: false, born: false, limited: 0 }, "connector.lock"),
                first: Atomic::new(ptr::null_mut()),
                needs: Refcount::new(1),
                ops: &Self::OPS,
                _pin: PhantomPinned,
            }),
            object <- object,
        })
    }
}
