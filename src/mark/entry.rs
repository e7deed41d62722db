// SPDX-License-Identifier: GPL-2.0

//! A mark: the entry of one watch in the list of one connector.
//!
//! It has its own reference count. Its watch's set holds one reference while it is attached; a walk
//! that stands on it and has to let go of SRCU takes another. It stays in its list until the last
//! one goes, so that a walk can resume from it; then it is unlinked, and freed by the reaper.
//!
//! `unsafe` here: the list's pointers, and the last reference. The rest of the layer is built on
//! the safe functions of this file and of [`super::connector`].

use super::{
    connector::{
        Connector,
        ConnectorRef, //
    },
    hooks::hook,
    Reader,
    Role,
    Subscriber, //
};
use crate::rust::prelude::*;
use crate::rust::sync::stack::Linked;
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::{self}, //
};
use kernel::sync::Refcount;

/// The entry of one watch in the list of one connector.
///
/// Outside this file, a reference to one has the lifetime of a read section that began before the mark
/// was unlinked, or the list's lock is held; a [`MarkRef`] gives none. So [`Self::next`] is safe.
///
/// # Invariants
///
/// - `next` and `pprev` are written only under the lock of `connector`; `next` is null or points to
///   a mark that is in the same list, or was when this one was unlinked, and that is not freed
///   before every SRCU reader that can see the pointer is gone.
/// - `connector` is set once, by the insertion, and cleared once, by the drop of the last
///   reference. While a mark is in a list, `refs` as seen under the lock is not zero.
pub(crate) struct Mark<S: Subscriber> {
    next: Atomic<*mut Mark<S>>,
    pprev: UnsafeCell<*const Atomic<*mut Mark<S>>>,
    connector: Atomic<*mut Connector<S>>,
    watch: Arc<S>,
    link: Atomic<*mut Mark<S>>,
    refs: Refcount,
    role: Role,
}

// SAFETY: All fields but `pprev` may be used from any thread; `pprev` is protected by the
// connector's lock.
unsafe impl<S: Subscriber> Send for Mark<S> {}
// SAFETY: All fields but `pprev` may be used by several threads at once; `pprev` is protected by
// the connector's lock.
unsafe impl<S: Subscriber> Sync for Mark<S> {}

impl<S: Subscriber> Linked for Mark<S> {
    fn link(&self) -> &Atomic<*mut Self> {
        &self.link
    }
}

impl<S: Subscriber> Mark<S> {
    /// The watch that the mark works for.
    #[inline]
    pub(crate) fn watch(&self) -> &Arc<S> {
        &self.watch
    }

    /// What the mark does for its watch.
    #[inline]
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// The next mark of the list.
    #[inline]
    pub(super) fn next(&self) -> Option<&Self> {
        // SAFETY: By the type invariants, the pointer is null or to a mark that outlives the read
        // section to which `self` is bound. Acquire pairs with the release in `link_at`.
        unsafe { self.next.load(Acquire).as_ref() }
    }

    /// The pointer to the next mark, for insertion behind this one.
    pub(super) fn next_cell(&self) -> &Atomic<*mut Mark<S>> {
        &self.next
    }

    /// One more reference, unless the last one is gone.
    pub(super) fn try_pin(&self) -> Option<MarkRef<S>> {
        let refs = self.refs.as_atomic();
        let mut old = refs.load(Relaxed);
        while old > 0 && old < i32::MAX {
            match refs.cmpxchg(old, old.wrapping_add(1), Relaxed) {
                // INVARIANT: The increment belongs to the new value.
                Ok(_) => {
                    return Some(MarkRef {
                        mark: NonNull::from(self),
                        _owned: PhantomData,
                    })
                }
                Err(current) => old = current,
            }
        }
        None
    }

