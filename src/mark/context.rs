// SPDX-License-Identifier: GPL-2.0

//! What all marks of one kind of watch share: the SRCU domain of the walks, the allocator, and the
//! two reapers.
//!
//! The *mark reaper* frees what was unlinked: one jiffy after the first, after one grace period for
//! all that came meanwhile. The *watch reaper* does step two for watches that were ended where
//! nothing may sleep; another job drops the last references of marks that were given back there.
//! Neither grace period is ever waited for in a system call.

use super::{
    connector::{
        Connected,
        Object, //
    },
    hooks::hook,
    slot::{
        Directory,
        InDirectory, //
    },
    table::InTable,
    Mark,
    MarkRef,
    Subscriber, //
};
use crate::rust::prelude::*;
use crate::rust::{
    mm::kmem_cache::KmemCache,
    sync::{
        irq_work::{
            IrqHandler,
            IrqWork, //
        },
        srcu_fast::{
            new_srcu_fast,
            SrcuFast,
            SrcuFastGuard, //
        },
        stack::{
            Linked,
            Stack, //
        },
        workqueue::{
            new_delayed_job,
            DelayedJob,
            Job,
            OwnedQueue, //
        },
    },
};
use core::marker::PhantomData;
use kernel::time::Jiffies;

/// How long the mark reaper waits for company, in jiffies.
const REAPER_DELAY: Jiffies = 1;

/// What all marks of `S` share. It is initialised before the first and dropped after the last.
#[pin_data]
pub(crate) struct Context<S: Subscriber> {
    // Dropped in this order: what queues a job, the jobs, then what they use.
    #[pin]
    kick_ends: IrqWork<KickEnds<S>>,
    #[pin]
    ends: DelayedJob<Ends<S>>,
    #[pin]
    kick: IrqWork<Kick<S>>,
    #[pin]
    watches: DelayedJob<Watches<S>>,
    #[pin]
    puts: DelayedJob<Puts<S>>,
    #[pin]
    marks: DelayedJob<Marks<S>>,
    #[pin]
    slotted: DelayedJob<Boxes<S, InDirectory<S>>>,
    #[pin]
    tabled: DelayedJob<Boxes<S, InTable<S>>>,
    #[pin]
    srcu: SrcuFast,
    cache: KmemCache<Mark<S>>,
}

/// A read section of the walks.
pub(crate) struct Reader<'a, S: Subscriber> {
    _section: SrcuFastGuard<'a>,
    _of: PhantomData<&'a S>,
}

struct Marks<S: Subscriber>(Stack<Mark<S>>);

struct Puts<S: Subscriber>(Stack<Mark<S>>);

struct Watches<S: Subscriber>(Stack<Dead<S>>);

/// Directories that have left their slots.
struct Ends<S: Subscriber>(Stack<Directory<S>>);

/// Connectors that are boxes of their own.
struct Boxes<S: Subscriber, O: Object<S>>(Stack<Connected<S, O>>)
where
    Connected<S, O>: Linked;

/// Queues step two: the context that killed a watch may hold locks under which a job cannot be
/// queued.
struct Kick<S: Subscriber>(PhantomData<fn(S)>);

/// Queues the job for directories, for the same reason.
struct KickEnds<S: Subscriber>(PhantomData<fn(S)>);

/// A watch in the list of dead ones.
#[repr(transparent)]
struct Dead<S: Subscriber>(S);

impl<S: Subscriber> Linked for Dead<S> {
    fn link(&self) -> &Atomic<*mut Self> {
        let link: *const Atomic<*mut S> = self.0.reap_link();
        // SAFETY: `Dead` is transparent, so both pointers have the same layout, and the link is used
        // for nothing else.
        unsafe { &*link.cast() }
    }
}

