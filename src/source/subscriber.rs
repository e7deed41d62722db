// SPDX-License-Identifier: GPL-2.0

//! A watch as the mark layer needs it.
//!
//! What a watch has to hear of, and which others may be beside it on one object, depends on its source.
//! So this is above the queue, which has the watch and knows no source, and above the mark layer, which
//! calls it.

use super::{
    fs,
    hook::Lease,
    interest, //
};
use crate::rust::prelude::*;
use crate::{
    mark::{
        Context,
        Group,
        MarkSet,
        NotInserted,
        Role,
        Subscriber, //
    },
    queue::watch::{
        Reason,
        State,
        Watch, //
    },
    ring::record::kind,
};

impl Subscriber for Watch {
    type Reason = Reason;
    type Lease = Lease;

    #[inline]
    fn context() -> &'static Context<Self> {
        crate::MARKS.get()
    }

    #[inline]
    fn group(&self) -> &Group<Self> {
        self.queue().group()
    }

    fn handle(&self) -> u64 {
        self.handle_number()
    }

    fn marks(&self) -> &MarkSet<Self> {
        self.mark_set()
    }

    fn same(&self, role: Role, other: &Self, other_role: Role) -> bool {
        role == other_role
            && self.kind() == other.kind()
            && self.claimed_id() == other.claimed_id()
            && !(self.kind() == kind::FS && fs::shares(role))
    }

    fn limit(&self, role: Role) -> Option<u32> {
        match self.kind() {
            kind::FS => fs::limit(self, role),
            _ => None,
        }
    }

    fn interest(&self, role: Role) -> u32 {
        interest(self, role)
    }

    #[inline]
    fn is_dead(&self) -> bool {
        self.state() == State::Dead
    }

    fn kill(this: &Arc<Self>, reason: Reason) -> bool {
        this.queue().kill_anywhere(this, reason)
    }

    fn withdraw(this: &Arc<Self>, why: NotInserted) {
        let reason = match why {
            NotInserted::Full => Reason::Removed,
            NotInserted::Destroying | NotInserted::Exists => Reason::ObjectGone,
        };
        this.queue().withdraw(this, reason);
    }

    fn ended(&self) {
        self.left_group();
    }

    fn reap_link(&self) -> &Atomic<*mut Self> {
        self.reaper_link()
    }
}
