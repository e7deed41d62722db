// SPDX-License-Identifier: GPL-2.0

//! Whether this kernel lets a module wait for user space in the middle of an event.
//!
//! It does if it exports three functions, as patch 0001 makes it do. Used by [`super::section`] and by
//! `crate::source::fs`.
//!
//! C header: [`include/linux/fsnotify_backend.h`](srctree/include/linux/fsnotify_backend.h)

use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    fs::held_path::OpenSilently,
    hooks::symbol::Symbol, //
};
use core::mem::transmute;

/// `fsnotify_prepare_user_wait()`.
type Prepare = unsafe extern "C" fn(*mut bindings::fsnotify_iter_info) -> bool;
/// `fsnotify_finish_user_wait()`.
type Finish = unsafe extern "C" fn(*mut bindings::fsnotify_iter_info);

/// What it takes to let a task wait for user space in the middle of an fsnotify event, and user
/// space look at what the task waits for.
///
/// # Invariants
///
/// `prepare` and `finish` are the functions of those names.
pub(crate) struct UserWaits {
    prepare: Symbol,
    finish: Symbol,
    open: OpenSilently,
}

impl UserWaits {
    /// Looks them up; `None` when one is missing, or when the kernel does not ask for permission.
    /// Process context.
    pub(crate) fn get() -> Option<Self> {
        if !cfg!(CONFIG_FANOTIFY_ACCESS_PERMISSIONS) {
            return None;
        }
        // INVARIANT: By their names.
        Some(Self {
            prepare: Symbol::get(c"fsnotify_prepare_user_wait")?,
            finish: Symbol::get(c"fsnotify_finish_user_wait")?,
            open: OpenSilently::get()?,
        })
    }

    /// # Safety
    ///
    /// As for the function.
    pub(super) unsafe fn prepare(&self, iter: *mut bindings::fsnotify_iter_info) -> bool {
        // SAFETY: By the type invariants; the function has this prototype.
        let prepare = unsafe { transmute::<*mut c_void, Prepare>(self.prepare.as_ptr()) };
        // SAFETY: The caller promises it.
        unsafe { prepare(iter) }
    }

    /// # Safety
    ///
    /// As for the function.
    pub(super) unsafe fn finish(&self, iter: *mut bindings::fsnotify_iter_info) {
        // SAFETY: By the type invariants; the function has this prototype.
        let finish = unsafe { transmute::<*mut c_void, Finish>(self.finish.as_ptr()) };
        // SAFETY: The caller promises it.
        unsafe { finish(iter) }
    }

    /// How user space gets to look at what a task waits for.
    pub(crate) fn open(&self) -> &OpenSilently {
        &self.open
    }
}
