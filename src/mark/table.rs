// SPDX-License-Identifier: GPL-2.0

//! Objects that have no room for a pointer of ours and on which we hold no reference: keys, devices,
//! superblocks, namespaces.
//!
//! Such an object is known by a number: its address, or an id of its own. A [`Table`] leads from
//! the number to the connector of the object, if the object is watched; an unwatched object is not
//! in the table. A look-up takes no lock, so that a hook may do it in any context.
//!
//! A connector in a table also holds a [`Subscriber::Lease`], which is dropped with it, by the reaper:
//! a source that is attached to the kernel only while it is watched counts these.
//!
//! Lock order: `table.lock` is a raw leaf lock; nothing else is taken under it.
//!
//! `unsafe` here: the chains.

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

/// log2 of the number of chains.
const BITS: u32 = 8;

/// The connector of an object that is reached through a [`Table`].
pub(crate) type Tabled<S> = Connected<S, InTable<S>>;

/// A pointer of a chain.
type Chain<S> = Atomic<*mut Tabled<S>>;

/// The object's side of a [`Tabled`].
///
/// # Invariants
///
/// `next` is null or leads to a connector that is in the same chain, or was when this one was
/// unlinked, and that is not freed before every reader that can see the pointer is gone. It and
/// `linked` are written only under the lock of `table`.
pub(crate) struct InTable<S: Subscriber> {
    table: Arc<Table<S>>,
    key: u64,
    next: Chain<S>,
    linked: Atomic<bool>,
    link: Atomic<*mut Tabled<S>>,
    _lease: S::Lease,
}

impl<S: Subscriber> Linked for Tabled<S> {
    fn link(&self) -> &Atomic<*mut Self> {
        &self.object.link
    }
}

impl<S: Subscriber> Object<S> for InTable<S> {
    fn changed(_this: &Tabled<S>) {
        // A post walks the list in any case.
    }

    fn less(_this: &Tabled<S>) {}

    fn unneeded(this: &Tabled<S>) {
        this.object.table.unlink(this);
        // SAFETY: `Table::make` allocated it; it is in no chain, so that it cannot be found anew,
        // and this is called once.
        unsafe { S::context().reap_tabled(NonNull::from(this)) };
    }
}

/// Leads from the numbers of objects to their connectors.
///
/// # Invariants
///
/// A pointer in a chain is null or leads to a connector that [`Self::make`] made and that is freed a
/// grace period after it was unlinked. The chains are changed only under the lock. At most one
/// connector with a given number is linked.
#[pin_data]
pub(crate) struct Table<S: Subscriber> {
    #[pin]
    lock: RawSpinLock<()>,
    heads: [Chain<S>; 1 << BITS],
}