    /// Takes the mark out of its list. Its own `next` stays, for walks that stand on it.
    ///
    /// # Safety
    ///
    /// The caller holds the connector's lock and the mark is in its list.
    unsafe fn unlink(&self) {
        let next = self.next.load(Relaxed);
        // SAFETY: The lock protects `pprev`.
        let pprev = unsafe { *self.pprev.get() };
        // SAFETY: `pprev` points to the list's first pointer or into a mark of the list, both valid
        // while the lock is held. Release: `next` was published long ago, but a reader may meet it
        // here for the first time.
        unsafe { (*pprev).store(next, Release) };
        if let Some(next) = NonNull::new(next) {
            // SAFETY: A mark in the list is valid while the lock is held.
            let cell = unsafe { next.as_ref() }.pprev.get();
            // SAFETY: The lock protects `pprev` of every mark in the list.
            unsafe { *cell = pprev };
        }
    }

    /// Frees the mark and lets go of its watch. Process context.
    ///
    /// # Safety
    ///
    /// `mark` came from [`MarkRef::new`], its last reference is gone, and no reader can see it.
    pub(super) unsafe fn free(mark: NonNull<Self>) {
        // SAFETY: Nothing else has the mark any more.
        unsafe { ptr::drop_in_place(mark.as_ptr()) };
        // SAFETY: It came from this cache and was just dropped.
        unsafe { S::context().cache().free(mark) };
    }
}

/// A counted reference to a mark. Dropping the last one needs process context.
///
/// # Invariants
///
/// The pointer is valid, and one of the mark's references belongs to this value.
pub(crate) struct MarkRef<S: Subscriber> {
    mark: NonNull<Mark<S>>,
    _owned: PhantomData<Mark<S>>,
}

// SAFETY: A mark may be used and dropped by any thread.
unsafe impl<S: Subscriber> Send for MarkRef<S> {}
// SAFETY: A mark may be used by several threads at once, and a reference only gives access to it.
unsafe impl<S: Subscriber> Sync for MarkRef<S> {}

impl<S: Subscriber> MarkRef<S> {
    /// A mark that is in no list yet. Process context; may sleep. ENOMEM.
    pub(crate) fn new(watch: Arc<S>, role: Role) -> Result<Self> {
        let memory = S::context().cache().alloc()?;
        // INVARIANT: In no list, no connector, one reference.
        let value = Mark {
            next: Atomic::new(ptr::null_mut()),
            pprev: UnsafeCell::new(ptr::null()),
            connector: Atomic::new(ptr::null_mut()),
            watch,
            link: Atomic::new(ptr::null_mut()),
            refs: Refcount::new(1),
            role,
        };
        // INVARIANT: The first reference is ours.
        Ok(Self {
            mark: NonNull::from(memory.write(value)),
            _owned: PhantomData,
        })
    }

    /// The mark. For this file only: outside, a reference to it promises more.
    fn get(&self) -> &Mark<S> {
        // SAFETY: By the type invariants.
        unsafe { self.mark.as_ref() }
    }

    /// As [`Mark::watch`].
    pub(crate) fn watch(&self) -> &Arc<S> {
        &self.get().watch
    }

    /// As [`Mark::role`].
    pub(crate) fn role(&self) -> Role {
        self.get().role
    }

    /// Links the mark in at `at`, which is the connector's first pointer or the `next` of a mark in
    /// its list.
    ///
    /// # Safety
    ///
    /// The caller holds the connector's lock, the mark is in no list, and `at` belongs to the list
    /// of that connector.
    pub(super) unsafe fn link_at(&self, at: &Atomic<*mut Mark<S>>) {
        let mark = self.get();
        let behind = at.load(Relaxed);
        mark.next.store(behind, Relaxed);
        // SAFETY: The lock protects `pprev`.
        unsafe { *mark.pprev.get() = at };
        if let Some(behind) = NonNull::new(behind) {
            // SAFETY: A mark in the list is valid while the lock is held.
            let cell = unsafe { behind.as_ref() }.pprev.get();
            // SAFETY: The lock protects `pprev` of every mark in the list.
            unsafe { *cell = &mark.next };
        }
        // Release: a reader that sees the mark sees all of it.
        at.store(ptr::from_ref(mark).cast_mut(), Release);
    }

