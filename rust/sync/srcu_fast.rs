// SPDX-License-Identifier: GPL-2.0

//! SRCU with readers that cost next to nothing.
//!
//! The `kernel` crate's `Srcu` has the classic readers, with a full barrier at each end. The fast
//! flavour has none, may be entered in any context, and makes up for it with a grace period that
//! contains RCU's. The two must not be mixed on one structure, hence a type of its own.
//!
//! Used by the walk over marks (`mark/`), which runs for every event.
//!
//! C header: [`include/linux/srcu.h`](srctree/include/linux/srcu.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use kernel::{
    error::to_result,
    sync::LockClassKey,
    types::{
        NotThreadSafe,
        Opaque, //
    }, //
};

/// Creates a [`SrcuFast`] initialiser with the given name and a newly created lock class.
macro_rules! new_srcu_fast {
    ($name:literal) => {
        $crate::rust::sync::srcu_fast::SrcuFast::new(
            ::kernel::c_str!($name),
            ::kernel::static_lock_class!(),
        )
    };
}
pub(crate) use new_srcu_fast;

/// A domain of SRCU-fast.
///
/// Dropping it waits for readers and callbacks, so it sleeps; if a guard has been leaked, for ever.
///
/// # Invariants
///
/// `inner` is initialised for fast readers, and has no other readers.
#[pin_data(PinnedDrop)]
#[repr(transparent)]
pub(crate) struct SrcuFast {
    #[pin]
    inner: Opaque<bindings::srcu_struct>,
}

// SAFETY: An `srcu_struct` has no ties to the thread that initialised it.
unsafe impl Send for SrcuFast {}
// SAFETY: All its functions may be called by several threads at once.
unsafe impl Sync for SrcuFast {}

impl SrcuFast {
    /// Creates a domain. Allocates per-CPU memory, so it may sleep and fail.
    pub(crate) fn new(
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            // INVARIANT: Initialised for fast readers, if this succeeds.
            inner <- Opaque::try_ffi_init(|slot| {
                // SAFETY: `slot` is valid for writing; name and key are valid for ever.
                to_result(unsafe {
                    bindings::wqd_init_srcu_struct_fast(slot, name.as_char_ptr(), key.as_ptr())
                })
            }),
        })
    }

    /// Begins to read: what was reachable when this returns is not freed until the guard is
    /// dropped.
    ///
    /// Any context in which RCU is watching, hard interrupts too. The reader may sleep if its
    /// context allows it. The guard must be dropped in the same context.
    #[inline]
    pub(crate) fn read_lock(&self) -> SrcuFastGuard<'_> {
        // SAFETY: By the type invariant, `inner` is initialised for fast readers.
        let counter = unsafe { bindings::wqd_srcu_read_lock_fast(self.inner.get()) };

        // INVARIANT: As returned.
        SrcuFastGuard {
            srcu: self,
            counter,
            _not_send: NotThreadSafe,
        }
    }

    /// Waits until all present readers have finished.
    ///
    /// Process context, not inside a reader. Costs at least one RCU grace period, so never wait for
    /// it in a system call that a program waits for.
    pub(crate) fn synchronize(&self) {
        // SAFETY: By the type invariant, `inner` is initialised.
        unsafe { bindings::synchronize_srcu(self.inner.get()) };
    }

    /// Waits until all callbacks that have been queued so far have run.
    ///
    /// Process context, not inside a reader.
    pub(crate) fn barrier(&self) {
        // SAFETY: By the type invariant, `inner` is initialised.
        unsafe { bindings::srcu_barrier(self.inner.get()) };
    }
}

#[pinned_drop]
impl PinnedDrop for SrcuFast {
    fn drop(self: Pin<&mut Self>) {
        // The C side cannot clean up while there are readers or callbacks, and nothing is left that
        // could add any. A leaked guard makes this wait for ever, which is better than freeing what
        // that reader uses.
        self.synchronize();
        self.barrier();

        // SAFETY: By the type invariant, `inner` is initialised; it is not used after this.
        unsafe { bindings::cleanup_srcu_struct(self.inner.get()) };
    }
}

/// A reader of a [`SrcuFast`]; ends when dropped.
///
/// # Invariants
///
/// `counter` is what beginning to read `srcu` returned in this context.
#[must_use = "the reader ends at once when the guard is not kept"]
pub(crate) struct SrcuFastGuard<'a> {
    srcu: &'a SrcuFast,
    counter: *mut bindings::srcu_ctr,
    _not_send: NotThreadSafe,
}

impl Drop for SrcuFastGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariants, this reader began with `counter`, in this context.
        unsafe { bindings::wqd_srcu_read_unlock_fast(self.srcu.inner.get(), self.counter) };
    }
}

#[kunit_tests(watch_queue_srcu_fast)]
mod tests {
    use super::*;
    use crate::rust::sync::{
        irq_work::{
            IrqHandler,
            IrqWork, //
        },
        workqueue::{
            new_delayed_job,
            DelayedJob,
            Job,
            OwnedQueue,
            WQ_UNBOUND, //
        },
    };
    use kernel::{
        sync::{
            atomic::{
                ordering::Relaxed,
                Atomic, //
            },
            Arc,
            Completion, //
        },
        time::{
            delay::fsleep,
            Delta, //
        },
    };

    #[pin_data]
    struct Shared {
        #[pin]
        srcu: SrcuFast,
        #[pin]
        reading: Completion,
        done: Atomic<bool>,
    }

    struct Reader(Arc<Shared>);

    impl Job for Reader {
        fn run(job: &DelayedJob<Self>) {
            let _outer = job.0.srcu.read_lock();
            job.0.reading.complete_all();
            fsleep(Delta::from_millis(50));
            let _inner = job.0.srcu.read_lock();
            job.0.done.store(true, Relaxed);
        }
    }

    impl IrqHandler for Reader {
        fn run(work: &IrqWork<Self>) {
            let _reader = work.0.srcu.read_lock();
            work.0.done.store(true, Relaxed);
        }
    }

    fn shared() -> Result<Arc<Shared>> {
        Arc::pin_init(
            try_pin_init!(Shared {
                srcu <- new_srcu_fast!("test.srcu"),
                reading <- Completion::new(),
                done: Atomic::new(false),
            }),
            GFP_KERNEL,
        )
    }

    #[test]
    fn synchronize_waits_for_a_sleeping_reader() -> Result {
        let shared = shared()?;
        let queue = Arc::new(OwnedQueue::new(c"wqd_test", WQ_UNBOUND)?, GFP_KERNEL)?;
        let reader = KBox::pin_init(
            new_delayed_job!(Reader(shared.clone()), queue, "test.reader"),
            GFP_KERNEL,
        )?;

        reader.queue(0);
        shared.reading.wait_for_completion();
        assert!(!shared.done.load(Relaxed));
        shared.srcu.synchronize();
        assert!(shared.done.load(Relaxed));
        Ok(())
    }

    #[test]
    fn may_be_read_in_hard_interrupts() -> Result {
        let shared = shared()?;
        let work = KBox::pin_init(IrqWork::new(Reader(shared.clone())), GFP_KERNEL)?;

        work.queue();
        work.sync();
        assert!(shared.done.load(Relaxed));
        shared.srcu.synchronize();
        shared.srcu.barrier();
        Ok(())
    }
}
