// SPDX-License-Identifier: GPL-2.0

//! How many queues, pages of rings and watches a user may have.
//!
//! Each open file, its ring and each of its watches count for the user who opened the queue *and*
//! for the owner of that user's namespace, as a user of the namespace in which it was made, and so
//! on up to the initial one: a user who makes a namespace with a thousand user ids has no more than
//! before. The kernel counts so, too (`inc_ucount()`), but not for modules. So there is one account
//! for each pair of namespace and user, and a [`User`] has those that it is charged to.
//!
//! The limits of queues and watches are module parameters and may be changed at any time; what exists
//! stays. That of pages is `RLIMIT_MEMLOCK`: the caller's for the opener, and for an owner the one
//! at the time when the namespace was made. A charge that is refused by one account is undone in
//! those before it. The counts come back when a file is closed, and when a watch has ended and its
//! REMOVAL is in the ring, not when its memory is freed later, so a user who keeps within the limit
//! and reads the ring never meets it. A REMOVAL that waits for room keeps its watch in memory, so
//! that counts.
//!
//! Lock order: the table's mutex is taken with no other lock of ours held. Nothing is allocated or freed
//! under it: all users share it, and a task whose memory cgroup is full would make the others wait.

use crate::rust::prelude::*;
use crate::rust::{
    mm::memlock::{
        self,
        MemlockCharge, //
    },
    params,
    ratelimit::pr_warn_ratelimited,
    task::user_ns::UserNamespace, //
};
use core::ptr;
use kernel::{
    cred::Credential,
    fs::File,
    new_mutex,
    rbtree::{
        RBTree,
        RBTreeNode, //
    },
    sync::{
        aref::ARef,
        Mutex, //
    }, //
};

/// The accounts of all users who have a queue, and of the owners of their namespaces.
#[pin_data]
pub(crate) struct Users {
    #[pin]
    table: Mutex<RBTree<Key, Entry>>,
}

/// A namespace, which its account keeps, and a user.
type Key = (usize, u32);

struct Entry {
    account: Arc<Account>,
    /// How many [`Held`]s there are.
    needs: usize,
}

/// What counts for one user of one namespace.
struct Account {
    ns: ARef<UserNamespace>,
    uid: u32,
    queues: Atomic<u64>,
    pages: Atomic<u64>,
    watches: Atomic<u64>,
    subtrees: Atomic<u64>,
    closing: Atomic<u64>,
}

/// One of the counts of an account.
#[derive(Clone, Copy)]
enum Count {
    Queues,
    Pages,
    Watches,
    /// Watches on subtrees that were added without privileges.
    Subtrees,
    /// Closed queues that still have watches; without a limit.
    Closing,
}

impl Account {
    fn new(ns: &UserNamespace, uid: u32) -> Self {
        Self {
            ns: ns.into(),
            uid,
            queues: Atomic::new(0),
            pages: Atomic::new(0),
            watches: Atomic::new(0),
            subtrees: Atomic::new(0),
            closing: Atomic::new(0),
        }
    }

    fn key(&self) -> Key {
        (ptr::from_ref::<UserNamespace>(&self.ns) as usize, self.uid)
    }

    fn count(&self, of: Count) -> &Atomic<u64> {
        match of {
            Count::Queues => &self.queues,
            Count::Pages => &self.pages,
            Count::Watches => &self.watches,
            Count::Subtrees => &self.subtrees,
            Count::Closing => &self.closing,
        }
    }

    /// Adds `n` unless that would be more than `limit`.
    fn take(&self, of: Count, n: u64, limit: u64) -> bool {
        let count = self.count(of);
        let mut old = count.load(Relaxed);
        while let Some(new) = old.checked_add(n).filter(|&new| new <= limit) {
            match count.cmpxchg(old, new, Relaxed) {
                Ok(_) => return true,
                Err(current) => old = current,
            }
        }
        false
    }

    /// Any context.
    fn give_back(&self, of: Count, n: u64) {
        self.count(of).fetch_sub(n, Relaxed);
    }
}

