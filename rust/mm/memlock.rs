// SPDX-License-Identifier: GPL-2.0

//! Counting memory that cannot be swapped against `RLIMIT_MEMLOCK`.
//!
//! Counted for the user who opened a file, not for an address space: a program that forks would
//! otherwise have the limit once for each child.
//!
//! Used by `queue/limits.rs` for the ring of each queue, which counts for the owners of user namespaces,
//! too.
//!
//! C headers: [`include/linux/sched/user.h`](srctree/include/linux/sched/user.h)

use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    task::cred::{
        capable_both,
        Capability, //
    },
    task::user_ns::UserNamespace, //
};
use kernel::{
    fs::File,
    page::PAGE_SHIFT, //
};

/// `RLIMIT_MEMLOCK` of the current task, in pages.
pub(crate) fn limit() -> u64 {
    // SAFETY: The limit exists.
    (unsafe { bindings::wqd_rlimit(bindings::RLIMIT_MEMLOCK) } >> PAGE_SHIFT) as u64
}

/// Whether there is no limit: the opener of `file` and the current task both have CAP_IPC_LOCK. To be
/// asked only when that decides.
///
/// Process context.
pub(crate) fn is_unlimited(file: &File) -> bool {
    capable_both(file, UserNamespace::init(), Capability::IPC_LOCK)
}

/// Pages that a user is charged with; given back when dropped, whatever the user may be allowed by
/// then.
///
/// # Invariants
///
/// We have a reference to `user`, whose count contains `pages`.
pub(crate) struct MemlockCharge {
    user: NonNull<bindings::user_struct>,
    pages: i64,
}

// SAFETY: A user has no ties to a thread.
unsafe impl Send for MemlockCharge {}
// SAFETY: There is nothing to be done with a reference.
unsafe impl Sync for MemlockCharge {}

impl MemlockCharge {
    /// Charges the user who opened `file` with `pages`.
    ///
    /// `EPERM` if that would exceed `RLIMIT_MEMLOCK` of the current task, unless opener and current
    /// task both have CAP_IPC_LOCK.
    ///
    /// Process context.
    pub(crate) fn new(file: &File, pages: usize) -> Result<Self> {
        let pages = i64::try_from(pages).map_err(|_| EPERM)?;
        // More bytes than fit after the shift is no limit at all.
        let limit = i64::try_from(limit()).unwrap_or(i64::MAX);

        // SAFETY: The credentials of a file are valid as long as the file, and do not change.
        let user = unsafe { (*file.cred().as_ptr()).user };
        // SAFETY: The credentials keep the user.
        let user = unsafe { bindings::wqd_get_uid(user) };
        // INVARIANT: That was our reference, and 0 pages are in every count.
        let mut charge = Self {
            user: NonNull::new(user).ok_or(EINVAL)?,
            pages: 0,
        };

        let mut unlimited = false;
        let mut old = charge.count().load(Relaxed);
        loop {
            let new = old.checked_add(pages).ok_or(EPERM)?;
            if new > limit && !unlimited {
                unlimited = is_unlimited(file);
                if !unlimited {
                    return Err(EPERM);
                }
            }
            match charge.count().cmpxchg(old, new, Full) {
                Ok(_) => break,
                Err(changed) => old = changed,
            }
        }

        // INVARIANT: The count contains them now.
        charge.pages = pages;
        Ok(charge)
    }

    /// The user's count.
    fn count(&self) -> &Atomic<i64> {
        // SAFETY: The user is valid, because we have a reference to it.
        let count = unsafe { &raw mut (*self.user.as_ptr()).locked_vm.counter };

        // SAFETY: It is aligned, lives as long as our reference, and is accessed by atomic
        // operations only.
        unsafe { Atomic::from_ptr(count) }
    }
}

impl Drop for MemlockCharge {
    fn drop(&mut self) {
        // INVARIANT: They leave the count together with this value.
        self.count().add(self.pages.wrapping_neg(), Relaxed);

        // SAFETY: By the type invariant there is a reference to give back.
        unsafe { bindings::free_uid(self.user.as_ptr()) };
    }
}
