// SPDX-License-Identifier: GPL-2.0

//! Wait queues: for poll(2), and for tasks that wait for user space.
//!
//! A producer that has published something asks [`WaitQueue::has_sleeper`] and, only if so, wakes
//! with [`WaitQueue::wake_all`]. The `kernel` crate has `PollCondVar`, but it cannot tell whether a
//! task sleeps, wakes without saying what happened, and waits for an RCU grace period whenever one
//! is dropped, which would be once for every closed file.
//!
//! Used by `queue/` for the wait queue of each ring and of each question that waits for its answer,
//! and by [`misc_device`] to put pollers on it.
//!
//! [`misc_device`]: crate::rust::device::misc_device
//!
//! C header: [`include/linux/wait.h`](srctree/include/linux/wait.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use kernel::{
    error::to_result,
    sync::LockClassKey,
    types::Opaque, //
};

/// Creates a [`WaitQueue`] initialiser with the given name and a newly created lock class.
macro_rules! new_wait_queue {
    ($name:literal) => {
        $crate::rust::sync::wait_queue::WaitQueue::new(
            ::kernel::c_str!($name),
            ::kernel::static_lock_class!(),
        )
    };
}
pub(crate) use new_wait_queue;

/// What can be reported and waited for, as in poll(2).
pub(crate) use crate::rust::bindings::{
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLRDNORM, //
};

/// CLOCK_MONOTONIC in nanoseconds.
fn now() -> u64 {
    // SAFETY: No requirements.
    unsafe { bindings::ktime_get() }.unsigned_abs()
}

/// The moment in `ms` milliseconds, as CLOCK_MONOTONIC in nanoseconds. Any context.
pub(crate) fn deadline_in(ms: u32) -> u64 {
    now().saturating_add(u64::from(ms).saturating_mul(1_000_000))
}

/// Whether a moment of [`deadline_in`] has come. Any context.
pub(crate) fn has_come(deadline: u64) -> bool {
    now() >= deadline
}

/// A queue of tasks and epoll instances that wait for something.
///
/// Its lock is a `spinlock_t`: [`Self::wake_all`] must not be called under a raw spinlock, nor in
/// NMI. Everything may be called with interrupts off.
///
/// # Invariants
///
/// `head` is an initialised `wait_queue_head`.
///
/// # Examples
///
/// ```ignore
/// stack_pin_init!(let queue = new_wait_queue!("Example"));
/// if queue.has_sleeper() {
///     queue.wake_all(POLLIN | POLLRDNORM);
/// }
/// ```
#[pin_data]
#[repr(transparent)]
pub(crate) struct WaitQueue {
    #[pin]
    head: Opaque<bindings::wait_queue_head>,
}

// SAFETY: A wait queue has no ties to the thread that created it.
unsafe impl Send for WaitQueue {}
// SAFETY: All methods take the queue's own lock or, as `has_sleeper()`, need none.
unsafe impl Sync for WaitQueue {}

impl WaitQueue {
    /// Creates an empty queue.
    pub(crate) fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: The C side initialises the whole structure.
            //
            // SAFETY: `slot` is valid for writing; name and key are valid for ever.
            head <- Opaque::ffi_init(|slot| unsafe {
                bindings::__init_waitqueue_head(slot, name.as_char_ptr(), key.as_ptr())
            }),
        })
    }

    /// Whether a task waits.
    ///
    /// This is a full barrier, followed by a look at the list. It pairs with the full barrier
    /// at the end of a poller's enqueueing: either this call sees the poller, or the poller's
    /// look at the data, which comes after its enqueueing, sees everything that was stored before
    /// this call. So "publish, then wake if there is a sleeper" misses no sleeper.
    ///
    /// Any context.
    #[inline]
    pub(crate) fn has_sleeper(&self) -> bool {
        // SAFETY: By the type invariant, `head` is initialised.
        unsafe { bindings::wqd_wq_has_sleeper(self.head.get()) }
    }

    /// Wakes all tasks that wait for one of the events in `poll_mask`, exclusive waiters too.
    ///
    /// A task that waits without naming events is woken in any case.
    ///
    /// Any context but NMI, and not under a raw spinlock.
    pub(crate) fn wake_all(&self, poll_mask: u32) {
        // The key of a wake-up is the mask itself, in the guise of a pointer.
        let key = core::ptr::without_provenance_mut::<c_void>(poll_mask as usize);

        // SAFETY: By the type invariant, `head` is initialised; 0 means "no limit on exclusive
        // waiters"; the wake functions of pollers take the key as a mask.
        unsafe { bindings::__wake_up(self.head.get(), bindings::TASK_NORMAL, 0, key) };
    }

    /// Sleeps as long as `word` has this `value`, at most until `deadline` (see [`deadline_in`]):
    /// ETIME. A signal that kills the task ends the sleep: ERESTARTSYS. A change of the word is
    /// followed by a call of [`Self::wake_all`].
    ///
    /// Process context, without locks and outside all read sections: user space decides how long it
    /// takes. A system that is suspended meanwhile does not wait for the task.
    pub(crate) fn wait_killable_until(
        &self,
        word: &Atomic<u32>,
        value: u32,
        deadline: u64,
    ) -> Result {
        let left = i64::try_from(deadline.saturating_sub(now())).unwrap_or(i64::MAX);

        // SAFETY: By the type invariant, `head` is initialised; the word outlives the call, and all
        // accesses to it are atomic.
        to_result(unsafe {
            bindings::wqd_wait_killable_while(self.head.get(), word.as_ptr(), value, left)
        })
    }

    /// Puts the caller of poll(2), or an epoll item, on this queue. Ends in a full barrier (see
    /// [`Self::has_sleeper`]) if it put anything there.
    ///
    /// # Safety
    ///
    /// - `file` must be valid, and `table` be null or valid, during the call.
    /// - The wait queue must stay where it is, alive, until `file` has been released: that is when
    ///   the last poller has left it.
    pub(in crate::rust) unsafe fn poll_wait(
        &self,
        file: *mut bindings::file,
        table: *mut bindings::poll_table_struct,
    ) {
        // SAFETY: `head` is initialised by the type invariant, the rest is promised by the caller.
        unsafe { bindings::poll_wait(file, self.head.get(), table) };
    }
}
