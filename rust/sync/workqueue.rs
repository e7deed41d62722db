// SPDX-License-Identifier: GPL-2.0

//! A workqueue of one's own, and jobs that live inside the structure they work on.
//!
//! The `kernel` crate can queue work on the system's workqueues, as an `Arc` that each execution
//! consumes: it cannot be waited for or stopped. At module exit both must be possible. Here a job
//! is embedded where it belongs, may be queued any number of times, and is stopped by being
//! dropped.
//!
//! Used by the reapers of `mark/` and by everything that has to be put from process context.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use core::{
    marker::PhantomPinned,
    ops::Deref, //
};
use kernel::{
    sync::LockClassKey,
    time::Jiffies,
    types::Opaque,
    workqueue::Queue, //
};

/// [`OwnedQueue::new`]: jobs are not bound to the CPU that queued them.
pub(crate) const WQ_UNBOUND: u32 = bindings::wq_flags_WQ_UNBOUND;
/// [`OwnedQueue::new`]: has a thread in reserve, so that jobs run when memory is short.
pub(crate) const WQ_MEM_RECLAIM: u32 = bindings::wq_flags_WQ_MEM_RECLAIM;

/// A workqueue.
///
/// Dropping it runs what is queued, then destroys it: process context, and not from a job of this
/// very queue.
///
/// # Invariants
///
/// The pointer is a workqueue, owned by this value.
pub(crate) struct OwnedQueue(NonNull<bindings::workqueue_struct>);

// SAFETY: A workqueue has no ties to the thread that created it.
unsafe impl Send for OwnedQueue {}
// SAFETY: All its functions may be called by several threads at once.
unsafe impl Sync for OwnedQueue {}

impl OwnedQueue {
    /// Creates a workqueue with a combination of the `WQ_*` flags. The name is copied.
    ///
    /// Process context.
    pub(crate) fn new(name: &CStr, flags: u32) -> Result<Self> {
        // INVARIANT: A new workqueue, owned by us.
        //
        // SAFETY: The arguments fit the format; 0 is the default for the number of jobs at a time.
        let queue = unsafe {
            bindings::alloc_workqueue_noprof(c"%s".as_char_ptr(), flags, 0, name.as_char_ptr())
        };

        Ok(Self(NonNull::new(queue).ok_or(ENOMEM)?))
    }
}

impl Deref for OwnedQueue {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        // SAFETY: By the type invariant it is a workqueue, and it lives as long as `self`.
        unsafe { Queue::from_raw(self.0.as_ptr()) }
    }
}

impl Drop for OwnedQueue {
    fn drop(&mut self) {
        // SAFETY: By the type invariant it is ours. A job that is queued with a delay keeps the
        // queue.
        unsafe { bindings::destroy_workqueue(self.0.as_ptr()) };
    }
}

/// What a [`DelayedJob`] does.
pub(crate) trait Job: Send + Sync + Sized {
    /// Runs the job, in process context; may sleep and may queue the job again.
    ///
    /// Must not drop the job or wait for it.
    fn run(job: &DelayedJob<Self>);
}

/// Creates a [`DelayedJob`] initialiser: `new_delayed_job!(content, queue, "name")`.
macro_rules! new_delayed_job {
    ($content:expr, $queue:expr, $name:literal) => {
        $crate::rust::sync::workqueue::DelayedJob::new(
            $content,
            $queue,
            ::kernel::c_str!($name),
            ::kernel::static_lock_class!(),
            ::kernel::static_lock_class!(),
        )
    };
}
pub(crate) use new_delayed_job;

