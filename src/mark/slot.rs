// SPDX-License-Identifier: GPL-2.0

//! Objects that fsnotify does not know and that have room for a pointer of ours: lists of other
//! modules.
//!
//! Such an object has a [`Slot`]: one atomic pointer that leads to its [`Directory`], if anything was
//! ever watched there. The directory leads from an id to the connector of the watches with that id, so
//! that an add and a post need not look at the others, however many there are. A connector is an
//! allocation of its own; it is in the directory as long as something needs it.
//!
//! Posts and the end of the object come in any context. The end only empties the slot; the watches are
//! ended by a job, one connector after the other.
//!
//! Lock order: `directory.end` is a raw leaf lock; nothing else is taken under it.
//!
//! `unsafe` here: the pointers from a slot to its directory and from there to the connectors.

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
    pointer_map::PointerMap,
    raw_spinlock::{
        new_raw_spinlock,
        RawSpinLock, //
    },
    stack::Linked, //
};
use core::ptr;
use kernel::{
    sync::ArcBorrow,
    task::might_sleep, //
};

/// The connector of the watches on an object that is reached through a [`Slot`], with one id or a few.
pub(crate) type Slotted<S> = Connected<S, InDirectory<S>>;

/// The object's side of a [`Slotted`].
pub(crate) struct InDirectory<S: Subscriber> {
    directory: Arc<Directory<S>>,
    number: usize,
    link: Atomic<*mut Slotted<S>>,
}

impl<S: Subscriber> Linked for Slotted<S> {
    fn link(&self) -> &Atomic<*mut Self> {
        &self.object.link
    }
}

impl<S: Subscriber> Object<S> for InDirectory<S> {
    fn changed(_this: &Slotted<S>) {
        // A post walks the list in any case.
    }

    fn less(_this: &Slotted<S>) {}

    fn unneeded(this: &Slotted<S>) {
        this.object.leave(this);
        // SAFETY: `Directory::make` allocated it; it has left its directory, so that it cannot be
        // found anew, and this is called once.
        unsafe { S::context().reap_slotted(NonNull::from(this)) };
    }
}

impl<S: Subscriber> InDirectory<S> {
    /// Makes the directory forget the connector. Idempotent: it has another one already when a look-up
    /// helped.
    fn leave(&self, this: &Slotted<S>) {
        self.directory
            .lists
            .remove(self.number, NonNull::from(this));
    }
}

/// Leads from ids to connectors.
///
/// # Invariants
///
/// A pointer in `lists` leads to a connector that [`Self::make`] made for this directory, and that is
/// freed a grace period after it has left.
#[pin_data]
pub(crate) struct Directory<S: Subscriber> {
    #[pin]
    lists: PointerMap<Slotted<S>>,
    /// Why the object has ended. Set before the job looks for what to end: it sees each connector that
    /// was there before, and a task that uses one that came later sees this.
    #[pin]
    end: RawSpinLock<Option<S::Reason>>,
    link: Atomic<*mut Directory<S>>,
}

impl<S: Subscriber> Linked for Directory<S> {
    fn link(&self) -> &Atomic<*mut Self> {
        &self.link
    }
}

/// Where in a directory the watches with an id are. There are so many places that ids which share one
/// are few; dense ids, as most modules give, have dense places, which cost least.
fn number(id: u64) -> usize {
    let half = id ^ (id >> 32);
    ((half ^ (half >> 16)) & 0xffff) as usize
}

