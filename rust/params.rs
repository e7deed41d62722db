// SPDX-License-Identifier: GPL-2.0

//! Module parameters, as they are at the moment of the call. Any context.

use crate::rust::bindings;

/// Largest ring that SET_SIZE allows, in pages.
pub(crate) fn max_pages() -> u32 {
    // SAFETY: It only reads a variable, as do those below.
    unsafe { bindings::wqd_max_pages() }
}

/// How many queues one user may have open.
pub(crate) fn max_user_queues() -> u32 {
    // SAFETY: It only reads a variable.
    unsafe { bindings::wqd_max_user_queues() }
}

/// Makes the limit of watches a share of the memory, unless it was given: a watch takes `watch_size` bytes,
/// without what it keeps in memory. To be called when the module is initialised.
pub(crate) fn limit_watches_by_memory(watch_size: usize) {
    // SAFETY: It only asks for the size of the memory and stores a variable, which is not read yet.
    unsafe { bindings::wqd_limit_watches_by_memory(watch_size) }
}

/// How many watches one user may have.
pub(crate) fn max_user_watches() -> u32 {
    // SAFETY: It only reads a variable.
    unsafe { bindings::wqd_max_user_watches() }
}

/// How many watches on subtrees one file system may have.
pub(crate) fn max_subtrees() -> u32 {
    // SAFETY: It only reads a variable.
    unsafe { bindings::wqd_max_subtrees() }
}

/// How many watches on subtrees one user may have that were added without privileges.
pub(crate) fn max_user_subtrees() -> u32 {
    // SAFETY: It only reads a variable.
    unsafe { bindings::wqd_max_user_subtrees() }
}

/// Whether users without privileges may add watches on subtrees.
pub(crate) fn unprivileged_subtrees() -> bool {
    // SAFETY: It only reads a variable.
    unsafe { bindings::wqd_unprivileged_subtrees() }
}

/// Longest time that a queue may have for an answer, in milliseconds.
pub(crate) fn max_permission_ms() -> u32 {
    // SAFETY: It only reads a variable.
    unsafe { bindings::wqd_max_permission_ms() }
}

/// Whether symbols may be used that only a patched kernel exports.
pub(crate) fn use_patches() -> bool {
    // SAFETY: It only reads a variable.
    unsafe { bindings::wqd_use_patches() }
}

/// Whether functions may be probed where the kernel has no hook.
pub(crate) fn probes() -> bool {
    // SAFETY: It only reads a variable.
    unsafe { bindings::wqd_probes() }
}
