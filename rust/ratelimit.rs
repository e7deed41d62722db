// SPDX-License-Identifier: GPL-2.0

//! Messages that programs can provoke must not fill the log.
//!
//! The states need an initialised raw spinlock, which C can put into a static and Rust cannot, so
//! they are in the C helper: one for what is said about listeners that do not answer, which no other user
//! may be able to hide, and one for all else.
//!
//! Used wherever bad input is worth a line.
//!
//! C header: [`include/linux/ratelimit.h`](srctree/include/linux/ratelimit.h)

use crate::rust::bindings;

/// Whether one more line may be printed now; counts those that may not, and says how many they were
/// when it allows the next one.
///
/// Any context.
pub(crate) fn may_print() -> bool {
    // SAFETY: No requirements.
    unsafe { bindings::wqd_ratelimit() }
}

/// As [`may_print`], for lines about the listener, which was to answer questions.
///
/// Any context.
pub(crate) fn may_print_of_listener() -> bool {
    // SAFETY: No requirements.
    unsafe { bindings::wqd_ratelimit_listener() }
}

/// `pr_warn!`, but not more than ten lines in five seconds for the whole module.
macro_rules! pr_warn_ratelimited {
    ($($arg:tt)*) => {
        if $crate::rust::ratelimit::may_print() {
            ::kernel::pr_warn!($($arg)*);
        }
    };
}
pub(crate) use pr_warn_ratelimited;
