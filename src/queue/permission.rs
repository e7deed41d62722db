// SPDX-License-Identifier: GPL-2.0

//! Questions to user space: may the task that causes this event go on?
//!
//! A question is a record with a request id; the task sleeps until there is an answer, until the
//! queue's deadline, until it is killed, or until no task is left that could answer. If there is no
//! room for the record it waits for that first, until the same deadline. The rest of the system is
//! not held up: the task sleeps outside every read section, and the end of a queue answers its
//! questions first. [`request`] has those that wait, [`decision`] what can become of them.
//!
//! Used by `crate::source::fs`, which asks, and by the device, which answers.

mod decision;
mod request;

pub(crate) use self::{
    decision::{
        Counters,
        Policy, //
    },
    request::{
        Place,
        Request,
        Requests, //
    }, //
};

use self::{
    decision::{
        Decision,
        Reason, //
    },
    request::Closed, //
};
use super::{
    watch::Watch,
    Queue, //
};
use crate::rust::prelude::*;
use crate::{
    mark::{
        Mark,
        Ticket, //
    },
    ring::record,
    rust::{
        fs::held_path::HeldPath,
        ratelimit::may_print_of_listener,
        sync::wait_queue::has_come,
        task::exit_hook::ExitHook, //
    },
};
use kernel::sync::SetOnce;

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

/// What happens to a record for which there is no room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfFull {
    /// It is lost, and counted.
    Lose,
    /// Nothing: it will be posted once more.
    Wait,
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
pub(crate) enum Asked<'p> {
    /// The queue has nothing to say.
    No,
    /// It was decided at once, without an answer.
    Decided(Result),
    /// The listener may answer, now or when there is room for the record.
    Waits(Question<'p>),
}

/// How long a question waits for room before it looks by itself, in milliseconds: at first, and later.
/// A reader that asks the kernel for anything, or answers, makes it look at once.
const LOOKS: (u32, u32) = (8, 256);

/// How many questions that wait for room look for it after an answer, which may have made room for
/// one, and after a reader has come to the end of the ring.
const AFTER_ANSWER: u32 = 2;
const AFTER_READING: u32 = 64;

/// A question that user space has. Dropping it, inside a read section too, withdraws it if it was
/// not decided (what was entered for it, and its count at the gate, go with it).
#[must_use]
pub(crate) struct Question<'p> {
    place: Pin<&'p Place>,
    stamp: Stamp,
    ticket: Ticket<Watch>,
    /// Its record is in the ring.
    posted: bool,
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
            let job = Requests::new(listener.clone(), crate::WORK.get().clone())?;
            let hook = KBox::pin_init(ExitHook::new(listener, job), GFP_KERNEL_ACCOUNT)?;
            // The mutex is there so that a second caller finds them complete. That caller drops its
            // own after the mutex, because they were declared before.
            let _one = self.memory.lock();
            if self.requests().is_none() {
                self.questions.populate(hook);
            }
        }
        // Not reached: they are there.
        self.requests().ok_or(ENOMEM)
    }

    /// Asks the queue of the watch whose `mark` an event has met. `place` is where the request lives,
    /// `path` what it is about; `post` posts the record, with the stamp in it, and says what became of
    /// it. The opener's own process is never asked: it would wait for itself.
    ///
    /// Process context, inside a read section; does not sleep.
    pub(crate) fn ask<'p>(
        mark: &Mark<Watch>,
        place: Pin<&'p Place>,
        path: impl FnOnce() -> Option<HeldPath>,
        post: impl FnOnce(Stamp, IfFull) -> Posted,
    ) -> Asked<'p> {
        let queue = mark.watch().queue();
        let (Some(requests), false) = (queue.requests(), queue.opener().process.is_current())
        else {
            return Asked::No;
        };
        let (Some(ticket), Some(path)) = (Ticket::new(mark), path()) else {
            return Asked::No;
        };
        let stamp = match requests.begin(place, path) {
            Ok(stamp) => stamp,
            Err(Reason::Shutdown) => return Asked::No,
            Err(reason) => {
                // The watch gets its record in any case, but there is nothing to answer.
                if post(Stamp::DECIDED, IfFull::Lose) == Posted::Refused {
                    return Asked::No;
                }
                let decision = requests.decide_new(reason);
                queue.tell(0, decision);
                return Asked::Decided(decision.result());
            }
        };
        let mut question = Question {
            place,
            stamp,
            ticket,
            posted: false,
        };
        match post(stamp, IfFull::Wait) {
            Posted::Written => question.posted = true,
            Posted::Lost => {}
            Posted::Refused => return Asked::No,
        }
        Asked::Waits(question)
    }

    /// A reader has made room, or may have: questions that wait for it look.
    pub(super) fn offer_room(&self) {
        if let Some(requests) = self.requests() {
            requests.offer_room(AFTER_READING);
        }
    }

    /// RESPOND: decides a request; `error` is 0 or an errno. ENOENT: nothing with this id waits here.
    pub(crate) fn respond(&self, id: u64, error: u32) -> Result {
        let requests = self.requests().ok_or(ENOENT)?;
        let answered = requests.respond(id, error);
        requests.offer_room(AFTER_ANSWER);
        answered
    }

    /// Tells of a request that was decided without an answer.
    fn tell(&self, request: u64, decision: Decision) {
        let Some(reason) = decision.unanswered else {
            return;
        };
        if let (Some(requests), true) = (self.requests(), reason.is_of_listener()) {
            if !requests.was_said() && may_print_of_listener() && requests.say() {
                let opener = self.opener().process.number();
                let what = match decision.error {
                    0 => "allow",
                    _ => "refuse",
                };
                pr_warn!(
                    "deciding in place of process {opener} ({reason:?}): {what}; no more is said of it\n"
                );
            }
        }
        let record = record::unanswered(request, 1, reason as u32, decision.error);
        self.write_unanswered(record);
    }

    /// No question is asked any more, and those that wait are decided. Returns when no task waits.
    /// Process context, without locks.
    pub(super) fn end_questions(&self) {
        self.group().gate().shut();
        if let Some(requests) = self.requests() {
            requests.close(Closed::Shut);
        }
        // Every question is a value that leaves the gate when it is dropped.
        self.group().gate().wait_empty();
    }
}

