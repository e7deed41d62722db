// SPDX-License-Identifier: GPL-2.0

//! What the tests of the mark layer watch with, and what they watch.
//!
//! A [`World`] is the context and the counters of one test; a [`Party`] is a group with its owner,
//! as a queue would be; a [`Probe`] is its watch; a [`Target`] is an object to put marks on. The
//! parts are to be declared in this order, so that they go in the reverse one.
//!
//! `unsafe` here: the static through which a probe finds its world.

use super::super::{
    connector::NotInserted,
    hooks::Window,
    Connected,
    Connector,
    ConnectorRef,
    Context,
    Group,
    MarkRef,
    MarkSet,
    Object,
    Reader,
    Role,
    Subscriber,
    Walk, //
};
use crate::rust::{
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
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Full,
                Relaxed,
                Release, //
            },
            Atomic, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};

/// What a test lets happen in a window.
type Action = Arc<dyn Fn() + Send + Sync>;

/// The world of the test that runs, or null.
static WORLD: Atomic<*mut Inner> = Atomic::new(ptr::null_mut());

#[pin_data]
pub(super) struct Inner {
    #[pin]
    context: Context<Probe>,
    #[pin]
    action: RawSpinLock<Option<(Window, Action)>>,
    hits: [Atomic<u32>; Window::Count as usize],
    kills: Atomic<u32>,
    ended: Atomic<u32>,
    made: Atomic<u32>,
    dropped: Atomic<u32>,
    owners_dropped: Atomic<u32>,
    early: Atomic<u32>,
}

/// The world of the test that runs.
pub(super) fn world() -> &'static Inner {
    // SAFETY: Tests run one after the other, and each has a world for as long as anything of the
    // mark layer that belongs to it may run.
    unsafe { &*WORLD.load(Acquire) }
}

impl Inner {
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
    let begun = kernel::time::Instant::<kernel::time::Monotonic>::now();
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

/// What a queue is to a real watch: it has the group, and is kept by its watches.
#[pin_data(PinnedDrop)]
pub(super) struct Owner {
    #[pin]
    pub(super) group: Group<Probe>,
    pub(super) priority: u8,
    watches: Atomic<u32>,
}

#[pinned_drop]
impl PinnedDrop for Owner {
    fn drop(self: Pin<&mut Self>) {
        if self.watches.load(Acquire) != 0 {
            world().early.fetch_add(1, Full);
        }
        world().owners_dropped.fetch_add(1, Full);
    }
}

/// A watch of the tests.
pub(super) struct Probe {
    owner: Arc<Owner>,
    handle: u64,
    wants: Atomic<u32>,
    reason: Atomic<u32>,
    removals: Atomic<u32>,
    marks: MarkSet<Probe>,
    reap: Atomic<*mut Probe>,
}

impl Probe {
    pub(super) fn new(owner: &Arc<Owner>, wants: u32) -> Result<Arc<Self>> {
        let probe = Self {
            owner: owner.clone(),
            handle: owner.group.new_handle(),
            wants: Atomic::new(wants),
            reason: Atomic::new(0),
            removals: Atomic::new(0),
            marks: MarkSet::new(),
            reap: Atomic::new(ptr::null_mut()),
        };
        owner.watches.fetch_add(1, Relaxed);
        world().made.fetch_add(1, Relaxed);
        // If this fails, the drop counts it.
        Ok(Arc::new(probe, GFP_KERNEL)?)
    }

    /// How many removal records it would have written.
    pub(super) fn removals(&self) -> u32 {
        self.removals.load(Relaxed)
    }

    /// Why it ended; 0 while it has not.
    pub(super) fn reason(&self) -> u32 {
        self.reason.load(Relaxed)
    }

    pub(super) fn set_wants(&self, wants: u32) {
        self.wants.store(wants, Relaxed);
    }

    pub(super) fn priority(&self) -> u8 {
        self.owner.priority
    }

    pub(super) fn is_of(&self, party: &Party) -> bool {
        ptr::eq(&*self.owner, &*party.0)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // The group must still be there; KASAN would tell.
        self.owner.group.ended();
        self.owner.watches.fetch_sub(1, Full);
        world().dropped.fetch_add(1, Full);
    }
}

impl Subscriber for Probe {
    type Reason = u32;

    fn context() -> &'static Context<Self> {
        &world().context
    }

    fn group(&self) -> &Group<Self> {
        &self.owner.group
    }

    fn handle(&self) -> u64 {
        self.handle
    }

    fn marks(&self) -> &MarkSet<Self> {
        &self.marks
    }

    fn interest(&self, role: Role) -> u32 {
        self.wants.load(Relaxed) | role
    }

    fn is_dead(&self) -> bool {
        self.reason() != 0
    }

    fn kill(this: &Arc<Self>, reason: u32) -> bool {
        let first = this.reason.cmpxchg(0, reason, Full).is_ok();
        if first {
            this.group().one_died();
            this.removals.fetch_add(1, Full);
            world().kills.fetch_add(1, Full);
        }
        first
    }

    fn ended(&self) {
        world().ended.fetch_add(1, Full);
    }

    fn reap_link(&self) -> &Atomic<*mut Self> {
        &self.reap
    }

    fn hook(window: Window) {
        let world = world();
        let before = world.hits[window as usize].fetch_add(1, Full);
        let action = match &*world.action.lock() {
            Some((armed, action)) if *armed == window && before == 0 => Some(action.clone()),
            _ => None,
        };
        if let Some(action) = action {
            action();
        }
    }
}

/// A group and who owns it. Dropping it ends its watches.
pub(super) struct Party(pub(super) Arc<Owner>);

/// Why the watches of a party end.
pub(super) const REMOVED: u32 = 1;
/// Why those of a target end.
pub(super) const GONE: u32 = 2;