impl<S: Subscriber> Table<S> {
    /// An empty table. ENOMEM.
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                lock <- new_raw_spinlock!((), "table.lock"),
                // INVARIANT: The chains are empty.
                heads: [const { Atomic::new(ptr::null_mut()) }; 1 << BITS],
            }? Error),
            GFP_KERNEL,
        )
    }

    fn head(&self, key: u64) -> &Chain<S> {
        // Addresses have zeros at the end, and neighbours differ in few bits: the upper bits of the
        // product depend on all of them.
        let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - BITS);
        let [first, ..] = &self.heads;
        self.heads.get(hash as usize).unwrap_or(first)
    }

    #[inline]
    fn find<'r>(&self, _reader: &'r Reader<'_, S>, key: u64) -> Option<&'r Tabled<S>> {
        let mut next = self.head(key).load(Acquire);
        // SAFETY: By the type invariants, null or freed only after the reader's section.
        while let Some(there) = unsafe { next.as_ref() } {
            if there.object.key == key {
                return Some(there);
            }
            next = there.object.next.load(Acquire);
        }
        None
    }

    /// The connector of the object with this number, for a walk. Any context but NMI.
    #[inline]
    pub(crate) fn get<'r>(&self, reader: &'r Reader<'_, S>, key: u64) -> Option<&'r Connector<S>> {
        self.find(reader, key).map(|there| &there.connector)
    }

    /// The connector of the object with this number, made if there is none; then it takes the lease,
    /// which has to be there. ENOMEM. Process context. The caller holds a reference on the object,
    /// or has another reason why [`Self::end`] is not called for it meanwhile.
    pub(crate) fn connector(
        self: &Arc<Self>,
        key: u64,
        lease: &mut Option<S::Lease>,
    ) -> Result<ConnectorRef<S>> {
        let mut spare: Option<ConnectorRef<S>> = None;
        loop {
            let reader = S::context().read();
            if let Some(there) = self.find(&reader, key) {
                match there.connector.try_get() {
                    Some(found) => return Ok(found),
                    // Its last mark has gone: help it out of the table and look again.
                    None => self.unlink(there),
                }
                continue;
            }
            drop(reader);

            let made = match spare.take() {
                Some(made) => made,
                None => self.make(key, lease)?,
            };
            hook!(S, Publish);
            if self.link(&made) {
                return Ok(made);
            }
            spare = Some(made);
        }
    }

    /// A new connector that is in no chain yet. Dropping the reference frees it. The lease is taken
    /// when nothing can fail any more: to drop it may sleep for what the caller holds.
    fn make(self: &Arc<Self>, key: u64, lease: &mut Option<S::Lease>) -> Result<ConnectorRef<S>> {
        let memory = KBox::<Tabled<S>>::new_uninit(GFP_KERNEL_ACCOUNT)?;
        // INVARIANT: There is no next one.
        let connector = memory.write_pin_init(Tabled::new(Ok(InTable {
            table: self.clone(),
            key,
            next: Atomic::new(ptr::null_mut()),
            linked: Atomic::new(false),
            link: Atomic::new(ptr::null_mut()),
            _lease: lease.take().ok_or(EINVAL)?,
        })))?;
        let first = connector.connector.first_ref().ok_or(ENOENT);
        // Its last reference gives it to the reaper, which makes a box of it again.
        core::mem::forget(connector);
        first
    }

    /// Links a connector of [`Self::make`] in. False when there is one with its number.
    fn link(&self, made: &ConnectorRef<S>) -> bool {
        // A connector is the first field of its `Tabled`.
        let new = made.as_ptr().cast::<Tabled<S>>();
        // SAFETY: `make` allocated it as a `Tabled`, and the reference keeps it.
        let object = unsafe { &(*new.as_ptr()).object };
        let head = self.head(object.key);
        let _guard = self.lock.lock();
        let first = head.load(Relaxed);
        let mut next = first;
        // SAFETY: By the type invariants, what is in a chain under the lock is not freed.
        while let Some(there) = unsafe { next.as_ref() } {
            if there.object.key == object.key {
                return false;
            }
            next = there.object.next.load(Relaxed);
        }
        object.next.store(first, Relaxed);
        object.linked.store(true, Relaxed);
        // INVARIANT: The only one with its number; the lock is held. Release: a reader that finds
        // it finds it complete.
        head.store(new.as_ptr(), Release);
        true
    }

    /// Takes a connector out of its chain. Idempotent. Any context but NMI.
    fn unlink(&self, this: &Tabled<S>) {
        let _guard = self.lock.lock();
        if !this.object.linked.load(Relaxed) {
            return;
        }
        this.object.linked.store(false, Relaxed);
        let mut at = self.head(this.object.key);
        // SAFETY: By the type invariants, what is in a chain under the lock is not freed.
        while let Some(there) = unsafe { at.load(Relaxed).as_ref() } {
            if ptr::eq(there, this) {
                // INVARIANT: Its own `next` stays: readers may be standing on it. Release: the next
                // one was published long ago, but not by us.
                at.store(there.object.next.load(Relaxed), Release);
                return;
            }
            at = &there.object.next;
        }
    }

    /// The object with this number ends: ends every watch on it, step one. When this has returned,
    /// the number may be given to another object. Any context but NMI.
    pub(crate) fn end(&self, key: u64, reason: S::Reason) {
        let reader = S::context().read();
        if let Some(there) = self.find(&reader, key) {
            self.unlink(there);
            there.connector.end_all(reason);
        }
    }

    /// Whether nothing is in the table. For tests, and only while nothing is added.
    #[cfg(CONFIG_KUNIT)]
    pub(super) fn is_empty(&self) -> bool {
        self.heads.iter().all(|head| head.load(Relaxed).is_null())
    }
}