impl Question<'_> {
    /// Sleeps until the request is decided; an error refuses. EPERM and what the answer says;
    /// ERESTARTSYS if the task is being killed (the first of answer, deadline and signal decides).
    /// `post` posts the record, as for [`Queue::ask`], if there was no room for it.
    ///
    /// Process context, outside all read sections, without locks.
    pub(crate) fn wait(&mut self, post: impl Fn(&Arc<Watch>, Stamp, IfFull) -> Posted) -> Result {
        let watch = self.ticket.watch();
        let queue = watch.queue();
        let Some(requests) = queue.requests() else {
            return Ok(());
        };
        let request = self.place.value();
        let outcome = match self.posted {
            true => Ok(()),
            false => {
                let post = |if_full| post(watch, self.stamp, if_full);
                Self::wait_for_room(requests, self.place, self.stamp.deadline, post)
            }
        };
        self.posted = outcome.is_ok();
        let outcome = match outcome {
            Ok(()) => request.wait(self.stamp.deadline),
            Err(outcome) => outcome,
        };
        let decision = outcome.unwrap_or_else(|reason| requests.decide_unanswered(request, reason));
        requests.withdraw(&self.place);
        if decision.unanswered == Some(Reason::Timeout) && may_print_of_listener() {
            // The log names the listener that does not answer.
            pr_warn!(
                "process {} did not answer request {} in time\n",
                queue.opener().process.number(),
                self.stamp.request
            );
        }
        queue.tell(if self.posted { self.stamp.request } else { 0 }, decision);
        decision.result()
    }

    /// Posts the record when there is room for it. How the request was decided before that, or why it
    /// has to be decided now.
    fn wait_for_room(
        requests: &Requests,
        place: Pin<&Place>,
        deadline: u64,
        post: impl Fn(IfFull) -> Posted,
    ) -> Result<(), Result<Decision, Reason>> {
        let (mut ms, longest) = LOOKS;
        loop {
            requests.wait_for_room(&place, deadline, ms)?;
            ms = ms.saturating_mul(2).min(longest);
            let last = has_come(deadline);
            match post(if last { IfFull::Lose } else { IfFull::Wait }) {
                Posted::Written => return Ok(()),
                // The watch has ended: it will not be asked.
                Posted::Refused => return Err(Err(Reason::NotAsked)),
                Posted::Lost if last => return Err(Err(Reason::NotAsked)),
                Posted::Lost => {}
            }
        }
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if let Some(requests) = self.ticket.watch().queue().requests() {
            requests.withdraw(&self.place);
        }
    }
}
