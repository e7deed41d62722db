// SPDX-License-Identifier: GPL-2.0

//! Allocating without entering file systems.
//!
//! An allocation may reclaim inodes, and the death of a watched inode calls back into this module.
//! So under a mutex that this callback takes, allocations must not reclaim inodes. The guard makes
//! that true for every allocation of the task, whatever flags it passes: `GFP_KERNEL` is
//! `GFP_NOFS` while it exists.
//!
//! Used by the mutex of each group (`mark/group.rs`).
//!
//! C header: [`include/linux/sched/mm.h`](srctree/include/linux/sched/mm.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use kernel::types::NotThreadSafe;

/// While it exists, allocations of this task do not enter file systems.
///
/// Guards may be nested, and must then be dropped in reverse order. Process context.
///
/// # Invariants
///
/// `saved` is what the task's flag was before.
#[must_use = "ends at once when it is not kept"]
pub(crate) struct NofsGuard {
    saved: c_uint,
    _not_send: NotThreadSafe,
}

impl NofsGuard {
    /// Begins.
    #[inline]
    pub(crate) fn new() -> Self {
        // INVARIANT: As returned.
        //
        // SAFETY: Changes a flag of the current task, no requirements.
        let saved = unsafe { bindings::wqd_memalloc_nofs_save() };

        Self {
            saved,
            _not_send: NotThreadSafe,
        }
    }
}

impl Drop for NofsGuard {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant; the guard cannot have left its task.
        unsafe { bindings::wqd_memalloc_nofs_restore(self.saved) };
    }
}