impl Party {
    pub(super) fn new(priority: u8, dups: bool) -> Result<Self> {
        Ok(Self(Arc::pin_init(
            try_pin_init!(Owner {
                group <- Group::new(priority, dups),
                priority,
                watches: Atomic::new(0),
            }? Error),
            GFP_KERNEL,
        )?))
    }

    /// Parties in the order in which a walk has to show them: some of each priority.
    pub(super) fn in_order(n: usize) -> Result<KVec<Self>> {
        let mut parties = KVec::with_capacity(n, GFP_KERNEL)?;
        for i in 0..n {
            parties.push(Self::new((i % 3) as u8, false)?, GFP_KERNEL)?;
        }
        parties.sort_unstable_by_key(|p: &Self| (u8::MAX - p.0.priority, p.address()));
        Ok(parties)
    }

    pub(super) fn address(&self) -> usize {
        ptr::from_ref(&self.0.group).addr()
    }

    /// Adds a watch, as ADD_WATCH does. ENOENT when the object is dying, EEXIST.
    pub(super) fn add(&self, to: &ConnectorRef<Probe>, wants: u32) -> Result<Arc<Probe>> {
        let probe = Probe::new(&self.0, wants)?;
        self.add_mark(&probe, to, 0)?;
        Ok(probe)
    }

    /// Enters a watch, or gives it one more mark.
    pub(super) fn add_mark(
        &self,
        probe: &Arc<Probe>,
        to: &ConnectorRef<Probe>,
        role: Role,
    ) -> Result {
        let mark = MarkRef::new(probe.clone(), role)?;
        let removed;
        let mut group = self.0.group.lock();
        let new = group.get(probe.handle).is_none();
        if new {
            group.add(probe.clone())?;
        }
        let (spare, refused) = match to.clone().insert(&mark) {
            Ok(()) => {
                group.attach(probe, mark);
                to.announce();
                return Ok(());
            }
            Err(refused) => refused,
        };
        removed = new.then(|| group.remove(probe.handle));
        drop(group);
        drop(removed);
        drop(spare);
        Err(match refused {
            NotInserted::Destroying => ENOENT,
            NotInserted::Exists => EEXIST,
        })
    }

    /// Ends a watch, both steps. ENOENT when it has ended.
    pub(super) fn remove(&self, probe: &Arc<Probe>) -> Result {
        let removed = {
            let mut group = self.0.group.lock();
            if !Probe::kill(probe, REMOVED) {
                return Err(ENOENT);
            }
            group.remove(probe.handle)
        };
        removed.map(drop).ok_or(ENOENT)
    }

    /// How many watches are alive.
    pub(super) fn count(&self) -> u64 {
        self.0.group.alive()
    }

    /// How many watches there are in the table, dead or alive.
    pub(super) fn in_table(&self) -> usize {
        let group = self.0.group.lock();
        let (mut n, mut from) = (0, 0);
        while let Some(probe) = group.next_from(from) {
            from = probe.handle.wrapping_add(1);
            n += 1;
        }
        n
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        let mut from = 0;
        loop {
            let next = self.0.group.lock().next_from(from);
            let Some(probe) = next else { break };
            from = probe.handle.wrapping_add(1);
            // It may be with the reaper already.
            let _ = self.remove(&probe);
        }
    }
}

/// The object's side of a [`Target`].
pub(super) struct Thing {
    changed: Atomic<u32>,
    unneeded: Atomic<u32>,
    told: Atomic<u32>,
}

impl Object<Probe> for Thing {
    fn changed(this: &Connected<Probe, Self>) {
        this.object.changed.fetch_add(1, Full);
        this.object.told.store(this.connector.union(), Release);
    }

    fn unneeded(this: &Connected<Probe, Self>) {
        this.object.unneeded.fetch_add(1, Full);
    }
}

/// An object with a connector. Dropping it ends it, waits for the reapers and frees it.
pub(super) struct Target(Pin<KBox<Connected<Probe, Thing>>>);

impl Target {
    /// A target and the reference that it was born with.
    pub(super) fn new() -> Result<(Arc<Self>, ConnectorRef<Probe>)> {
        let thing = Thing {
            changed: Atomic::new(0),
            unneeded: Atomic::new(0),
            told: Atomic::new(0),
        };
        let target = Arc::new(
            Self(KBox::pin_init(Connected::new(Ok(thing)), GFP_KERNEL)?),
            GFP_KERNEL,
        )?;
        let first = target.connector().first_ref().ok_or(EINVAL)?;
        Ok((target, first))
    }

    pub(super) fn connector(&self) -> &Connector<Probe> {
        &self.0.connector
    }

    /// How often it was told that the union has changed.
    pub(super) fn changed(&self) -> u32 {
        self.0.object.changed.load(Acquire)
    }

    /// How often it was told that nobody needs it.
    pub(super) fn unneeded(&self) -> u32 {
        self.0.object.unneeded.load(Acquire)
    }

    /// The union that it saw when it was told last.
    pub(super) fn told(&self) -> u32 {
        self.0.object.told.load(Acquire)
    }

    /// The marks that a walk over this target alone sees, dead or not.
    pub(super) fn marks(&self) -> usize {
        let reader = Probe::context().read();
        marks_of(&reader, self.connector())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.connector().end_all(GONE);
        Probe::context().flush();
    }
}

/// How many marks a walk over one list sees.
pub(super) fn marks_of<'a>(reader: &Reader<'a, Probe>, list: &'a Connector<Probe>) -> usize {
    let mut walk = Walk::new(reader, [Some(list)]);
    let mut n = 0;
    while let Some(run) = walk.next_group() {
        run.for_each(|_, _| n += 1);
    }
    n
}
