// SPDX-License-Identifier: GPL-2.0

//! Messages that programs can provoke must not fill the log.
//!
//! The state needs an initialised raw spinlock, which C can put into a static and Rust cannot, so
//! it is in the C helper: one for the whole module.
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

/// `pr_warn!`, but not more than ten lines in five seconds for the whole module.
macro_rules! pr_warn_ratelimited {
    ($($arg:tt)*) => {
        if $crate::rust::ratelimit::may_print() {
            ::kernel::pr_warn!($($arg)*);
        }
    };
}
pub(crate) use pr_warn_ratelimited;
