// SPDX-License-Identifier: GPL-2.0

//! Questions to user space: may the task that causes this event go on?
//!
//! A question is a record with a request id; the task sleeps until somebody answers, until the
//! queue's deadline, until it is killed, or until nobody is left who could answer. The rest of the
//! system never notices: the task sleeps outside every read section, and whoever ends a queue
//! answers its questions first. [`request`] has those that wait, [`decision`] what can become of them.
//!
//! Used by `crate::source::fs`, which asks, and by the device, which answers.

mod decision;
mod request;

pub(crate) use self::{
    decision::{
        Counters,
        Policy, //
    },
    request::Requests, //
};

use self::{
    decision::{
        Decision,
        Reason, //
    },
    request::{
        Closed,
        Request, //
    },
};
use super::{
    watch::Watch,
    Queue, //
};
use crate::{
    mark::{
        Mark,
        Ticket, //
    },
    ring::record,
    rust::{
        fs::held_path::HeldPath,
        ratelimit::pr_warn_ratelimited,
        task::exit_hook::ExitHook, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        Arc,
        SetOnce, //
    },
};

/// What a queue that asks has besides others. It is made with the first thing that needs it, so other
/// queues pay a word.
pub(super) type Questions = SetOnce<Pin<KBox<ExitHook<Requests>>>>;

/// What a record says of its request. Both 0: it was decided already.
#[derive(Clone, Copy)]
pub(crate) struct Stamp {
    /// Its id.
    pub(crate) request: u64,
    /// When it is decided without an answer: CLOCK_MONOTONIC in nanoseconds.
    pub(crate) deadline: u64,
}

impl Stamp {
    const DECIDED: Self = Self {
        request: 0,
        deadline: 0,
    };
}

/// What became of a posted record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Posted {
    /// It is in the ring.
    Written,
    /// There was no room.
    Lost,
    /// The watch has ended, or the filter does not let the record pass.
    Refused,
}

/// What came of asking.
pub(crate) enum Asked {
    /// The queue has nothing to say.
    No,
    /// It was decided at once, without an answer.
    Decided(Result),
    /// Somebody may answer.
    Waits(Question),
}

/// A question that user space has. Dropping it, inside a read section too, withdraws it if it was not
/// decided (TRAPS: A10 (what was entered for it, and who is counted at the gate, go with it)).
#[must_use]
pub(crate) struct Question {
    // Dropped before the ticket, which keeps the queue.
    request: Arc<Request>,
    stamp: Stamp,
    ticket: Ticket<Watch>,
}

impl Queue {
    /// The requests of this queue, if it ever needed any.
    pub(crate) fn requests(&self) -> Option<&Requests> {
        self.questions.as_ref().map(|hook| &****hook)
    }

    /// The requests of this queue, which can have some from now on. ENOMEM. Process context.
    pub(crate) fn make_requests(&self) -> Result<&Requests> {
        if self.requests().is_none() {
            let listener = self.opener().process.clone();
            let job = Requests::new(listener.clone(), crate::WORK.get().clone());
            let hook = KBox::pin_init(ExitHook::new(listener, job), GFP_KERNEL_ACCOUNT)?;
            // The mutex is there so that whoever comes second finds them complete. He drops his own after
            // it, for it was declared before.
            let _one = self.memory.lock();
            if self.requests().is_none() {
                self.questions.populate(hook);
            }
        }
        // Not reached: they are there.
        self.requests().ok_or(ENOMEM)
    }

    /// Asks the queue of the watch whose `mark` an event has met. `path` is what it is about; `post`
    /// posts the record, with the stamp in it, and says what became of it. The opener's own process
    /// is never asked: it would wait for itself.
    ///
    /// Process context, inside a read section; sleeps for memory only.
    pub(crate) fn ask(
        mark: &Mark<Watch>,
        path: impl FnOnce() -> Option<HeldPath>,
        post: impl FnOnce(Stamp) -> Posted,
    ) -> Asked {
        let queue = mark.watch().queue();
        let (Some(requests), false) = (queue.requests(), queue.opener().process.is_current())
        else {
            return Asked::No;
        };
        let (Some(ticket), Some(path)) = (Ticket::new(mark), path()) else {
            return Asked::No;
        };
        let (request, stamp) = match requests.begin(path) {
            Ok(begun) => begun,
            Err(Reason::Shutdown) => return Asked::No,
            Err(reason) => {
                // The watch gets its record in any case, but there is nothing to answer.
                if post(Stamp::DECIDED) == Posted::Refused {
                    return Asked::No;
                }
                let decision = requests.decide_new(reason);
                queue.tell(0, decision);
                return Asked::Decided(decision.result());
            }
        };
        let question = Question {
            request,
            stamp,
            ticket,
        };
        match post(stamp) {
            Posted::Written => Asked::Waits(question),
            Posted::Refused => Asked::No,
            Posted::Lost => {
                let decision = requests.decide_unanswered(&question.request, Reason::NotAsked);
                queue.tell(0, decision);
                Asked::Decided(decision.result())
            }
        }
    }

    /// Tells of a request that was decided without an answer.
    fn tell(&self, request: u64, decision: Decision) {
        let Some(reason) = decision.unanswered else {
            return;
        };
        let record = record::unanswered(request, 1, reason as u32, decision.error);
        self.write_unanswered(record);
    }

    /// No question is asked any more, and those that wait are decided. Returns when nobody waits.
    /// Process context, without locks.
    pub(super) fn end_questions(&self) {
        self.group().gate().shut();
        if let Some(requests) = self.requests() {
            requests.close(Closed::Shut);
        }
        // TRAPS: A11 (every question is a value that leaves the gate when it is dropped).
        self.group().gate().wait_empty();
    }
}

impl Question {
    /// Sleeps until the request is decided; an error refuses. EPERM and what the answer says;
    /// ERESTARTSYS if the task is being killed (TRAPS: A28 (killable, and whoever is first among
    /// answer, deadline and signal decides)).
    ///
    /// Process context, outside all read sections, without locks.
    pub(crate) fn wait(&self) -> Result {
        let queue = self.ticket.watch().queue();
        let Some(requests) = queue.requests() else {
            return Ok(());
        };
        let decision = match self.request.wait(self.stamp.deadline) {
            Ok(decision) => decision,
            Err(reason) => requests.decide_unanswered(&self.request, reason),
        };
        // What it is about is let go of out here.
        requests.withdraw(self.stamp.request, &self.request);
        if decision.unanswered == Some(Reason::Timeout) {
            // TRAPS: A29 (who does not answer is named).
            pr_warn_ratelimited!(
                "process {} did not answer request {} in time\n",
                queue.opener().process.number(),
                self.stamp.request
            );
        }
        queue.tell(self.stamp.request, decision);
        decision.result()
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if let Some(requests) = self.ticket.watch().queue().requests() {
            requests.withdraw(self.stamp.request, &self.request);
        }
    }
}
