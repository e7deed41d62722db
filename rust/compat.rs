// SPDX-License-Identifier: GPL-2.0

//! What differs between the series of kernels that this module is built for, in one place.
//!
//! The other files are written for the newest series. `Kbuild` sets `wq_before_X_Y` from the version of
//! the kernel that it builds for, and this file then gives what that series lacks, under the name and
//! with the meaning of the newest. When the oldest series goes, so do its parts.

use kernel::prelude::*;

// Error codes that the crate of 7.2 does not name.
#[cfg(not(wq_before_7_3))]
pub(crate) use kernel::error::code::{
    EBADSLT,
    EDQUOT,
    ENOBUFS,
    ENOKEY,
    EOPNOTSUPP,
    ESHUTDOWN, //
};

#[cfg(wq_before_7_3)]
pub(crate) use before_7_3::{
    EBADSLT,
    EDQUOT,
    ENOBUFS,
    ENOKEY,
    EOPNOTSUPP,
    ESHUTDOWN, //
};

#[cfg(wq_before_7_3)]
mod before_7_3 {
    use crate::rust::bindings;
    use core::num::NonZeroI32;
    use kernel::error::Error;

    /// The error that has the C number `errno`, or EINVAL if none can have it. For constants only.
    const fn error(errno: u32) -> Error {
        match NonZeroI32::new((errno as i32).wrapping_neg()) {
            // SAFETY: An error is nothing but its number, which is not 0 and checked to be in range.
            // (That the sizes are equal is checked by the compiler.)
            Some(number) if errno <= bindings::MAX_ERRNO => unsafe {
                core::mem::transmute::<NonZeroI32, Error>(number)
            },
            _ => kernel::error::code::EINVAL,
        }
    }

    pub(crate) const EBADSLT: Error = error(bindings::EBADSLT);
    pub(crate) const EDQUOT: Error = error(bindings::EDQUOT);
    pub(crate) const ENOBUFS: Error = error(bindings::ENOBUFS);
    pub(crate) const ENOKEY: Error = error(bindings::ENOKEY);
    pub(crate) const EOPNOTSUPP: Error = error(bindings::EOPNOTSUPP);
    pub(crate) const ESHUTDOWN: Error = error(bindings::ESHUTDOWN);
}

/// This module, for the owner of a table of functions.
pub(crate) const fn this_module() -> &'static ThisModule {
    #[cfg(not(wq_before_7_3))]
    return kernel::module::this_module::<crate::LocalModule>();
    #[cfg(wq_before_7_3)]
    return &crate::THIS_MODULE;
}

/// Initialises what `slot` points to.
///
/// # Safety
///
/// `slot` is valid for writes, aligned, and what is in it does not move from now on until it is dropped.
/// After an error nothing in it is initialised.
pub(crate) unsafe fn pinned_init<T, E>(slot: *mut T, init: impl PinInit<T, E>) -> Result<(), E> {
    #[cfg(not(wq_before_7_3))]
    // SAFETY: The caller's promise is the same.
    return unsafe { pin_init::raw_try_init(slot, init) };
    #[cfg(wq_before_7_3)]
    // SAFETY: The caller promises what `__pinned_init` asks for: `slot` is valid for writing and
    // stays where it is.
    return unsafe { init.__pinned_init(slot) };
}

/// A full memory barrier between CPUs.
#[inline]
pub(crate) fn smp_mb() {
    #[cfg(not(wq_before_7_3))]
    kernel::sync::barrier::smp_mb(kernel::sync::barrier::Full);
    #[cfg(wq_before_7_3)]
    kernel::sync::barrier::smp_mb();
}
