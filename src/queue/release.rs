// SPDX-License-Identifier: GPL-2.0

//! Tells other modules that their watches have ended.
//!
//! A watch ends under the ring lock of its queue, in any context; the module that made it is told
//! in process context. In between its claim waits in a list here. It is entered under the same hold
//! of the ring lock under which the watch becomes dead: a task that finds the watch dead and then
//! calls [`Releases::barrier`] waits for the claim. The claim has its own copy of all that the call
//! needs; the list that it came from may be gone.
//!
//! Lock order: `releases` is a raw leaf lock inside the ring lock.

use crate::rust::prelude::*;
use crate::rust::{
    producer::Claim,
    sync::{
        arc_fifo::ArcFifo,
        irq_work::{
            IrqHandler,
            IrqWork, //
        },
        raw_spinlock::{
            new_raw_spinlock,
            RawSpinLock, //
        },
        workqueue::{
            new_delayed_job,
            DelayedJob,
            Job,
            OwnedQueue, //
        },
    },
};

/// The claims that wait.
#[pin_data]
pub(crate) struct Releases {
    // Dropped in this order: what queues the job, then the job.
    #[pin]
    kick: IrqWork<Kick>,
    #[pin]
    job: DelayedJob<Waiting>,
}

struct Kick;

#[pin_data]
struct Waiting {
    #[pin]
    claims: RawSpinLock<ArcFifo<Claim>>,
}

impl Releases {
    /// The modules' functions are called on `queue`.
    pub(crate) fn new(queue: Arc<OwnedQueue>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            kick <- IrqWork::new(Kick),
            job <- new_delayed_job!(
                pin_init!(Waiting {
                    claims <- new_raw_spinlock!(ArcFifo::new(), "queue.releases"),
                }),
                queue,
                "wq_release"
            ),
        })
    }

    /// The watch with this claim has become dead. Any context, under its ring lock.
    pub(super) fn push(&self, claim: &Arc<Claim>) {
        if claim.wants_release() {
            // It cannot be in a list: a watch ends once, and has its claim for itself.
            let _ = self.job.claims.lock().push(claim.clone());
            self.kick.queue();
        }
    }

    /// Waits until all claims that were pushed before have been released. Process context.
    pub(crate) fn barrier(&self) {
        self.kick.sync();
        self.job.flush();
    }
}

impl IrqHandler for Kick {
    fn run(_work: &IrqWork<Self>) {
        crate::RELEASES.get().job.queue(0);
    }
}

impl Job for Waiting {
    fn run(job: &DelayedJob<Self>) {
        let mut claims = core::mem::replace(&mut *job.claims.lock(), ArcFifo::new());
        while let Some(claim) = claims.pop() {
            claim.release();
        }
    }
}
