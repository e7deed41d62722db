// SPDX-License-Identifier: GPL-2.0

//! Whether anything is renamed meanwhile.
//!
//! The tree of dentries is read without locks; what was read is believed if the kernel's `rename_lock`
//! says that nothing was renamed ([`Still`]), and otherwise it is read again, at last with that lock held
//! ([`Frozen`]). Used by [`super::dcache`], and by `crate::source::fs` for what has to hold when a record
//! is written.
//!
//! C header: [`include/linux/dcache.h`](srctree/include/linux/dcache.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use kernel::types::NotThreadSafe;

/// Nothing was renamed since, or can be.
pub(crate) enum Still {
    /// Since the lock had this number.
    Since(c_uint),
    /// The caller has a [`Frozen`], or does not look at the tree.
    Frozen,
}

impl Still {
    /// Since now.
    #[inline]
    pub(crate) fn now() -> Self {
        // SAFETY: No requirements.
        Self::Since(unsafe { bindings::wqd_rename_begin() })
    }

    /// Whether it is so. Any context.
    #[inline]
    pub(crate) fn holds(&self) -> bool {
        match self {
            // SAFETY: No requirements.
            Self::Since(seq) => !unsafe { bindings::wqd_rename_changed(*seq) },
            Self::Frozen => true,
        }
    }
}

/// Attempts of [`unmoved`] before the lock is taken.
pub(super) const ATTEMPTS: usize = 3;

/// Runs `attempt` until it succeeds, at last with renames locked out. It is to find out about the tree,
/// then to ask [`Still::holds`], and to do nothing but fail if that says no. It does not sleep.
pub(crate) fn unmoved(mut attempt: impl FnMut(&Still) -> bool) {
    for _ in 0..ATTEMPTS {
        if attempt(&Still::now()) {
            return;
        }
    }
    let _frozen = Frozen::new();
    attempt(&Still::Frozen);
}

/// The kernel's `rename_lock`, held: nothing is renamed. Others may still read the tree without it.
pub(crate) struct Frozen(NotThreadSafe);

impl Frozen {
    /// Takes the lock, a spinlock. The caller has neither it nor one that is taken inside it.
    pub(crate) fn new() -> Self {
        // SAFETY: As the caller has neither, this does not deadlock.
        unsafe { bindings::wqd_rename_lock() };
        Self(NotThreadSafe)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // SAFETY: This value stands for the lock.
        unsafe { bindings::wqd_rename_unlock() };
    }
}
