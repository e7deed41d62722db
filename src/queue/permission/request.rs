// SPDX-License-Identifier: GPL-2.0

//! The requests of one queue that wait for an answer.
//!
//! A request is decided once: by an answer, by its deadline, by the death of the task that waits, or
//! because nobody can answer any more. One exchange of its state says who was first; the others find
//! it decided. An answer looks the request up by id; ids are given by the module, not by the queue,
//! so that one queue cannot answer for another.
//!
//! Lock order: `requests` is a leaf, but for the locks of those who wait. Process context.

use super::{
    decision::{
        Counters,
        Decision,
        Policy,
        Reason,
        WAITING, //
    },
    Stamp, //
};
use crate::rust::{
    fs::held_path::HeldPath,
    params,
    sync::{
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
use kernel::{
    new_spinlock,
    prelude::*,
    rbtree::{
        RBTree,
        RBTreeNode, //
    },
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Full,
                Relaxed, //
            },
            Atomic, //
        },
        Arc,
        SpinLock, //
    },
};

/// A request.
#[pin_data]
pub(crate) struct Request {
    /// A [`Decision`], or [`WAITING`].
    state: Atomic<u32>,
    #[pin]
    sleeper: WaitQueue,
}

impl Request {
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

struct Entry {
    request: Arc<Request>,
    path: HeldPath,
}

struct Table {
    requests: RBTree<u64, Entry>,
    closed: Closed,
    policy: Policy,
    counters: Counters,
}

/// All requests of one queue, and who has to answer them.
#[pin_data]
pub(crate) struct Requests {
    #[pin]
    table: SpinLock<Table>,
    listener: Process,
}

/// The id that was given last. 2^64 cannot be used up.
static LAST_ID: Atomic<u64> = Atomic::new(0);

/// Decides a request, if it is the first to do so; wakes the task. The caller holds the lock.
fn decide(counters: &mut Counters, request: &Request, decision: Decision) -> bool {
    let first = request
        .state
        .cmpxchg(WAITING, decision.to_state(), Full)
        .is_ok();
    if first {
        counters.decide(decision);
        request.sleeper.wake_all(POLLIN);
    }
    first
}

impl Requests {
    /// No requests, to be answered by `listener`. The job closes them when that has exited.
    pub(super) fn new(
        listener: Process,
        queue: Arc<OwnedQueue>,
    ) -> impl PinInit<DelayedJob<Self>, Error> {
        let table = Table {
            requests: RBTree::new(),
            closed: Closed::Open,
            policy: Policy::DEFAULT,
            counters: Counters::default(),
        };
        new_delayed_job!(
            pin_init!(Self {
                table <- new_spinlock!(table, "queue.requests"),
                listener,
            }),
            queue,
            "wq_listener"
        )
    }

    /// Enters a request about `path`. [`Reason::Shutdown`]: the queue has ended. Otherwise the reason
    /// why it has to be decided at once.
    pub(super) fn begin(&self, path: HeldPath) -> Result<(Arc<Request>, Stamp), Reason> {
        let id = LAST_ID.fetch_add(1, Relaxed).wrapping_add(1);
        let request = Arc::pin_init(
            pin_init!(Request {
                state: Atomic::new(WAITING),
                sleeper <- new_wait_queue!("request.sleeper"),
            }),
            GFP_KERNEL_ACCOUNT,
        )
        .map_err(|_| Reason::NotAsked)?;
        let entry = Entry {
            request: request.clone(),
            path,
        };
        let node = RBTreeNode::new(id, entry, GFP_KERNEL_ACCOUNT).map_err(|_| Reason::NotAsked)?;

        let mut table = self.table.lock();
        match table.closed {
            Closed::Open => {}
            Closed::ListenerGone => return Err(Reason::Listener),
            Closed::Shut => return Err(Reason::Shutdown),
        }
        table.counters.begin();
        // The id is new, so nothing is replaced.
        let _ = table.requests.insert(node);
        let timeout = table.policy.timeout_ms.min(params::max_permission_ms());
        Ok((
            request,
            Stamp {
                request: id,
                deadline: deadline_in(timeout),
            },
        ))
    }

    /// Takes a request out, if it is still there; if it was not decided, it never was.
    pub(super) fn withdraw(&self, id: u64, request: &Request) {
        let node = {
            let mut table = self.table.lock();
            let node = table.requests.remove_node(&id);
            if node.is_some() && request.decision().is_none() {
                table.counters.withdraw();
            }
            node
        };
        drop(node);
    }

    /// Decides by the policy, unless it was decided already; how it was in the end.
    pub(super) fn decide_unanswered(&self, request: &Request, reason: Reason) -> Decision {
        let mut table = self.table.lock();
        let decision = table.policy.decide(reason);
        decide(&mut table.counters, request, decision);
        request.decision().unwrap_or(decision)
    }

    /// Decides, by the policy, what never was entered.
    pub(super) fn decide_new(&self, reason: Reason) -> Decision {
        let mut table = self.table.lock();
        let decision = table.policy.decide(reason);
        table.counters.begin();
        table.counters.decide(decision);
        decision
    }

    /// RESPOND: decides for user space; `error` is 0 or an errno. ENOENT: nothing with this id waits
    /// here.
    pub(crate) fn respond(&self, id: u64, error: u32) -> Result {
        let mut table = self.table.lock();
        let Table {
            requests, counters, ..
        } = &mut *table;
        let entry = requests.get(&id).ok_or(ENOENT)?;
        decide(counters, &entry.request, Decision::answered(error))
            .then_some(())
            .ok_or(ENOENT)
    }

    /// OPEN_TARGET: what a request is about. ENOENT: nothing with this id waits here.
    pub(crate) fn target(&self, id: u64) -> Result<HeldPath> {
        let table = self.table.lock();
        let entry = table.requests.get(&id).ok_or(ENOENT)?;
        match entry.request.decision() {
            None => Ok(entry.path.clone()),
            Some(_) => Err(ENOENT),
        }
    }

    /// From now on nothing can be answered: decides all that waits.
    pub(super) fn close(&self, closed: Closed) {
        let mut table = self.table.lock();
        if table.closed == Closed::Shut {
            return;
        }
        table.closed = closed;
        let reason = match closed {
            Closed::ListenerGone => Reason::Listener,
            _ => Reason::Shutdown,
        };
        let Table {
            requests,
            counters,
            policy,
            ..
        } = &mut *table;
        let decision = policy.decide(reason);
        for entry in requests.values() {
            decide(counters, &entry.request, decision);
        }
    }

    /// SET_PERMISSION. For requests that begin from now on.
    pub(crate) fn set_policy(&self, policy: Policy) {
        self.table.lock().policy = policy;
    }

    /// The policy, the counters, and the id of the request that waits longest.
    pub(crate) fn snapshot(&self) -> (Policy, Counters, Option<u64>) {
        let table = self.table.lock();
        let oldest = table.requests.keys().next().copied();
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