impl<S: Subscriber> Directory<S> {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                // INVARIANT: There are no pointers.
                lists <- PointerMap::new(),
                end <- new_raw_spinlock!(None, "directory.end"),
                link: Atomic::new(ptr::null_mut()),
            }? Error),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// The connector at `number`. Any context but NMI.
    #[inline]
    fn get<'r>(&self, _reader: &'r Reader<'_, S>, number: usize) -> Option<&'r Slotted<S>> {
        // SAFETY: By the type invariants, freed only after the reader's section.
        self.lists.get(number).map(|list| unsafe { list.as_ref() })
    }

    /// The first connector at `number` or behind, and where. Any context but NMI.
    fn next<'r>(
        &self,
        _reader: &'r Reader<'_, S>,
        number: usize,
    ) -> Option<(usize, &'r Slotted<S>)> {
        let (number, list) = self.lists.next(number)?;
        // SAFETY: By the type invariants, freed only after the reader's section.
        Some((number, unsafe { list.as_ref() }))
    }

    /// A new connector that is not in the directory yet. Dropping the reference frees it.
    fn make(self: &Arc<Self>, number: usize) -> Result<ConnectorRef<S>> {
        let memory = KBox::<Slotted<S>>::new_uninit(GFP_KERNEL_ACCOUNT)?;
        let connector = memory.write_pin_init(Slotted::new(Ok(InDirectory {
            directory: self.clone(),
            number,
            link: Atomic::new(ptr::null_mut()),
        })))?;
        let first = connector.connector.first_ref().ok_or(ENOENT);
        // Its last reference gives it to the reaper, which makes a box of it again.
        core::mem::forget(connector);
        first
    }

    /// The connector at `number`, made if there is none. ENOENT when the object has ended; ENOMEM.
    fn connector(self: &Arc<Self>, number: usize) -> Result<ConnectorRef<S>> {
        let found = self.find_or_make(number)?;
        // If the job that ends the watches has passed `number` by, it was without this connector.
        let ended = self.end.lock().is_some();
        if ended {
            return Err(ENOENT);
        }
        Ok(found)
    }

    fn find_or_make(self: &Arc<Self>, number: usize) -> Result<ConnectorRef<S>> {
        let mut spare: Option<ConnectorRef<S>> = None;
        loop {
            let reader = S::context().read();
            if let Some(there) = self.get(&reader, number) {
                match there.connector.try_get() {
                    Some(found) => return Ok(found),
                    // Its last mark has gone: help it out of the directory and look again.
                    None => there.object.leave(there),
                }
                continue;
            }
            drop(reader);

            let made = match spare.take() {
                Some(made) => made,
                None => self.make(number)?,
            };
            hook!(S, Publish);
            // INVARIANT: A connector is the first field of its `Slotted`; `make` made it.
            if self.lists.insert(number, made.as_ptr().cast())? {
                return Ok(made);
            }
            spare = Some(made);
        }
    }

    /// Ends every watch, step one, if the object has ended. Process context, no locks.
    pub(super) fn end_all(&self) {
        let Some(reason) = *self.end.lock() else {
            return;
        };
        let mut from = 0;
        loop {
            // A read section for each, so that no grace period waits for all.
            let reader = S::context().read();
            let Some((number, list)) = self.next(&reader, from) else {
                return;
            };
            list.connector.end_all(reason);
            drop(reader);
            from = number.saturating_add(1);
            might_sleep();
        }
    }
}

/// Leads from an object to its directory. Zero-initialised memory is an empty slot.
///
/// # Invariants
///
/// Null; [`ended()`]; or what `Arc::into_raw` gave for a directory, whose reference is the slot's. A
/// directory is set once, and leaves the slot once; then that reference is dropped a grace period later.
#[repr(transparent)]
pub(crate) struct Slot<S: Subscriber>(Atomic<*mut Directory<S>>);

// SAFETY: A null pointer is a valid value, see above.
unsafe impl<S: Subscriber> pin_init::Zeroable for Slot<S> {}

/// In a slot whose object has ended.
fn ended<T>() -> *mut T {
    ptr::without_provenance_mut(1)
}