impl<S: Subscriber> Context<S> {
    /// The reapers run on `queue`; `name` is that of the marks in /proc/slabinfo.
    pub(crate) fn new(queue: Arc<OwnedQueue>, name: &'static CStr) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            kick_ends <- IrqWork::new(KickEnds(PhantomData)),
            ends <- new_delayed_job!(Ends(Stack::new()), queue.clone(), "wq_end_directories"),
            kick <- IrqWork::new(Kick(PhantomData)),
            watches <- new_delayed_job!(Watches(Stack::new()), queue.clone(), "wq_reap_watches"),
            puts <- new_delayed_job!(Puts(Stack::new()), queue.clone(), "wq_put_marks"),
            marks <- new_delayed_job!(Marks(Stack::new()), queue.clone(), "wq_reap_marks"),
            slotted <- new_delayed_job!(Boxes(Stack::new()), queue.clone(), "wq_reap_slotted"),
            tabled <- new_delayed_job!(Boxes(Stack::new()), queue, "wq_reap_tabled"),
            srcu <- new_srcu_fast!("watch_queue_marks"),
            cache: KmemCache::new(name)?,
        })
    }

    /// Begins a walk. Any context but NMI.
    #[inline]
    pub(crate) fn read(&self) -> Reader<'_, S> {
        Reader {
            _section: self.srcu.read_lock(),
            _of: PhantomData,
        }
    }

    /// Where marks are allocated. Its slabs are charged to the memory cgroup of the task that adds
    /// the watch, as are connectors, kernel marks and the table of handles; what fsnotify allocates
    /// for each watched object is not.
    pub(super) fn cache(&self) -> &KmemCache<Mark<S>> {
        &self.cache
    }

    /// Frees an unlinked mark after a grace period. Process context.
    ///
    /// # Safety
    ///
    /// The mark came from this context's cache, is in no list any more, its last reference is gone,
    /// and its link is free.
    pub(super) unsafe fn reap_mark(&self, mark: NonNull<Mark<S>>) {
        // SAFETY: The caller gives the mark away.
        unsafe { self.marks.0.push(mark) };
        self.marks.queue(REAPER_DELAY);
    }

    /// Drops a reference, which may be the last, from the workqueue. Any context but NMI.
    ///
    /// # Safety
    ///
    /// `MarkRef::into_raw` gave the mark, and its link is free until the reference was dropped.
    pub(super) unsafe fn put_mark(&self, mark: NonNull<Mark<S>>) {
        // SAFETY: The reference keeps the mark until the job drops it.
        unsafe { self.puts.0.push(mark) };
        self.puts.queue(0);
    }

    /// Waits until the references that were given to [`Self::put_mark`] before are dropped. Process
    /// context.
    pub(super) fn flush_puts(&self) {
        self.puts.flush();
    }

    /// Frees a connector after a grace period. Process context.
    ///
    /// # Safety
    ///
    /// It was allocated as a `KBox`, it cannot be found anew, and its link is free.
    pub(super) unsafe fn reap_slotted(&self, connector: NonNull<Connected<S, InDirectory<S>>>) {
        // SAFETY: The caller gives it away.
        unsafe { self.slotted.0.push(connector) };
        self.slotted.queue(REAPER_DELAY);
    }

    /// As [`Self::reap_slotted`].
    ///
    /// # Safety
    ///
    /// As there.
    pub(super) unsafe fn reap_tabled(&self, connector: NonNull<Connected<S, InTable<S>>>) {
        // SAFETY: The caller gives it away.
        unsafe { self.tabled.0.push(connector) };
        self.tabled.queue(REAPER_DELAY);
    }

    /// Queues step two for a watch that is being killed. Any context, whatever locks are held; takes
    /// none.
    ///
    /// It is part of step one, under the same lock: a task that sees the watch dead may count on
    /// [`Self::flush`] to wait for it, as module exit does.
    pub(crate) fn reap_watch(&self, watch: Arc<S>) {
        let watch = Arc::into_raw(watch).cast_mut().cast::<Dead<S>>();
        if let Some(watch) = NonNull::new(watch) {
            // SAFETY: The reference keeps the watch until the job drops it. A watch is killed once,
            // so its link is free.
            unsafe { self.watches.0.push(watch) };
            self.kick.queue();
        }
    }

    /// Ends the watches of a directory whose object has ended, step one, from the workqueue, and drops
    /// the reference after a grace period. Any context, whatever locks are held; takes none.
    pub(super) fn end_directory(&self, directory: Arc<Directory<S>>) {
        if let Some(directory) = NonNull::new(Arc::into_raw(directory).cast_mut()) {
            // SAFETY: The reference keeps it until the job drops it. It left its slot once, so its
            // link is free.
            unsafe { self.ends.0.push(directory) };
            self.kick_ends.queue();
        }
    }

    /// Waits until the watches of all objects that ended before have been ended, step one. Process
    /// context.
    pub(crate) fn flush_ends(&self) {
        self.kick_ends.sync();
        self.ends.flush();
    }

    /// Waits until everything that was ended, killed or unlinked before is gone. Process context.
    pub(crate) fn flush(&self) {
        self.flush_ends();
        self.kick.sync();
        self.watches.flush();
        self.flush_puts();
        self.marks.flush();
        self.slotted.flush();
        self.tabled.flush();
    }
}