    /// As [`Mark::next_cell`].
    pub(super) fn next_cell(&self) -> &Atomic<*mut Mark<S>> {
        self.get().next_cell()
    }

    /// Sets the connector. Called once, under its lock, by the insertion, which gives the mark the
    /// reference that `connector` stands for.
    pub(super) fn set_connector(&self, connector: ConnectorRef<S>) {
        self.get()
            .connector
            .store(connector.into_raw().as_ptr(), Release);
    }

    /// Drops the reference of the watch, which is dead. If it is not the last one, a task waits on the
    /// mark and may take its time; what the mark wants is nothing from now on, so the object is
    /// told here. It is told after the drop: the drop of the last reference tells it, too. Process
    /// context, no locks.
    pub(super) fn retire(self) {
        hook!(S, Retire);
        let reader = S::context().read();
        let mark = self.for_reader(&reader);
        if !put_unless_last(&mark.refs) {
            drop(reader);
            return drop(self);
        }
        // The reference was given back just now.
        core::mem::forget(self);
        // SAFETY: Null, or a connector that is freed only after the reader's section: the task that
        // clears the pointer has the reference that keeps it until then.
        let connector = unsafe { mark.connector.load(Acquire).as_ref() };
        let connector = connector.and_then(Connector::try_get);
        drop(reader);
        if let Some(connector) = connector {
            connector.announce_less();
        }
    }

    /// Tells the object that the watch's masks were changed. The mark is attached, the caller holds what
    /// it is on; process context, no raw lock held; may sleep.
    pub(super) fn announce(&self) {
        // SAFETY: By the type invariants, null or valid as long as the mark has a reference.
        if let Some(connector) = unsafe { self.get().connector.load(Acquire).as_ref() } {
            connector.announce();
        }
    }

    /// The mark, for as long as the reader's section lasts, which began while this reference was held.
    pub(super) fn for_reader<'r>(&self, _reader: &'r Reader<'_, S>) -> &'r Mark<S> {
        // SAFETY: The mark was not freed when the section began, because this reference was held, so
        // it is not freed before the section has ended.
        unsafe { self.mark.as_ref() }
    }

    /// The same reference, for a caller that cannot drop it where it is.
    pub(super) fn late(self) -> LateRef<S> {
        LateRef(ManuallyDrop::new(self))
    }

    fn into_raw(self) -> NonNull<Mark<S>> {
        let mark = self.mark;
        core::mem::forget(self);
        mark
    }

    /// # Safety
    ///
    /// `mark` came from [`Self::into_raw`] and no other call turns it back.
    pub(super) unsafe fn from_raw(mark: NonNull<Mark<S>>) -> Self {
        // INVARIANT: The reference of the value that was taken apart is ours now.
        Self {
            mark,
            _owned: PhantomData,
        }
    }
}

/// Drops a reference unless it is the last one; true when it did. A count that has saturated stays
/// as it is, and what it counts is never freed (`refcount_t` counts references).
pub(super) fn put_unless_last(refs: &Refcount) -> bool {
    let refs = refs.as_atomic();
    let mut old = refs.load(Relaxed);
    while old != 1 {
        if old <= 0 {
            return true;
        }
        // Release: what this holder did comes before what the last one does.
        match refs.cmpxchg(old, old.wrapping_sub(1), Release) {
            Ok(_) => return true,
            Err(current) => old = current,
        }
    }
    false
}