impl<S: Subscriber> Slot<S> {
    /// A slot without a directory, as all-zero memory is.
    #[cfg_attr(not(CONFIG_KUNIT), expect(dead_code, reason = "for tests"))]
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(ptr::null_mut()))
    }

    /// The directory, if there is one.
    #[inline]
    fn directory<'r>(&self, _reader: &'r Reader<'_, S>) -> Option<&'r Directory<S>> {
        let there = self.0.load(Acquire);
        if there == ended() {
            return None;
        }
        // SAFETY: By the type invariants, null or freed only after the reader's section.
        unsafe { there.as_ref() }
    }

    /// The connector of the watches with this id, for a walk. Others may be there, too. Any context but
    /// NMI.
    #[inline]
    pub(crate) fn get<'r>(&self, reader: &'r Reader<'_, S>, id: u64) -> Option<&'r Connector<S>> {
        let list = self.directory(reader)?.get(reader, number(id))?;
        Some(&list.connector)
    }

    /// Whether `f` takes one of the connectors; it is not called for more. Any context but NMI.
    pub(crate) fn any(
        &self,
        reader: &Reader<'_, S>,
        mut f: impl FnMut(&Connector<S>) -> bool,
    ) -> bool {
        let Some(directory) = self.directory(reader) else {
            return false;
        };
        let mut from = 0;
        while let Some((number, list)) = directory.next(reader, from) {
            if f(&list.connector) {
                return true;
            }
            from = number.saturating_add(1);
        }
        false
    }

    /// The connector of the watches with this id, made if there is none. ENOENT when the object has
    /// ended; ENOMEM. Process context.
    pub(crate) fn connector(&self, id: u64) -> Result<ConnectorRef<S>> {
        loop {
            let reader = S::context().read();
            let there = self.0.load(Acquire);
            if there == ended() {
                return Err(ENOENT);
            }
            if let Some(there) = NonNull::new(there) {
                let directory = {
                    // SAFETY: By the type invariants, `Arc::into_raw` gave it, and the slot's
                    // reference lasts as long as the reader's section.
                    let there = unsafe { ArcBorrow::from_raw(there.as_ptr()) };
                    Arc::from(there)
                };
                drop(reader);
                return directory.connector(number(id));
            }
            drop(reader);

            let new = Arc::into_raw(Directory::new()?).cast_mut();
            // INVARIANT: The reference is the slot's.
            if self.0.cmpxchg(ptr::null_mut(), new, Full).is_err() {
                // SAFETY: It was taken apart above and is in no slot.
                drop(unsafe { Arc::from_raw(new.cast_const()) });
            }
        }
    }

    /// The object ends: nothing is posted to its watches any more, and a job ends them, step one. When
    /// this has returned the slot may go, as soon as its own readers are gone. Later look-ups find
    /// nothing. Idempotent. Any context but NMI.
    pub(crate) fn end(&self, reason: S::Reason) {
        let there = self.0.xchg(ended(), Full);
        if there == ended() || there.is_null() {
            return;
        }
        // SAFETY: By the type invariants, `Arc::into_raw` gave it; the exchange made its reference
        // ours alone.
        let directory = unsafe { Arc::from_raw(there.cast_const()) };
        *directory.end.lock() = Some(reason);
        S::context().end_directory(directory);
    }

    /// Whether [`Self::end`] was called.
    #[cfg_attr(not(CONFIG_KUNIT), expect(dead_code, reason = "for tests"))]
    pub(crate) fn is_ended(&self) -> bool {
        self.0.load(Relaxed) == ended()
    }
}

impl<S: Subscriber> Drop for Slot<S> {
    /// The watches of a slot that has not ended stay, and hear nothing more. A slot in another module's
    /// memory is never dropped.
    fn drop(&mut self) {
        let there = self.0.load(Relaxed);
        if there == ended() || there.is_null() {
            return;
        }
        // SAFETY: By the type invariants, `Arc::into_raw` gave it; nothing else has the slot.
        S::context().end_directory(unsafe { Arc::from_raw(there.cast_const()) });
    }
}
