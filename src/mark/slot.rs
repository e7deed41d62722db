// SPDX-License-Identifier: GPL-2.0

//! Objects that fsnotify does not know and that have room for a pointer of ours: lists of other
//! modules.
//!
//! Such an object has a [`Slot`]: one atomic pointer that leads to its connector, if it has one. The
//! connector is an allocation of its own, published by cmpxchg; the loser drops its own and uses
//! the winner's. Posts and the end of the object come in any context; a connector that is unneeded
//! leaves its slot and is freed after a grace period.
//!
//! Lock order: `slot.lock` is a raw leaf lock; nothing else is taken under it.
//!
//! `unsafe` here: the pointers in both directions between a slot and its connector.

use super::{
    connector::{
        Connected,
        ConnectorRef,
        Object, //
    },
    hooks::hook,
    Connector,
    Reader,
    Subscriber, //
};
use crate::rust::prelude::*;
use crate::rust::sync::{
    raw_spinlock::{
        new_raw_spinlock,
        RawSpinLock, //
    },
    stack::Linked, //
};
use core::ptr;

/// The connector of an object that is reached through a [`Slot`].
pub(crate) type Slotted<S> = Connected<S, InSlot<S>>;

/// The object's side of a [`Slotted`].
///
/// # Invariants
///
/// `slot` is null, or the slot that was given to [`Slot::connector`], which is there as long as it is
/// not null: that function borrows it until the connector is in it or was dropped, and then it is made
/// null by [`Slot::end`] or when the connector leaves, whichever is first.
#[pin_data]
pub(crate) struct InSlot<S: Subscriber> {
    #[pin]
    slot: RawSpinLock<SlotPtr<S>>,
    link: Atomic<*mut Slotted<S>>,
}

struct SlotPtr<S: Subscriber>(*const Slot<S>);

// SAFETY: A slot may be used by any thread.
unsafe impl<S: Subscriber> Send for SlotPtr<S> {}

impl<S: Subscriber> Linked for Slotted<S> {
    fn link(&self) -> &Atomic<*mut Self> {
        &self.object.link
    }
}

impl<S: Subscriber> Object<S> for InSlot<S> {
    fn changed(_this: &Slotted<S>) {
        // A post walks the list in any case.
    }

    fn less(_this: &Slotted<S>) {}

    fn unneeded(this: &Slotted<S>) {
        this.object.leave(this);
        // SAFETY: `Slot::connector` allocated it; it has left its slot, so that it cannot be found
        // anew, and this is called once.
        unsafe { S::context().reap_slotted(NonNull::from(this)) };
    }
}

impl<S: Subscriber> InSlot<S> {
    /// Makes the slot forget the connector, if the slot is still there.
    fn leave(&self, this: &Slotted<S>) {
        let mut guard = self.slot.lock();
        // SAFETY: By the type invariants; it is made null only under this lock.
        if let Some(slot) = unsafe { guard.0.as_ref() } {
            let this = ptr::from_ref(this).cast_mut();
            // The slot has another connector already when a look-up helped.
            let _ = slot.0.cmpxchg(this, ptr::null_mut(), Full);
        }
        // A second call must not look at the slot: the slot's end no longer finds this connector,
        // so it cannot tell it.
        guard.0 = ptr::null();
    }
}

/// Leads from an object to its connector. Zero-initialised memory is an empty slot.
///
/// # Invariants
///
/// Null; [`ended()`]; or a connector that was made by [`Slot::connector`] and is freed a grace
/// period after it has left the slot.
#[repr(transparent)]
pub(crate) struct Slot<S: Subscriber>(Atomic<*mut Slotted<S>>);

// SAFETY: A null pointer is a valid value, see above.
unsafe impl<S: Subscriber> pin_init::Zeroable for Slot<S> {}

/// In a slot whose object has ended.
fn ended<T>() -> *mut T {
    ptr::without_provenance_mut(1)
}

impl<S: Subscriber> Slot<S> {
    /// A slot without a connector, as all-zero memory is.
    #[cfg_attr(not(CONFIG_KUNIT), expect(dead_code, reason = "for tests"))]
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(ptr::null_mut()))
    }

    /// The connector, for a walk. Any context but NMI.
    #[inline]
    pub(crate) fn get<'r>(&self, _reader: &'r Reader<'_, S>) -> Option<&'r Connector<S>> {
        let connector = self.0.load(Acquire);
        if connector == ended() {
            return None;
        }
        // SAFETY: By the type invariants, null or freed only after the reader's section.
        unsafe { connector.as_ref() }.map(|c: &'r Slotted<S>| &c.connector)
    }

    /// The connector, made if there is none. ENOENT when the object has ended; ENOMEM. Process
    /// context; the caller keeps the slot until [`Self::end`] was called.
    pub(crate) fn connector(&self) -> Result<ConnectorRef<S>> {
        let mut spare: Option<ConnectorRef<S>> = None;
        loop {
            let reader = S::context().read();
            let there = self.0.load(Acquire);
            if there == ended() {
                return Err(ENOENT);
            }
            // SAFETY: By the type invariants, null or freed only after the reader's section.
            if let Some(connector) = unsafe { there.as_ref() } {
                match connector.connector.try_get() {
                    Some(found) => return Ok(found),
                    // Its last mark has gone: help it out of the slot and look again.
                    None => connector.object.leave(connector),
                }
                continue;
            }
            drop(reader);

            let made = match spare.take() {
                Some(made) => made,
                None => self.make()?,
            };
            // A connector is the first field of its `Slotted`.
            let new = made.as_ptr().cast::<Slotted<S>>().as_ptr();
            hook!(S, Publish);
            if self.0.cmpxchg(ptr::null_mut(), new, Full).is_ok() {
                return Ok(made);
            }
            spare = Some(made);
        }
    }

    /// A new connector that is in no slot yet but knows this one. Dropping the reference frees it.
    fn make(&self) -> Result<ConnectorRef<S>> {
        let slot = SlotPtr(ptr::from_ref(self));
        // INVARIANT: Our caller borrows the slot until the connector is in it or was dropped.
        let connector = KBox::pin_init(
            Slotted::new(try_pin_init!(InSlot {
                slot <- new_raw_spinlock!(slot, "slot.lock"),
                link: Atomic::new(ptr::null_mut()),
            }? Error)),
            GFP_KERNEL_ACCOUNT,
        )?;
        let first = connector.connector.first_ref().ok_or(ENOENT);
        // Its last reference gives it to the reaper, which makes a box of it again.
        core::mem::forget(connector);
        first
    }

    /// The object ends: ends every watch on it, step one. When this has returned the slot may go, as
    /// soon as its own readers are gone. Later look-ups find nothing. Idempotent. Any context but
    /// NMI.
    pub(crate) fn end(&self, reason: S::Reason) {
        let _reader = S::context().read();
        let there = self.0.xchg(ended(), Full);
        if there == ended() {
            return;
        }
        // SAFETY: By the type invariants, null or freed only after the reader's section.
        let Some(connector) = (unsafe { there.as_ref() }) else {
            return;
        };
        connector.object.slot.lock().0 = ptr::null();
        connector.connector.end_all(reason);
    }

    /// Whether [`Self::end`] was called.
    #[cfg_attr(not(CONFIG_KUNIT), expect(dead_code, reason = "for tests"))]
    pub(crate) fn is_ended(&self) -> bool {
        self.0.load(Relaxed) == ended()
    }
}