impl<S: Subscriber> Drop for MarkRef<S> {
    fn drop(&mut self) {
        let mark = self.get();
        if put_unless_last(&mark.refs) {
            return;
        }
        // SAFETY: By the type invariants of `Mark`, null or valid as long as the mark has a
        // reference, and this one is not given back yet.
        let Some(connector) = (unsafe { mark.connector.load(Acquire).as_ref() }) else {
            // It never was in a list, so nothing else ever saw it.
            if mark.refs.dec_and_test() {
                // SAFETY: This was the last reference, and no reader could see the mark.
                unsafe { Mark::free(self.mark) };
            }
            return;
        };

        hook!(S, LastPut);
        // Under the lock, so that a mark that is found in the list under it is alive.
        let mut guard = connector.lock();
        if !mark.refs.dec_and_test() {
            return;
        }
        Connector::left(&mut guard, mark);
        // SAFETY: The lock is held, and a mark with a connector is in its list until here.
        unsafe { mark.unlink() };
        drop(guard);

        connector.announce_less();
        let connector = mark.connector.xchg(ptr::null_mut(), Full);
        // SAFETY: The mark is unlinked, its last reference is gone, and its link is free: it left
        // its watch's set when it was detached. The reaper frees it after a grace period.
        unsafe { S::context().reap_mark(self.mark) };
        if let Some(connector) = NonNull::new(connector) {
            // SAFETY: `set_connector` took it apart; the exchange made it ours alone.
            drop(unsafe { ConnectorRef::from_raw(connector) });
        }
    }
}

/// A [`MarkRef`] that may be dropped where nothing may sleep or be freed, inside a read section
/// perhaps: the last one goes to the workqueue (a task that resumes a walk frees nothing).
pub(super) struct LateRef<S: Subscriber>(ManuallyDrop<MarkRef<S>>);

impl<S: Subscriber> core::ops::Deref for LateRef<S> {
    type Target = MarkRef<S>;

    fn deref(&self) -> &MarkRef<S> {
        &self.0
    }
}

impl<S: Subscriber> Drop for LateRef<S> {
    fn drop(&mut self) {
        if put_unless_last(&self.0.get().refs) {
            return;
        }
        // SAFETY: It is not used after this.
        let mark = unsafe { ManuallyDrop::take(&mut self.0) };
        // SAFETY: The link chains a mark to the others of its watch, which has let go of this one if
        // the last reference is here. Until that is dropped, no other can be the last.
        unsafe { S::context().put_mark(mark.into_raw()) };
    }
}

/// The marks of one watch. Changed only under the `mark_mutex` of the watch's group, which
/// [`super::GroupGuard`] stands for.
///
/// # Invariants
///
/// Each mark in the chain was taken apart by `MarkRef::into_raw`: the set holds its reference.
pub(crate) struct MarkSet<S: Subscriber>(Atomic<*mut Mark<S>>);

impl<S: Subscriber> MarkSet<S> {
    /// An empty set.
    pub(crate) const fn new() -> Self {
        // INVARIANT: The chain is empty.
        Self(Atomic::new(ptr::null_mut()))
    }

    /// Adds a mark. The caller holds `mark_mutex`.
    pub(super) fn attach(&self, mark: MarkRef<S>) {
        mark.get().link.store(self.0.load(Relaxed), Relaxed);
        // INVARIANT: The reference is the set's from here.
        self.0.store(mark.into_raw().as_ptr(), Relaxed);
    }

    /// Takes one mark out. The caller holds `mark_mutex`.
    pub(super) fn detach(&self) -> Option<MarkRef<S>> {
        let mark = NonNull::new(self.0.load(Relaxed))?;
        // SAFETY: By the type invariants, the set holds a reference.
        let next = unsafe { mark.as_ref() }.link.load(Relaxed);
        self.0.store(next, Relaxed);
        // SAFETY: By the type invariants; it just left the chain.
        Some(unsafe { MarkRef::from_raw(mark) })
    }

    /// Calls `f` for each mark. The caller holds `mark_mutex`.
    pub(super) fn for_each(&self, mut f: impl FnMut(&MarkRef<S>)) {
        let mut next = NonNull::new(self.0.load(Relaxed));
        while let Some(mark) = next {
            // SAFETY: By the type invariants, the set holds a reference, which stays with it: this
            // value is not dropped.
            let mark = ManuallyDrop::new(unsafe { MarkRef::from_raw(mark) });
            f(&mark);
            next = NonNull::new(mark.get().link.load(Relaxed));
        }
    }
}