impl<S: Subscriber> IrqHandler for Kick<S> {
    fn run(_work: &IrqWork<Self>) {
        S::context().watches.queue(0);
    }
}

impl<S: Subscriber> IrqHandler for KickEnds<S> {
    fn run(_work: &IrqWork<Self>) {
        S::context().ends.queue(0);
    }
}

impl<S: Subscriber> Job for Ends<S> {
    fn run(job: &DelayedJob<Self>) {
        let ended = Stack::new();
        let mut chain = job.0.take();
        if chain.is_empty() {
            return;
        }
        while let Some(directory) = chain.next() {
            // SAFETY: `end_directory` took it apart, and the reference is still there.
            unsafe { directory.as_ref() }.end_all();
            // SAFETY: The chain has handed it out, so that its link is free; it is dropped below.
            unsafe { ended.push(directory) };
        }
        S::context().srcu.synchronize();
        let mut chain = ended.take();
        while let Some(directory) = chain.next() {
            // SAFETY: `end_directory` took it apart, and the chain hands it out once. A grace period
            // has ended since it left its slot.
            drop(unsafe { Arc::from_raw(directory.as_ptr().cast_const()) });
        }
    }
}

impl<S: Subscriber> Job for Puts<S> {
    fn run(job: &DelayedJob<Self>) {
        let mut chain = job.0.take();
        while let Some(mark) = chain.next() {
            // SAFETY: `put_mark` got it, and the chain hands it out once.
            drop(unsafe { MarkRef::from_raw(mark) });
        }
    }
}

impl<S: Subscriber> Job for Marks<S> {
    fn run(job: &DelayedJob<Self>) {
        let mut chain = job.0.take();
        if chain.is_empty() {
            return;
        }
        S::context().srcu.synchronize();
        while let Some(mark) = chain.next() {
            // SAFETY: `reap_mark` got it; a grace period has ended since it left its list.
            unsafe { Mark::free(mark) };
        }
    }
}

impl<S: Subscriber, O: Object<S>> Job for Boxes<S, O>
where
    Connected<S, O>: Linked,
{
    fn run(job: &DelayedJob<Self>) {
        let mut chain = job.0.take();
        if chain.is_empty() {
            return;
        }
        S::context().srcu.synchronize();
        while let Some(connector) = chain.next() {
            hook!(S, FreeBox);
            // SAFETY: `reap_slotted` or `reap_tabled` got what once was a box; a grace period has
            // ended since it could no longer be found anew.
            drop(unsafe { KBox::from_raw(connector.as_ptr()) });
        }
    }
}

impl<S: Subscriber> Job for Watches<S> {
    fn run(job: &DelayedJob<Self>) {
        let mut chain = job.0.take();
        while let Some(watch) = chain.next() {
            // SAFETY: `reap_watch` took it apart, and the chain hands it out once.
            let watch = unsafe { Arc::from_raw(watch.as_ptr().cast::<S>().cast_const()) };
            let removed = watch.group().lock().remove(watch.handle());
            drop(removed);
        }
    }
}
