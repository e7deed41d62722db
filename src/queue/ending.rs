// SPDX-License-Identifier: GPL-2.0

//! Ends the watches of closed queues, of which there may be a million.
//!
//! close(2) ends as many as one piece has and leaves the rest to a job, which does a piece of each queue
//! in turn. They count for their user until they have ended; so a task that adds a watch, and is
//! refused while such a rest counts for its user, waits for it and tries again ([`retry`]). No
//! other task waits.
//!
//! Lock order: the list's mutex is taken with no other lock of ours held, and none is taken under it.

use super::{
    limits::User,
    watch::Reason,
    Queue, //
};
use crate::rust::prelude::*;
use crate::rust::sync::{
    arc_fifo::{
        ArcFifo,
        FifoItem,
        FifoLink, //
    },
    workqueue::{
        new_delayed_job,
        DelayedJob,
        Job,
        OwnedQueue, //
    },
};
use kernel::{
    new_condvar,
    new_mutex,
    sync::{
        CondVar,
        Mutex, //
    }, //
};

/// The closed queues that still have watches.
#[pin_data]
pub(crate) struct Endings {
    #[pin]
    job: DelayedJob<Closed>,
}

#[pin_data]
struct Closed {
    #[pin]
    queues: Mutex<ArcFifo<Queue>>,
    /// A piece was done.
    #[pin]
    progress: CondVar,
}

impl Endings {
    /// The watches end on `queue`.
    pub(crate) fn new(queue: Arc<OwnedQueue>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            job <- new_delayed_job!(
                pin_init!(Closed {
                    queues <- new_mutex!(ArcFifo::new(), "queue.endings"),
                    progress <- new_condvar!("queue.endings"),
                }),
                queue,
                "wq_end_watches"
            ),
        })
    }

    /// Ends all watches of a queue whose file is gone. Once for a queue; process context.
    pub(super) fn push(&self, queue: Arc<Queue>) {
        queue.user().begin_closing();
        // It is in no list yet.
        let _ = self.job.queues.lock().push(queue);
        self.job.queue(0);
    }

    /// Sleeps until something has been done, if closed queues of this user have watches. ERESTARTSYS.
    fn wait(&self, user: &User) -> Result {
        let mut queues = self.job.queues.lock();
        // What changes the answer happens under the lock, so nothing is missed.
        if user.is_closing() && self.job.progress.wait_interruptible(&mut queues) {
            return Err(ERESTARTSYS);
        }
        Ok(())
    }

    /// Waits until no closed queue has watches. Process context, when no more are closed.
    pub(crate) fn flush(&self) {
        loop {
            self.job.flush();
            if self.job.queues.lock().is_empty() {
                break;
            }
        }
    }
}

impl FifoItem for Queue {
    fn fifo_link(&self) -> &FifoLink<Self> {
        &self.ending
    }
}

impl Job for Closed {
    fn run(job: &DelayedJob<Self>) {
        let Some(queue) = job.queues.lock().pop() else {
            return;
        };
        let rest = queue.end_some(0, Reason::QueueShutdown, 0);
        let mut queues = job.queues.lock();
        if rest.is_some() {
            // It was just taken out; behind the others now.
            let _ = queues.push(queue.clone());
        } else {
            queue.user().end_closing();
        }
        if !queues.is_empty() {
            job.queue(0);
        }
        job.progress.notify_all();
        drop(queues);
        // Perhaps the last reference.
        drop(queue);
    }
}

/// Makes an attempt to add a watch for `user`, and another one whenever it has failed with EDQUOT while
/// watches of the user's closed queues counted, and some of them have ended since. ERESTARTSYS if a
/// signal comes meanwhile. Process context, no locks.
pub(crate) fn retry<T>(user: &User, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        // Before the attempt: what ends during it would be taken for a limit.
        let closing = user.is_closing();
        match attempt() {
            Err(e) if e == EDQUOT && closing => crate::ENDINGS.get().wait(user)?,
            result => return result,
        }
    }
}