impl Users {
    /// An empty table.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            table <- new_mutex!(RBTree::new(), "queue.users"),
        })
    }

    /// The account of a user of `ns`. ENOMEM; EMFILE if it cannot be held more often. Process context.
    fn hold(&'static self, ns: &UserNamespace, uid: u32) -> Result<Held> {
        let known = (ptr::from_ref(ns) as usize, uid);
        if let Some(held) = self.held(&mut self.table.lock(), &known)? {
            return Ok(held);
        }

        let account = Arc::new(Account::new(ns, uid), GFP_KERNEL_ACCOUNT)?;
        let entry = Entry {
            account: account.clone(),
            needs: 1,
        };
        let node = RBTreeNode::new(account.key(), entry, GFP_KERNEL_ACCOUNT)?;
        let mut table = self.table.lock();
        // Another queue may have been faster; what was allocated is freed after the lock then.
        if let Some(held) = self.held(&mut table, &known)? {
            drop(table);
            drop(node);
            return Ok(held);
        }
        table.insert(node);
        Ok(Held {
            users: self,
            account,
        })
    }

    fn held(&'static self, table: &mut RBTree<Key, Entry>, key: &Key) -> Result<Option<Held>> {
        let Some(entry) = table.get_mut(key) else {
            return Ok(None);
        };
        entry.needs = entry.needs.checked_add(1).ok_or(EMFILE)?;
        Ok(Some(Held {
            users: self,
            account: entry.account.clone(),
        }))
    }

    /// The user who has these credentials, with one queue more. EMFILE above the limit, which the log
    /// names; ENOMEM. Process context.
    pub(crate) fn enter(&'static self, cred: &Credential) -> Result<User> {
        let mut accounts = KVec::new();
        let mut next = Some((UserNamespace::of(cred), cred.euid()));
        while let Some((ns, user)) = next {
            let held = self.hold(ns, user.into_raw().val)?;
            accounts.push(held, GFP_KERNEL_ACCOUNT)?;
            next = ns.parent().map(|parent| (parent, ns.owner()));
        }
        let user = User {
            payers: Arc::new(Payers(accounts), GFP_KERNEL_ACCOUNT)?,
            has_queue: Atomic::new(false),
        };
        let limit = u64::from(params::max_user_queues());
        user.payers
            .take(Count::Queues, 1, |_| limit)
            .map_err(|full| {
                pr_warn_ratelimited!(
                    "uid {} has reached the limit max_user_queues of this module\n",
                    full.uid
                );
                EMFILE
            })?;
        user.has_queue.store(true, Relaxed);
        Ok(user)
    }
}

/// An account that stays in the table. Dropping it needs process context.
struct Held {
    users: &'static Users,
    account: Arc<Account>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let key = self.account.key();
        let mut table = self.users.table.lock();
        let last = table.get_mut(&key).is_some_and(|entry| {
            entry.needs = entry.needs.saturating_sub(1);
            entry.needs == 0
        });
        if last {
            let node = table.remove_node(&key);
            drop(table);
            drop(node);
        }
    }
}

/// The accounts that a user is charged to: the user's own, then those of the owners of the
/// namespaces above.
struct Payers(KVec<Held>);

impl Payers {
    fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.0.iter().map(|held| &*held.account)
    }

    /// Charges `n` to all of them or to none, with a limit for each: that of its place, beginning with 0.
    /// The account that refused.
    fn take(&self, of: Count, n: u64, limit: impl Fn(usize) -> u64) -> Result<(), &Account> {
        for (place, account) in self.accounts().enumerate() {
            if !account.take(of, n, limit(place)) {
                for paid in self.accounts().take(place) {
                    paid.give_back(of, n);
                }
                return Err(account);
            }
        }
        Ok(())
    }

    /// Any context.
    fn give_back(&self, of: Count, n: u64) {
        for account in self.accounts() {
            account.give_back(of, n);
        }
    }

    /// How many pages the account at `place` may have.
    fn page_limit(&self, place: usize) -> u64 {
        match place.checked_sub(1).and_then(|below| self.0.get(below)) {
            None => memlock::limit(),
            Some(below) => below.account.ns.memlock_limit(),
        }
    }
}

/// A queue's share in its user's counts. Dropping it needs process context.
pub(crate) struct User {
    payers: Arc<Payers>,
    has_queue: Atomic<bool>,
}

impl User {
    /// The user namespace of the opener: ids in records are those of it.
    pub(crate) fn namespace(&self) -> &UserNamespace {
        match self.payers.0.first() {
            Some(own) => &own.account.ns,
            // There is one.
            None => UserNamespace::init(),
        }
    }

    /// The queue's file is gone. Idempotent.
    pub(super) fn leave(&self) {
        if self.has_queue.xchg(false, Full) {
            self.payers.give_back(Count::Queues, 1);
        }
    }

