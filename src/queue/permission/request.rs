// SPDX-License-Identifier: GPL-2.0

//! The requests of one queue that wait for an answer.
//!
//! A request is decided once: by an answer, by its deadline, by the death of the task that waits,
//! or because it cannot be answered any more. One exchange of its state says which of them was
//! first; the others find it decided. An answer looks the request up by id; ids are given by the
//! module, not by the queue, so that one queue cannot answer for another.
//!
//! A request is on the stack of the task that waits, so none fails for want of memory. It is in the
//! first row of the queue's tree when it can be answered, and in the second one while it waits for
//! room in the ring.
//!
//! Lock order: the tree's lock is a leaf, but for the locks of the waiting tasks. Process context.

use super::{
    decision::{
        Counters,
        Decision,
        Policy,
        Reason,
        LACKING,
        WAITING, //
    },
    Stamp, //
};
use crate::rust::prelude::*;
use crate::rust::{
    fs::held_path::HeldPath,
    params,
    sync::{
        stack_tree::{
            Locked,
            Node,
            Row,
            StackTree, //
        },
        wait_queue::{
            deadline_in,
            new_wait_queue,
            WaitQueue,
            POLLIN, //
        },
        workqueue::{
            new_delayed_job,
            DelayedJob,
            Job,
            OwnedQueue, //
        },
    },
    task::pid::Process, //
};
use core::pin::Pin;
use kernel::sync::SetOnce;

/// A request.
#[pin_data]
pub(crate) struct Request {
    /// A [`Decision`], or [`WAITING`], or [`LACKING`].
    state: Atomic<u32>,
    #[pin]
    sleeper: WaitQueue,
    /// What it is about. The task that asks has it besides, for as long as the request lives.
    path: SetOnce<HeldPath>,
}

/// A request on the stack of the task that asks: for one event, which may make it a request of several
/// watches, one after the other.
pub(crate) type Place = Node<Request, Table>;

/// Those that can be answered.
const ASKED: Row = Row::First;
/// Those that wait for room.
const QUEUED: Row = Row::Second;

impl Request {
    /// The place of one.
    pub(crate) fn place() -> impl PinInit<Place> {
        Node::new(pin_init!(Self {
            state: Atomic::new(WAITING),
            sleeper <- new_wait_queue!("request.sleeper"),
            path: SetOnce::new(),
        }))
    }

    /// How it was decided; `None` while it waits.
    fn decision(&self) -> Option<Decision> {
        Decision::from_state(self.state.load(Acquire))
    }

    /// Sleeps until it is decided, or tells why it has to be decided now. Only the task that asked.
    pub(super) fn wait(&self, deadline: u64) -> Result<Decision, Reason> {
        let slept = self
            .sleeper
            .wait_killable_until(&self.state, WAITING, deadline);
        self.decision().ok_or(match slept {
            Err(e) if e == ERESTARTSYS => Reason::Killed,
            _ => Reason::Timeout,
        })
    }
}

/// Whether requests can still be answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Yes.
    Open,
    /// The process that opened the queue has exited.
    ListenerGone,
    /// The queue has ended.
    Shut,
}

/// What is known of all requests of a queue together.
pub(crate) struct Table {
    closed: Closed,
    policy: Policy,
    counters: Counters,
}

/// All requests of one queue, and the process that has to answer them.
#[pin_data]
pub(crate) struct Requests {
    tree: Arc<StackTree<Request, Table>>,
    /// It was said in the log that the module decides in place of the listener.
    said: Atomic<u32>,
    listener: Process,
}

/// The id that was given last. 2^64 cannot be used up.
static LAST_ID: Atomic<u64> = Atomic::new(0);

/// Decides a request, if it is the first to do so; wakes the task. The caller holds the lock.
fn decide(counters: &mut Counters, request: &Request, decision: Decision) -> bool {
    let state = decision.to_state();
    let first = request.state.cmpxchg(WAITING, state, Full).is_ok()
        || request.state.cmpxchg(LACKING, state, Full).is_ok();
    if first {
        counters.decide(decision);
        request.sleeper.wake_all(POLLIN);
    }
    first
}

impl Requests {
    /// No requests, to be answered by `listener`. The job closes them when that has exited. ENOMEM.
    pub(super) fn new(
        listener: Process,
        queue: Arc<OwnedQueue>,
    ) -> Result<impl PinInit<DelayedJob<Self>, Error>> {
        let table = Table {
            closed: Closed::Open,
            policy: Policy::DEFAULT,
            counters: Counters::default(),
        };
        let tree = Arc::pin_init(StackTree::new(table), GFP_KERNEL_ACCOUNT)?;
        Ok(new_delayed_job!(
            pin_init!(Self {
                tree,
                said: Atomic::new(0),
                listener,
            }),
            queue,
            "wq_listener"
        ))
    }