/// A job, together with what it works on, to which it dereferences.
///
/// One instance never runs twice at the same time. If it is queued while it runs, it runs again.
///
/// Dropping it cancels it, waits for it if it runs, and only then drops the content: process
/// context, and not from the job itself.
///
/// # Invariants
///
/// `work` is an initialised `delayed_work` that is embedded here, has [`Self::run`] as its function
/// and is queued on `queue` only.
///
/// # Examples
///
/// ```ignore
/// struct Reaper { list: RawSpinLock<List> }
///
/// impl Job for Reaper {
///     fn run(job: &DelayedJob<Self>) {
///         free(job.list.lock().take());
///     }
/// }
///
/// reaper.queue(1); // in one jiffy
/// ```
#[pin_data(PinnedDrop)]
pub(crate) struct DelayedJob<T: Job> {
    #[pin]
    work: Opaque<bindings::delayed_work>,
    queue: Arc<OwnedQueue>,
    #[pin]
    content: T,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: A thread that has the job may have its content, which is `Send`.
unsafe impl<T: Job> Send for DelayedJob<T> {}
// SAFETY: The functions of `delayed_work` may be called by several threads at once, and the content
// is `Sync`.
unsafe impl<T: Job> Sync for DelayedJob<T> {}

impl<T: Job> DelayedJob<T> {
    /// Creates a job that runs on `queue`, which it keeps alive. See [`new_delayed_job!`].
    pub(crate) fn new<E>(
        content: impl PinInit<T, E>,
        queue: Arc<OwnedQueue>,
        name: &'static CStr,
        work_key: Pin<&'static LockClassKey>,
        timer_key: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self, Error>
    where
        Error: From<E>,
    {
        try_pin_init!(Self {
            // INVARIANT: Initialised by the C side.
            work <- Opaque::ffi_init(|slot: *mut bindings::delayed_work| {
                // SAFETY: `slot` is in bounds, not read, and valid for writing.
                let work = unsafe { &raw mut (*slot).work };
                // SAFETY: `work` is in `slot`, which is valid for writing; name and key are valid
                // for ever.
                unsafe {
                    bindings::init_work_with_key(
                        work,
                        Some(Self::run),
                        false,
                        name.as_char_ptr(),
                        work_key.as_ptr(),
                    )
                };

                // SAFETY: `slot` is in bounds, not read, and valid for writing.
                let timer = unsafe { &raw mut (*slot).timer };
                // SAFETY: `timer` is in `slot`, which is valid for writing, and part of a
                // `delayed_work`, for which this function and this flag are meant.
                unsafe {
                    bindings::timer_init_key(
                        timer,
                        Some(bindings::delayed_work_timer_fn),
                        bindings::TIMER_IRQSAFE,
                        name.as_char_ptr(),
                        timer_key.as_ptr(),
                    )
                };
            }),
            queue,
            content <- content,
            _pin: PhantomPinned,
        }? Error)
    }

    /// # Safety
    ///
    /// `work` must be that of a [`DelayedJob<T>`].
    unsafe extern "C" fn run(work: *mut bindings::work_struct) {
        // SAFETY: The work is the field of a `delayed_work`.
        let delayed = unsafe { kernel::container_of!(work, bindings::delayed_work, work) };
        // SAFETY: That one is the content of an `Opaque`, which has the same address, in a job.
        let job = unsafe {
            kernel::container_of!(Opaque::cast_from(delayed).cast_mut(), DelayedJob<T>, work)
        };

        // SAFETY: `drop()` waits for this function, so the job is there until it returns.
        T::run(unsafe { &*job });
    }

    /// Queues the job, to run in `delay` jiffies; 0 is at once. False if it was queued already
    /// (then the earlier delay stays).
    ///
    /// What was stored before this call is visible to the job, also when it returns false: then the
    /// run that was queued already has not begun.
    ///
    /// Any context but NMI.
    pub(crate) fn queue(&self, delay: Jiffies) -> bool {
        // SAFETY: By the type invariant the work is initialised; the queue is kept by `self`, and
        // `drop()` takes the work off it.
        unsafe {
            bindings::queue_delayed_work_on(
                bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int,
                self.queue.0.as_ptr(),
                self.work.get(),
                delay,
            )
        }
    }

    /// Queues the job, to run in `delay` jiffies from now, whether it is queued already or not.
    ///
    /// A full barrier. Any context but NMI.
    pub(crate) fn requeue(&self, delay: Jiffies) {
        // SAFETY: By the type invariant the work is initialised; the queue is kept by `self`, and
        // `drop()` takes the work off it.
        unsafe {
            bindings::mod_delayed_work_on(
                bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int,
                self.queue.0.as_ptr(),
                self.work.get(),
                delay,
            )
        };
    }

    /// If the job is queued, runs it now; waits until it has run. Process context.
    pub(crate) fn flush(&self) {
        // SAFETY: By the type invariant the work is initialised.
        unsafe { bindings::flush_delayed_work(self.work.get()) };
    }
}

impl<T: Job> Deref for DelayedJob<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.content
    }
}

