// SPDX-License-Identifier: GPL-2.0

//! The surroundings of a test of the mark layer: context, counters, windows, other tasks.
//!
//! A [`World`] is there for one test. Then come, in this order, so that they go in the reverse one,
//! objects to put marks on ([`super::target`]) and groups with watches ([`super::party`]).
//!
//! `unsafe` here: the static through which a watch finds its world.

use super::{
    super::{
        hooks::Window,
        Context, //
    },
    party::Probe, //
};
use crate::rust::prelude::*;
use crate::rust::sync::{
    raw_spinlock::{
        new_raw_spinlock,
        RawSpinLock, //
    },
    workqueue::{
        new_delayed_job,
        DelayedJob,
        Job,
        OwnedQueue,
        WQ_UNBOUND, //
    },
};
use core::ptr;
use kernel::time::{
    delay::fsleep,
    Delta,
    Instant,
    Monotonic, //
};

/// What a test lets happen in a window.
type Action = Arc<dyn Fn() + Send + Sync>;

/// The world of the test that runs, or null.
static WORLD: Atomic<*mut Inner> = Atomic::new(ptr::null_mut());

#[pin_data]
pub(super) struct Inner {
    #[pin]
    pub(super) context: Context<Probe>,
    #[pin]
    action: RawSpinLock<Option<(Window, Action)>>,
    hits: [Atomic<u32>; Window::Count as usize],
    pub(super) kills: Atomic<u32>,
    pub(super) ended: Atomic<u32>,
    pub(super) made: Atomic<u32>,
    pub(super) dropped: Atomic<u32>,
    pub(super) owners_dropped: Atomic<u32>,
    pub(super) early: Atomic<u32>,
}

/// The world of the test that runs.
pub(super) fn world() -> &'static Inner {
    // SAFETY: Tests run one after the other, and each has a world for as long as anything of the
    // mark layer that belongs to it may run.
    unsafe { &*WORLD.load(Acquire) }
}

impl Inner {
    /// A task passes `window`: lets it do what was armed, the first time.
    pub(super) fn pass(&self, window: Window) {
        let before = self.hits[window as usize].fetch_add(1, Full);
        let action = match &*self.action.lock() {
            Some((armed, action)) if *armed == window && before == 0 => Some(action.clone()),
            _ => None,
        };
        if let Some(action) = action {
            action();
        }
    }

    /// How often a window was passed.
    pub(super) fn hits(&self, window: Window) -> u32 {
        self.hits[window as usize].load(Relaxed)
    }

    /// How many watches were killed.
    pub(super) fn kills(&self) -> u32 {
        self.kills.load(Relaxed)
    }

    /// How many watches have had step two.
    pub(super) fn ended(&self) -> u32 {
        self.ended.load(Relaxed)
    }

    /// How many watches there are.
    pub(super) fn live(&self) -> u32 {
        let dropped = self.dropped.load(Acquire);
        self.made.load(Relaxed).wrapping_sub(dropped)
    }

    /// How many watches were freed.
    pub(super) fn dropped(&self) -> u32 {
        self.dropped.load(Acquire)
    }

    /// How many owners were freed, and how many of them before their last watch.
    pub(super) fn owners_dropped(&self) -> (u32, u32) {
        (self.owners_dropped.load(Acquire), self.early.load(Acquire))
    }

    /// Lets the first task that passes `window` do `action` there. Later ones pass by.
    pub(super) fn arm(&self, window: Window, action: impl Fn() + Send + Sync + 'static) -> Result {
        let action: Action = Arc::new(action, GFP_KERNEL)?;
        let old = self.action.lock().replace((window, action));
        drop(old);
        self.hits[window as usize].store(0, Relaxed);
        Ok(())
    }

    /// Forgets the action; how often its window was passed.
    pub(super) fn disarm(&self) -> u32 {
        let old = self.action.lock().take();
        old.map_or(0, |(window, _)| self.hits(window))
    }
}

/// The context and the counters of one test.
pub(super) struct World {
    _inner: Pin<KBox<Inner>>,
    queue: Arc<OwnedQueue>,
}

impl World {
    pub(super) fn new() -> Result<Self> {
        let queue = Arc::new(OwnedQueue::new(c"wqd_test_marks", WQ_UNBOUND)?, GFP_KERNEL)?;
        let reapers = queue.clone();
        let inner = KBox::pin_init(
            try_pin_init!(Inner {
                context <- Context::new(reapers, c"wqd_test_mark"),
                action <- new_raw_spinlock!(None, "test.action"),
                hits: [const { Atomic::new(0) }; Window::Count as usize],
                kills: Atomic::new(0),
                ended: Atomic::new(0),
                made: Atomic::new(0),
                dropped: Atomic::new(0),
                owners_dropped: Atomic::new(0),
                early: Atomic::new(0),
            }? Error),
            GFP_KERNEL,
        )?;
        WORLD.store(ptr::from_ref(&*inner).cast_mut(), Release);
        Ok(Self {
            _inner: inner,
            queue,
        })
    }

    /// Runs `f` in another task. Dropping what this returns cancels it or waits for it.
    pub(super) fn spawn<F: Fn() + Send + Sync + 'static>(&self, f: F) -> Result<Task<F>> {
        let task = KBox::pin_init(
            new_delayed_job!(Thread(f), self.queue.clone(), "test.thread"),
            GFP_KERNEL,
        )?;
        task.queue(0);
        Ok(task)
    }
}

impl core::ops::Deref for World {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        world()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.disarm();
        self.context.flush();
    }
}

/// Another task; `flush()` waits for it.
pub(super) type Task<F> = Pin<KBox<DelayedJob<Thread<F>>>>;

pub(super) struct Thread<F>(F);

impl<F: Fn() + Send + Sync> Job for Thread<F> {
    fn run(job: &DelayedJob<Self>) {
        (job.0)();
    }
}

/// Waits until `flag` is at least `value`, for two seconds at most; whether it was. Any context.
pub(super) fn spin_until(flag: &Atomic<u32>, value: u32) -> bool {
    let begun = Instant::<Monotonic>::now();
    while flag.load(Acquire) < value {
        if begun.elapsed().as_millis() > 2000 {
            return false;
        }
        core::hint::spin_loop();
    }
    true
}

/// Where `n` tasks wait for each other.
pub(super) struct Line(Atomic<u32>, u32);

impl Line {
    pub(super) fn new(n: u32) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(Atomic::new(0), n), GFP_KERNEL)?)
    }

    pub(super) fn wait(&self) {
        self.0.fetch_add(1, Full);
        spin_until(&self.0, self.1);
    }
}

pub(super) fn sleep_ms(ms: i64) {
    fsleep(Delta::from_millis(ms));
}
