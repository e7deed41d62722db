// SPDX-License-Identifier: GPL-2.0

//! A sleeping lock and a flag, in one word.
//!
//! For objects of which there are many, where a mutex of 32 bytes would be most of what they need.
//! A task that has to wait sleeps on one of the kernel's own wait queues for bits. Used by
//! [`crate::rust::fsnotify::mark`].
//!
//! C header: [`include/linux/wait_bit.h`](srctree/include/linux/wait_bit.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use kernel::types::NotThreadSafe;

/// The bit that is set while the lock is held.
const LOCKED: c_int = 0;
/// The bit of the flag.
const RAISED: c_int = 1;

/// A lock that protects nothing by its type, and a flag beside it that may be changed without the
/// lock.
pub(crate) struct BitLock(Atomic<usize>);

impl BitLock {
    /// Neither held nor raised.
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(0))
    }

    fn word(&self) -> *mut c_ulong {
        self.0.as_ptr().cast()
    }

    /// Takes the lock. Sleeps; not to be taken twice by one task.
    pub(crate) fn lock(&self) -> BitGuard<'_> {
        // SAFETY: The word is valid, and is changed by atomic operations only.
        unsafe { bindings::wqd_bit_lock(LOCKED, self.word()) };
        BitGuard(self, NotThreadSafe)
    }

    /// Raises the flag; whether it was raised. Any context; a full barrier.
    pub(crate) fn raise(&self) -> bool {
        // SAFETY: The word is valid, and is changed by atomic operations only.
        unsafe { bindings::wqd_test_and_set_bit(RAISED, self.word()) }
    }

    /// Takes the flag down; whether it was raised. Any context; a full barrier.
    pub(crate) fn take_down(&self) -> bool {
        // SAFETY: The word is valid, and is changed by atomic operations only.
        unsafe { bindings::wqd_test_and_clear_bit(RAISED, self.word()) }
    }
}

/// A [`BitLock`], held.
pub(crate) struct BitGuard<'a>(&'a BitLock, NotThreadSafe);

impl Drop for BitGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: The word is valid; this value stands for the lock.
        unsafe { bindings::wqd_bit_unlock(LOCKED, self.0.word()) };
    }
}

#[kunit_tests(watch_queue_bit_lock)]
mod tests {
    use super::*;
    use crate::rust::sync::workqueue::{
        new_delayed_job,
        DelayedJob,
        Job,
        OwnedQueue,
        WQ_UNBOUND, //
    };
    use kernel::{
        sync::{
            atomic::ordering::Relaxed,
            Arc, //
        },
        time::{
            delay::fsleep,
            Delta, //
        },
    };

    struct Inner {
        lock: BitLock,
        got: Atomic<u32>,
    }

    impl Job for Inner {
        fn run(job: &DelayedJob<Self>) {
            let _guard = job.lock.lock();
            job.got.store(1, Relaxed);
        }
    }

    #[test]
    fn the_flag_is_beside_the_lock() {
        let lock = BitLock::new();
        let guard = lock.lock();
        assert!(!lock.raise());
        assert!(lock.raise());
        drop(guard);
        let guard = lock.lock();
        assert!(lock.take_down());
        assert!(!lock.take_down());
        drop(guard);
        drop(lock.lock());
    }

    #[test]
    fn who_comes_second_sleeps_until_the_first_lets_go() -> Result {
        let queue = Arc::new(OwnedQueue::new(c"wqd_test_bit", WQ_UNBOUND)?, GFP_KERNEL)?;
        let inner = Inner {
            lock: BitLock::new(),
            got: Atomic::new(0),
        };
        let job = KBox::pin_init(new_delayed_job!(inner, queue, "test.bit"), GFP_KERNEL)?;
        let guard = job.lock.lock();
        job.queue(0);
        fsleep(Delta::from_millis(20));
        assert_eq!(job.got.load(Relaxed), 0);
        drop(guard);
        job.flush();
        assert_eq!(job.got.load(Relaxed), 1);
        drop(job.lock.lock());
        Ok(())
    }
}