#[pinned_drop]
impl<T: Job> PinnedDrop for DelayedJob<T> {
    fn drop(self: Pin<&mut Self>) {
        // Unlike cancelling, disabling also stops a job that queues itself again.
        //
        // SAFETY: By the type invariant the work is initialised.
        unsafe { bindings::disable_delayed_work_sync(self.work.get()) };
    }
}

#[kunit_tests(watch_queue_workqueue)]
mod tests {
    use super::*;
    use kernel::{
        sync::atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        time::msecs_to_jiffies,
    };

    /// Counts its runs, and queues itself again until there were `until`.
    struct Counter {
        runs: Arc<Atomic<u32>>,
        until: u32,
    }

    impl Job for Counter {
        fn run(job: &DelayedJob<Self>) {
            if job.runs.fetch_add(1, Relaxed) + 1 < job.until {
                job.queue(1);
            }
        }
    }

    type CounterJob = Pin<KBox<DelayedJob<Counter>>>;

    fn job(until: u32) -> Result<(CounterJob, Arc<Atomic<u32>>)> {
        let runs = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let queue = Arc::new(
            OwnedQueue::new(c"wqd_test", WQ_UNBOUND | WQ_MEM_RECLAIM)?,
            GFP_KERNEL,
        )?;
        let counter = Counter {
            runs: runs.clone(),
            until,
        };

        Ok((
            KBox::pin_init(new_delayed_job!(counter, queue, "test.job"), GFP_KERNEL)?,
            runs,
        ))
    }

    #[test]
    fn flush_runs_a_delayed_job_now() -> Result {
        let (job, runs) = job(1)?;

        assert!(job.queue(msecs_to_jiffies(3_600_000)));
        assert!(!job.queue(0));
        assert_eq!(runs.load(Relaxed), 0);
        job.flush();
        assert_eq!(runs.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn requeued_runs_with_the_new_delay() -> Result {
        let (job, runs) = job(1)?;

        job.queue(msecs_to_jiffies(3_600_000));
        job.requeue(0);
        for _ in 0..1000 {
            if runs.load(Relaxed) != 0 {
                break;
            }
            kernel::time::delay::fsleep(kernel::time::Delta::from_millis(1));
        }
        assert_eq!(runs.load(Relaxed), 1);
        Ok(())
    }

    #[test]
    fn runs_again_when_it_queues_itself() -> Result {
        let (job, runs) = job(5)?;

        job.queue(0);
        for _ in 0..5 {
            job.flush();
        }
        assert_eq!(runs.load(Relaxed), 5);
        Ok(())
    }

    #[test]
    fn drop_cancels() -> Result {
        let (idle, idle_runs) = job(1)?;
        idle.queue(msecs_to_jiffies(20));
        drop(idle);

        let (busy, busy_runs) = job(u32::MAX)?;
        busy.queue(0);
        busy.flush();
        drop(busy);
        let runs = busy_runs.load(Relaxed);

        kernel::time::delay::fsleep(kernel::time::Delta::from_millis(50));
        assert_eq!(idle_runs.load(Relaxed), 0);
        assert!(runs >= 1);
        assert_eq!(busy_runs.load(Relaxed), runs);
        Ok(())
    }
}