    /// Counts the pages of a ring, for what this module has and for all that `RLIMIT_MEMLOCK` limits. EPERM
    /// above one of the limits, unless the opener of `file`, which is the user, and the current
    /// task both have CAP_IPC_LOCK. Process context.
    pub(crate) fn charge_ring(&self, file: &File, pages: usize) -> Result<RingCharge> {
        let memlock = MemlockCharge::new(file, pages)?;
        let pages = u64::try_from(pages).map_err(|_| EPERM)?;
        let within = self
            .payers
            .take(Count::Pages, pages, |place| self.payers.page_limit(place));
        if within.is_err() {
            if !memlock::is_unlimited(file) {
                return Err(EPERM);
            }
            self.payers
                .take(Count::Pages, pages, |_| u64::MAX)
                .map_err(|_| EPERM)?;
        }
        Ok(RingCharge {
            payers: self.payers.clone(),
            pages,
            _memlock: memlock,
        })
    }

    /// A closed queue of this user has watches that end later.
    pub(super) fn begin_closing(&self) {
        // There is no limit.
        let _ = self.payers.take(Count::Closing, 1, |_| u64::MAX);
    }

    /// They have ended.
    pub(super) fn end_closing(&self) {
        self.payers.give_back(Count::Closing, 1);
    }

    /// Whether watches of closed queues still count for an account that this user is charged to.
    pub(super) fn is_closing(&self) -> bool {
        self.payers
            .accounts()
            .any(|account| account.closing.load(Relaxed) != 0)
    }

    /// Counts one watch, once. EDQUOT above the limit, which the log names, unless it is one that soon
    /// will have room.
    pub(super) fn charge_watch(&self, charge: &WatchCharge, subtree: bool) -> Result {
        self.take(
            Count::Watches,
            params::max_user_watches(),
            "max_user_watches",
        )?;
        if subtree {
            self.take(
                Count::Subtrees,
                params::max_user_subtrees(),
                "max_user_subtrees",
            )
            .inspect_err(|_| self.payers.give_back(Count::Watches, 1))?;
        }
        let also = if subtree { SUBTREE } else { 0 };
        charge.0.store(STEPS | also, Relaxed);
        Ok(())
    }

    /// Charges one, or says in the log which limit forbids it.
    fn take(&self, of: Count, limit: u32, name: &str) -> Result {
        self.payers.take(of, 1, |_| limit.into()).map_err(|full| {
            if !self.is_closing() {
                pr_warn_ratelimited!(
                    "uid {} has reached the limit {} of this module\n",
                    full.uid,
                    name
                );
            }
            EDQUOT
        })
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Pages that count for a user, until it is dropped. Process context.
pub(crate) struct RingCharge {
    payers: Arc<Payers>,
    pages: u64,
    _memlock: MemlockCharge,
}

impl Drop for RingCharge {
    fn drop(&mut self) {
        self.payers.give_back(Count::Pages, self.pages);
    }
}

/// Whether a watch is counted for its user: how many of the [`STEPS`] of its end are still to come, and
/// [`SUBTREE`].
pub(crate) struct WatchCharge(Atomic<u32>);

/// It has left its queue's table and all objects; its REMOVAL was written.
const STEPS: u32 = 2;

/// It counts as a watch on a subtree that was added without privileges, too.
const SUBTREE: u32 = 4;

impl WatchCharge {
    /// Not counted.
    pub(super) fn none() -> Self {
        Self(Atomic::new(0))
    }

    /// One of the steps is done; with the last one the watch is not counted any more. Any context.
    pub(super) fn step(&self, user: &User) {
        if self.0.load(Relaxed) & !SUBTREE != 0 {
            let before = self.0.fetch_sub(1, Full);
            if before & !SUBTREE == 1 {
                Self::count_down(user, before);
            }
        }
    }

    /// The watch is not counted any more, whatever is done. Idempotent; any context.
    pub(super) fn give_back(&self, user: &User) {
        let before = self.0.xchg(0, Full);
        if before & !SUBTREE != 0 {
            Self::count_down(user, before);
        }
    }

    fn count_down(user: &User, before: u32) {
        user.payers.give_back(Count::Watches, 1);
        if before & SUBTREE != 0 {
            user.payers.give_back(Count::Subtrees, 1);
        }
    }
}