    /// Takes the lock.
    fn lock(&self) -> Locked<'_, Request, Table> {
        StackTree::lock(&self.tree)
    }

    /// Enters a request about `path` at a place that has none. [`Reason::Shutdown`]: the queue has ended.
    /// Otherwise the reason why it has to be decided at once.
    pub(super) fn begin(&self, place: Pin<&Place>, path: HeldPath) -> Result<Stamp, Reason> {
        let request = place.value();
        // It is the same path each time.
        request.path.populate(path);
        request.state.store(WAITING, Relaxed);

        let mut table = self.lock();
        match table.state().closed {
            Closed::Open => {}
            Closed::ListenerGone => return Err(Reason::Listener),
            Closed::Shut => return Err(Reason::Shutdown),
        }
        let id = LAST_ID.fetch_add(1, Relaxed).wrapping_add(1);
        table.enter(place, ASKED, id);
        let Table {
            counters, policy, ..
        } = table.state();
        counters.begin();
        let timeout = policy.timeout_ms.min(params::max_permission_ms());
        Ok(Stamp {
            request: id,
            deadline: deadline_in(timeout),
        })
    }

    /// Sleeps until there may be room in the ring, for `ms` milliseconds at most and not beyond the
    /// deadline; tells how the request was decided meanwhile, or why it has to be decided now. Only
    /// for the task that asked, whose request cannot have been answered yet.
    pub(super) fn wait_for_room(
        &self,
        place: &Place,
        deadline: u64,
        ms: u32,
    ) -> Result<(), Result<Decision, Reason>> {
        let request = place.value();
        {
            let mut table = self.lock();
            if request.state.cmpxchg(WAITING, LACKING, Full).is_ok() {
                table.shift(place, QUEUED);
            }
        }
        let until = deadline.min(deadline_in(ms));
        let slept = request
            .sleeper
            .wait_killable_until(&request.state, LACKING, until);
        {
            let mut table = self.lock();
            // Unless it was its turn, or it was decided.
            if request.state.cmpxchg(LACKING, WAITING, Full).is_ok() {
                table.shift(place, ASKED);
            }
        }
        match (request.decision(), slept) {
            (Some(decision), _) => Err(Ok(decision)),
            (None, Err(e)) if e == ERESTARTSYS => Err(Err(Reason::Killed)),
            (None, _) => Ok(()),
        }
    }

    /// There may be room for some more requests: lets those try that have waited longest for it.
    pub(crate) fn offer_room(&self, most: u32) {
        let mut table = self.lock();
        let (rows, _) = table.parts();
        for _ in 0..most {
            let Some(request) = rows.advance() else {
                break;
            };
            // If it was decided it is on its way out, and leaves the row that it is in.
            if request.state.cmpxchg(LACKING, WAITING, Full).is_ok() {
                request.sleeper.wake_all(POLLIN);
            }
        }
    }

    /// Takes a request out, if it is still there; if it was not decided, it never was.
    pub(super) fn withdraw(&self, place: &Place) {
        let mut table = self.lock();
        if place.leave(&mut table) && place.value().decision().is_none() {
            table.state().counters.withdraw();
        }
    }

    /// Decides by the policy, unless it was decided already; how it was in the end.
    pub(super) fn decide_unanswered(&self, request: &Request, reason: Reason) -> Decision {
        let mut table = self.lock();
        let table = table.state();
        let decision = table.policy.decide(reason);
        decide(&mut table.counters, request, decision);
        request.decision().unwrap_or(decision)
    }

    /// Decides, by the policy, what never was entered.
    pub(super) fn decide_new(&self, reason: Reason) -> Decision {
        let mut table = self.lock();
        let table = table.state();
        let decision = table.policy.decide(reason);
        table.counters.begin();
        table.counters.decide(decision);
        decision
    }

    /// RESPOND: decides for user space; `error` is 0 or an errno. ENOENT: nothing with this id waits
    /// here.
    pub(crate) fn respond(&self, id: u64, error: u32) -> Result {
        let mut table = self.lock();
        let (rows, table) = table.parts();
        let request = rows.get(ASKED, id).ok_or(ENOENT)?;
        decide(&mut table.counters, request, Decision::answered(error))
            .then_some(())
            .ok_or(ENOENT)
    }

    /// OPEN_TARGET: what a request is about. ENOENT: nothing with this id waits here.
    pub(crate) fn target(&self, id: u64) -> Result<HeldPath> {
        let mut table = self.lock();
        let (rows, _) = table.parts();
        let request = rows.get(ASKED, id).ok_or(ENOENT)?;
        match (request.decision(), request.path.as_ref()) {
            (None, Some(path)) => Ok(path.clone()),
            _ => Err(ENOENT),
        }
    }

    /// From now on nothing can be answered: decides all that waits.
    pub(super) fn close(&self, closed: Closed) {
        let mut table = self.lock();
        let (rows, table) = table.parts();
        if table.closed == Closed::Shut {
            return;
        }
        table.closed = closed;
        let reason = match closed {
            Closed::ListenerGone => Reason::Listener,
            _ => Reason::Shutdown,
        };
        let decision = table.policy.decide(reason);
        for request in Iterator::chain(rows.values(ASKED), rows.values(QUEUED)) {
            decide(&mut table.counters, request, decision);
        }
    }

    /// Whether it was said in the log that the module decides.
    pub(super) fn was_said(&self) -> bool {
        self.said.load(Relaxed) != 0
    }

    /// It will be said. True for the first to do so.
    pub(super) fn say(&self) -> bool {
        self.said.xchg(1, Relaxed) == 0
    }

    /// SET_PERMISSION. For requests that begin from now on.
    pub(crate) fn set_policy(&self, policy: Policy) {
        self.lock().state().policy = policy;
    }

    /// The policy, the counters, and the id of the request that waits longest.
    pub(crate) fn snapshot(&self) -> (Policy, Counters, Option<u64>) {
        let mut table = self.lock();
        let (rows, table) = table.parts();
        let oldest = [ASKED, QUEUED]
            .into_iter()
            .filter_map(|row| rows.first_number(row))
            .min();
        (table.policy, table.counters, oldest)
    }
}

impl Job for Requests {
    fn run(job: &DelayedJob<Self>) {
        if job.listener.has_exited() {
            job.close(Closed::ListenerGone);
        }
    }
}
