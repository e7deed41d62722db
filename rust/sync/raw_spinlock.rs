// SPDX-License-Identifier: GPL-2.0

//! Raw spinlocks.
//!
//! The `kernel` crate has `SpinLock`, a `spinlock_t`: it may not be taken under another raw
//! spinlock or in a hard interrupt handler of a PREEMPT_RT kernel, and lockdep insists on that.
//! What posts events from such places needs the raw kind, with interrupts off.
//!
//! Used for the ring lock of each queue and the lock of each connector.
//!
//! C header: [`include/linux/spinlock.h`](srctree/include/linux/spinlock.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use core::{
    cell::UnsafeCell,
    ops::{
        Deref,
        DerefMut, //
    },
};
use kernel::{
    sync::LockClassKey,
    types::{
        NotThreadSafe,
        Opaque, //
    }, //
};

/// Creates a [`RawSpinLock`] initialiser with the given content, name and a newly created lock
/// class.
macro_rules! new_raw_spinlock {
    ($value:expr, $name:literal) => {
        $crate::rust::sync::raw_spinlock::RawSpinLock::new(
            $value,
            ::kernel::c_str!($name),
            ::kernel::static_lock_class!(),
        )
    };
}
pub(crate) use new_raw_spinlock;

/// A value under a raw spinlock that is taken with interrupts off.
///
/// May be locked in any context but NMI. While it is held, nothing may sleep, allocate, free,
/// wake a task, or take a lock that is not a raw spinlock, and the work done must be bounded.
///
/// # Invariants
///
/// `lock` is initialised; `value` is accessed by its holder only.
///
/// # Examples
///
/// ```ignore
/// stack_pin_init!(let counter = new_raw_spinlock!(0u64, "Example::counter"));
/// *counter.lock() += 1;
/// ```
#[pin_data]
pub(crate) struct RawSpinLock<T> {
    #[pin]
    lock: Opaque<bindings::raw_spinlock_t>,
    value: UnsafeCell<T>,
}

// SAFETY: The value goes along, and the lock itself has no ties to a thread while it is not held.
unsafe impl<T: Send> Send for RawSpinLock<T> {}
// SAFETY: The lock gives the value to one thread after the other, so `Send` is enough.
unsafe impl<T: Send> Sync for RawSpinLock<T> {}

impl<T> RawSpinLock<T> {
    /// Creates an unlocked lock around `value`.
    pub(crate) fn new(
        value: T,
        name: &'static CStr,
        key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: The C side initialises the lock.
            //
            // SAFETY: `slot` is valid for writing; name and key are valid for ever.
            lock <- Opaque::ffi_init(|slot| unsafe {
                bindings::wqd_raw_spin_lock_init(slot, name.as_char_ptr(), key.as_ptr())
            }),
            value: UnsafeCell::new(value),
        })
    }

    /// Switches interrupts off on this CPU and takes the lock.
    ///
    /// Guards of several locks must be dropped in the reverse order, because each restores
    /// the interrupt state that it found.
    #[inline]
    pub(crate) fn lock(&self) -> RawGuard<'_, T> {
        // SAFETY: By the type invariant, the lock is initialised.
        let irq_flags = unsafe { bindings::wqd_raw_spin_lock_irqsave(self.lock.get()) };

        // INVARIANT: This thread holds the lock from here on.
        RawGuard {
            lock: self,
            irq_flags,
            _not_send: NotThreadSafe,
        }
    }
}

/// Access to the value of a [`RawSpinLock`]; unlocks when dropped.
///
/// # Invariants
///
/// This thread holds `lock`; `irq_flags` is what taking it returned.
#[must_use = "the lock is released at once when the guard is not kept"]
pub(crate) struct RawGuard<'a, T> {
    lock: &'a RawSpinLock<T>,
    irq_flags: usize,
    _not_send: NotThreadSafe,
}

// SAFETY: A reference to the guard gives no more than a reference to the value.
unsafe impl<T: Sync> Sync for RawGuard<'_, T> {}

impl<T> Deref for RawGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: By the type invariant this thread holds the lock.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for RawGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: By the type invariant this thread holds the lock, and this is its only guard.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for RawGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant this thread holds the lock, with these flags.
        unsafe { bindings::wqd_raw_spin_unlock_irqrestore(self.lock.lock.get(), self.irq_flags) };
    }
}

#[kunit_tests(watch_queue_raw_spinlock)]
mod tests {
    use super::*;
    use crate::rust::sync::workqueue::{
        new_delayed_job,
        DelayedJob,
        Job,
        OwnedQueue,
        WQ_UNBOUND, //
    };
    use kernel::sync::Arc;

    const ROUNDS: u64 = 50_000;

    fn irqs_disabled() -> bool {
        // SAFETY: No requirements.
        unsafe { bindings::wqd_irqs_disabled() }
    }

    #[pin_data]
    struct Shared {
        #[pin]
        count: RawSpinLock<u64>,
    }

    impl Shared {
        fn count_up(&self) {
            for _ in 0..ROUNDS {
                let mut count = self.count.lock();
                let old = *count;
                // Without the lock, another CPU's step gets lost here.
                core::hint::black_box(old);
                *count = old + 1;
            }
        }
    }

    struct Counter(Arc<Shared>);

    impl Job for Counter {
        fn run(job: &DelayedJob<Self>) {
            job.0.count_up();
        }
    }

    #[test]
    fn one_at_a_time() -> Result {
        let shared = Arc::pin_init(
            pin_init!(Shared { count <- new_raw_spinlock!(0, "test.count") }),
            GFP_KERNEL,
        )?;
        let queue = Arc::new(OwnedQueue::new(c"wqd_test", WQ_UNBOUND)?, GFP_KERNEL)?;
        let first = KBox::pin_init(
            new_delayed_job!(Counter(shared.clone()), queue.clone(), "test.first"),
            GFP_KERNEL,
        )?;
        let second = KBox::pin_init(
            new_delayed_job!(Counter(shared.clone()), queue, "test.second"),
            GFP_KERNEL,
        )?;

        assert!(first.queue(0));
        assert!(second.queue(0));
        shared.count_up();
        first.flush();
        second.flush();

        assert_eq!(*shared.count.lock(), 3 * ROUNDS);
        Ok(())
    }

    #[test]
    fn interrupts_are_off_and_come_back() -> Result {
        let outer = KBox::pin_init(new_raw_spinlock!(0u8, "test.outer"), GFP_KERNEL)?;
        let inner = KBox::pin_init(new_raw_spinlock!(0u8, "test.inner"), GFP_KERNEL)?;

        assert!(!irqs_disabled());
        let outer_guard = outer.lock();
        assert!(irqs_disabled());
        drop(inner.lock());
        assert!(irqs_disabled());
        drop(outer_guard);
        assert!(!irqs_disabled());
        Ok(())
    }
}
