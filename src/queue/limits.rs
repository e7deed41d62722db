// SPDX-License-Identifier: GPL-2.0

//! How many queues and watches a user may have.
//!
//! Each open file and each watch counts for the user who opened the queue, whoever uses it. The
//! limits are module parameters and may be changed at any time; what exists stays. The counts come
//! back when a file is closed, and when a watch has ended and its REMOVAL is in the ring, not when its
//! memory is freed later, so a user who keeps within the limit and reads his ring never meets it
//! (TRAPS: A24). A REMOVAL that waits for room keeps its watch in memory, so that counts.
//!
//! Lock order: the table's mutex is taken with no other lock of ours held.

use crate::rust::{
    params,
    ratelimit::pr_warn_ratelimited, //
};
use kernel::{
    new_mutex,
    prelude::*,
    rbtree::RBTree,
    sync::{
        atomic::{
            ordering::{
                Full,
                Relaxed, //
            },
            Atomic, //
        },
        Arc,
        Mutex, //
    },
    task::Kuid, //
};

/// All users who have a queue.
#[pin_data]
pub(crate) struct Users {
    #[pin]
    table: Mutex<RBTree<u32, Entry>>,
}

struct Entry {
    user: Arc<Counts>,
    /// How many [`User`]s there are.
    needs: usize,
}

/// What counts for one user.
struct Counts {
    uid: u32,
    queues: Atomic<u32>,
    watches: Atomic<u32>,
}

/// Adds one unless that would be more than `limit`.
fn take(count: &Atomic<u32>, limit: u32) -> bool {
    let mut old = count.load(Relaxed);
    while old < limit {
        match count.cmpxchg(old, old.wrapping_add(1), Relaxed) {
            Ok(_) => return true,
            Err(current) => old = current,
        }
    }
    false
}

fn give_back(count: &Atomic<u32>) {
    count.fetch_sub(1, Relaxed);
}

impl Users {
    /// An empty table.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            table <- new_mutex!(RBTree::new(), "queue.users"),
        })
    }

    /// The user `kuid`, with one queue more. EMFILE above the limit, which the log names; ENOMEM.
    /// Process context.
    pub(crate) fn enter(&'static self, kuid: Kuid) -> Result<User> {
        let uid = kuid.into_raw().val;
        let counts = {
            let mut table = self.table.lock();
            match table.get_mut(&uid) {
                Some(entry) => {
                    entry.needs = entry.needs.checked_add(1).ok_or(EMFILE)?;
                    entry.user.clone()
                }
                None => {
                    let user = Arc::new(
                        Counts {
                            uid,
                            queues: Atomic::new(0),
                            watches: Atomic::new(0),
                        },
                        GFP_KERNEL_ACCOUNT,
                    )?;
                    let entry = Entry {
                        user: user.clone(),
                        needs: 1,
                    };
                    table.try_create_and_insert(uid, entry, GFP_KERNEL_ACCOUNT)?;
                    user
                }
            }
        };
        let user = User {
            users: self,
            has_queue: Atomic::new(false),
            counts,
        };
        if !take(&user.counts.queues, params::max_user_queues()) {
            pr_warn_ratelimited!(
                "uid {uid} has reached the limit max_user_queues of this module\n"
            );
            return Err(EMFILE);
        }
        user.has_queue.store(true, Relaxed);
        Ok(user)
    }
}

/// A queue's share in its user's counts. Dropping it needs process context.
pub(crate) struct User {
    users: &'static Users,
    counts: Arc<Counts>,
    has_queue: Atomic<bool>,
}

impl User {
    /// The queue's file is gone. Idempotent.
    pub(super) fn leave(&self) {
        if self.has_queue.xchg(false, Full) {
            give_back(&self.counts.queues);
        }
    }

    /// Counts one watch, once. EDQUOT above the limit, which the log names.
    pub(super) fn charge_watch(&self, charge: &WatchCharge) -> Result {
        if take(&self.counts.watches, params::max_user_watches()) {
            charge.0.store(STEPS, Relaxed);
            return Ok(());
        }
        pr_warn_ratelimited!(
            "uid {} has reached the limit max_user_watches of this module\n",
            self.counts.uid
        );
        Err(EDQUOT)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.leave();
        let mut table = self.users.table.lock();
        let uid = self.counts.uid;
        let last = table.get_mut(&uid).is_some_and(|entry| {
            entry.needs = entry.needs.saturating_sub(1);
            entry.needs == 0
        });
        if last {
            let node = table.remove_node(&uid);
            drop(table);
            drop(node);
        }
    }
}

/// Whether a watch is counted for its user: how many of the [`STEPS`] of its end are still to come.
pub(crate) struct WatchCharge(Atomic<u32>);

/// It has left its queue's table and all objects; its REMOVAL was written.
const STEPS: u32 = 2;

impl WatchCharge {
    /// Not counted.
    pub(super) fn none() -> Self {
        Self(Atomic::new(0))
    }

    /// One of the steps is done; with the last one the watch is not counted any more. Any context.
    pub(super) fn step(&self, user: &User) {
        if self.0.load(Relaxed) != 0 && self.0.fetch_sub(1, Full) == 1 {
            give_back(&user.counts.watches);
        }
    }

    /// The watch is not counted any more, whatever is done. Idempotent; any context.
    pub(super) fn give_back(&self, user: &User) {
        if self.0.xchg(0, Full) != 0 {
            give_back(&user.counts.watches);
        }
    }
}
