// SPDX-License-Identifier: GPL-2.0

//! Being attached to the kernel only while something is watched.
//!
//! A watch takes a [`Lease`], which the watched object's entry in its table keeps
//! ([`crate::mark::Table`]). The first lease attaches; a while after the last one is gone, a job
//! detaches. So an unused source costs nothing, and watches that come and go do not rewrite the
//! kernel's code each time.

use crate::rust::prelude::*;
use crate::rust::sync::workqueue::{
    new_delayed_job,
    DelayedJob,
    Job,
    OwnedQueue, //
};
use kernel::{
    new_mutex,
    sync::Mutex,
    time::msecs_to_jiffies, //
};

/// How long a source without watches stays attached, in milliseconds.
const DETACH_DELAY: u32 = 1000;

/// Something that can be attached to the kernel.
pub(crate) trait Attach: Send + Sync + 'static {
    /// Stays attached until this is dropped. Process context, may sleep.
    type Attached: Send + Unpin + 'static;

    /// Attaches. EOPNOTSUPP when this kernel has no such hook. Process context, may sleep.
    fn attach(&self) -> Result<Self::Attached>;
}

/// A hook of the kernel, attached while there are leases.
#[pin_data]
pub(crate) struct Hook<A: Attach> {
    #[pin]
    job: DelayedJob<Inner<A>>,
}

#[pin_data]
struct Inner<A: Attach> {
    #[pin]
    state: Mutex<State<A>>,
    what: A,
}

struct State<A: Attach> {
    leases: usize,
    attached: Option<A::Attached>,
}

impl<A: Attach> Hook<A> {
    /// A hook that is not attached. The job that detaches runs on `queue`.
    pub(crate) fn new(what: A, queue: Arc<OwnedQueue>) -> Result<Arc<Self>> {
        let inner = try_pin_init!(Inner {
            state <- new_mutex!(State { leases: 0, attached: None }, "hook.state"),
            what,
        }? Error);
        Arc::pin_init(
            try_pin_init!(Self {
                job <- new_delayed_job!(inner, queue, "wq_detach"),
            }? Error),
            GFP_KERNEL,
        )
    }

    /// What is attached.
    pub(crate) fn what(&self) -> &A {
        &self.job.what
    }

    /// Attaches, unless it is attached. ENOMEM, and what [`Attach::attach`] gives. Process context,
    /// no locks.
    pub(crate) fn lease(self: &Arc<Self>) -> Result<Lease> {
        let mut state = self.job.state.lock();
        if state.attached.is_none() {
            state.attached = Some(self.job.what.attach()?);
        }
        state.leases = state.leases.wrapping_add(1);
        Ok(Lease(self.clone()))
    }
}

/// Keeps a [`Hook`] attached. Dropping it needs process context.
pub(crate) struct Lease(Arc<dyn Leased>);

/// A [`Hook`] of any kind.
trait Leased: Send + Sync {
    fn give_back(&self);
}

impl<A: Attach> Leased for Hook<A> {
    fn give_back(&self) {
        let mut state = self.job.state.lock();
        state.leases = state.leases.wrapping_sub(1);
        if state.leases == 0 {
            self.job.queue(msecs_to_jiffies(DETACH_DELAY));
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

impl<A: Attach> Job for Inner<A> {
    fn run(job: &DelayedJob<Self>) {
        // Under the lock: it may not be attached anew before it is detached.
        let mut state = job.state.lock();
        if state.leases == 0 {
            state.attached = None;
        }
    }
}

#[kunit_tests(watch_queue_hook)]
mod tests {
    use super::*;
    use crate::rust::{
        compat::EOPNOTSUPP,
        sync::workqueue::WQ_UNBOUND, //
    };
    use kernel::sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    };

    static ATTACHED: Atomic<i32> = Atomic::new(0);
    static TIMES: Atomic<u32> = Atomic::new(0);
    static REFUSE: Atomic<bool> = Atomic::new(false);

    struct Fake;

    struct FakeAttached;

    impl Attach for Fake {
        type Attached = FakeAttached;

        fn attach(&self) -> Result<FakeAttached> {
            if REFUSE.load(Relaxed) {
                return Err(EOPNOTSUPP);
            }
            ATTACHED.fetch_add(1, Relaxed);
            TIMES.fetch_add(1, Relaxed);
            Ok(FakeAttached)
        }
    }

    impl Drop for FakeAttached {
        fn drop(&mut self) {
            ATTACHED.fetch_sub(1, Relaxed);
        }
    }

    #[test]
    fn attached_while_there_are_leases() -> Result {
        let attached = || (ATTACHED.load(Relaxed), TIMES.load(Relaxed));
        let queue = Arc::new(OwnedQueue::new(c"wqd_test_hook", WQ_UNBOUND)?, GFP_KERNEL)?;
        let hook = Hook::new(Fake, queue)?;

        REFUSE.store(true, Relaxed);
        assert!(matches!(hook.lease(), Err(e) if e == EOPNOTSUPP));
        REFUSE.store(false, Relaxed);
        assert_eq!(attached(), (0, 0));

        let first = hook.lease()?;
        let second = hook.lease()?;
        assert_eq!(attached(), (1, 1));
        drop(first);
        hook.job.flush();
        assert_eq!(attached(), (1, 1));

        // The last one is gone, but a new one comes before the job.
        drop(second);
        assert_eq!(attached(), (1, 1));
        let third = hook.lease()?;
        hook.job.flush();
        assert_eq!(attached(), (1, 1));

        drop(third);
        hook.job.flush();
        assert_eq!(attached(), (0, 1));
        let fourth = hook.lease()?;
        assert_eq!(attached(), (1, 2));

        // The end detaches, if the job has not.
        drop(fourth);
        drop(hook);
        assert_eq!(attached(), (0, 2));
        Ok(())
    }
}
