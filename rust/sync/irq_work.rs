// SPDX-License-Identifier: GPL-2.0

//! A small piece of work that is done as soon as interrupts are on.
//!
//! A producer that holds unknown locks must not wake a task itself. It queues an irq_work, which
//! runs in a hard interrupt of the same CPU, a moment after the locks and the disabled interrupts.
//!
//! Used by `queue/` for wake-ups from hooks and from other modules.
//!
//! C header: [`include/linux/irq_work.h`](srctree/include/linux/irq_work.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use core::{
    marker::PhantomPinned,
    ops::Deref, //
};
use kernel::types::Opaque;

/// What an [`IrqWork`] does.
pub(crate) trait IrqHandler: Send + Sync + Sized {
    /// Runs in a hard interrupt (on PREEMPT_RT: in a thread), outside every lock of the context
    /// that queued it.
    ///
    /// Must not drop the work or wait for it.
    fn run(work: &IrqWork<Self>);
}

/// An irq_work, together with what it works on, to which it dereferences.
///
/// Dropping it waits for it, and only then drops the content: process context.
///
/// # Invariants
///
/// `work` is an initialised `irq_work` that is embedded here and has [`Self::run`] as its function.
///
/// # Examples
///
/// ```ignore
/// struct WakeLater { #[pin] queue: WaitQueue }
///
/// impl IrqHandler for WakeLater {
///     fn run(work: &IrqWork<Self>) {
///         work.queue.wake_all(POLLIN);
///     }
/// }
/// ```
#[pin_data(PinnedDrop)]
pub(crate) struct IrqWork<T: IrqHandler> {
    #[pin]
    work: Opaque<bindings::irq_work>,
    #[pin]
    content: T,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: A thread that has the work may have its content, which is `Send`.
unsafe impl<T: IrqHandler> Send for IrqWork<T> {}
// SAFETY: The functions of `irq_work` may be called on several CPUs at once, and the content is
// `Sync`.
unsafe impl<T: IrqHandler> Sync for IrqWork<T> {}

impl<T: IrqHandler> IrqWork<T> {
    /// Creates a work that is not queued.
    pub(crate) fn new<E>(content: impl PinInit<T, E>) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        try_pin_init!(Self {
            // INVARIANT: As the C macro initialises it: all zero but the function.
            work: Opaque::new(bindings::irq_work {
                func: Some(Self::run),
                ..pin_init::zeroed()
            }),
            content <- content,
            _pin: PhantomPinned,
        }? Error)
    }

    /// # Safety
    ///
    /// `work` must be that of an [`IrqWork<T>`].
    unsafe extern "C" fn run(work: *mut bindings::irq_work) {
        // SAFETY: It is the content of an `Opaque`, which has the same address, in an `IrqWork<T>`.
        let this =
            unsafe { kernel::container_of!(Opaque::cast_from(work).cast_mut(), IrqWork<T>, work) };

        // SAFETY: `drop()` waits for this function, so the work is there until it returns.
        T::run(unsafe { &*this });
    }

    /// Queues the work on this CPU. False if it is queued already.
    ///
    /// A full barrier: what was stored before is visible to the run that follows, also when this
    /// returns false.
    ///
    /// Any context.
    pub(crate) fn queue(&self) -> bool {
        // SAFETY: By the type invariant the work is initialised; `drop()` waits for it.
        unsafe { bindings::irq_work_queue(self.work.get()) }
    }

    /// Waits until the work is neither queued nor running.
    ///
    /// Process context, with interrupts on.
    pub(crate) fn sync(&self) {
        // SAFETY: By the type invariant the work is initialised.
        unsafe { bindings::irq_work_sync(self.work.get()) };
    }
}

impl<T: IrqHandler> Deref for IrqWork<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.content
    }
}

#[pinned_drop]
impl<T: IrqHandler> PinnedDrop for IrqWork<T> {
    fn drop(self: Pin<&mut Self>) {
        self.sync();
    }
}

#[kunit_tests(watch_queue_irq_work)]
mod tests {
    use super::*;
    use crate::rust::sync::raw_spinlock::new_raw_spinlock;
    use kernel::sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    };

    struct Counter {
        runs: Atomic<u32>,
        in_hardirq: Atomic<bool>,
    }

    impl IrqHandler for Counter {
        fn run(work: &IrqWork<Self>) {
            // SAFETY: No requirements.
            let in_hardirq = unsafe { bindings::wqd_in_hardirq() };

            work.in_hardirq.store(in_hardirq, Relaxed);
            work.runs.add(1, Relaxed);
        }
    }

    fn counter() -> Result<Pin<KBox<IrqWork<Counter>>>> {
        let counter = Counter {
            runs: Atomic::new(0),
            in_hardirq: Atomic::new(false),
        };

        KBox::pin_init(IrqWork::new(counter), GFP_KERNEL)
    }

    #[test]
    fn runs_in_a_hard_interrupt() -> Result {
        let work = counter()?;

        for runs in 1..=100 {
            assert!(work.queue());
            work.sync();
            assert_eq!(work.runs.load(Relaxed), runs);
        }
        assert!(work.in_hardirq.load(Relaxed) || cfg!(CONFIG_PREEMPT_RT));
        Ok(())
    }

    #[test]
    fn waits_for_the_locks_of_who_queues() -> Result {
        let work = counter()?;
        let lock = KBox::pin_init(new_raw_spinlock!((), "test.lock"), GFP_KERNEL)?;

        let guard = lock.lock();
        let first = work.queue();
        let second = work.queue();
        let runs = work.runs.load(Relaxed);
        drop(guard);
        work.sync();

        assert!(first && !second);
        assert_eq!(runs, 0);
        assert_eq!(work.runs.load(Relaxed), 1);
        Ok(())
    }
}
