// SPDX-License-Identifier: GPL-2.0

//! Functions of the kernel that only a patched kernel exports (`tools/kernel/patches/`).
//!
//! They are looked up once, when the module is loaded, so that the same module works on both kinds
//! of kernel. What each of them is for, and its prototype, is with what uses it: [`lsm`], [`held_path`],
//! [`mount_ns`], [`user_waits`].
//!
//! [`lsm`]: crate::rust::fsnotify::lsm
//! [`held_path`]: crate::rust::fs::held_path
//! [`mount_ns`]: crate::rust::fs::mount_ns
//! [`user_waits`]: crate::rust::fsnotify::user_waits

use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    params, //
};

/// A function that the kernel may export.
///
/// # Invariants
///
/// `function` is the exported function of that name, and we hold a reference on its module.
pub(in crate::rust) struct Symbol {
    name: &'static CStr,
    function: NonNull<c_void>,
}

impl Symbol {
    /// Looks the function up; never finds one if the module was told to do without. Process context.
    pub(in crate::rust) fn get(name: &'static CStr) -> Option<Self> {
        params::use_patches().then(|| Self::find(name)).flatten()
    }

    /// Looks the function up. Process context.
    pub(in crate::rust) fn find(name: &'static CStr) -> Option<Self> {
        // SAFETY: The name is a C string.
        let function = unsafe { bindings::__symbol_get(name.as_char_ptr()) };
        // INVARIANT: `__symbol_get` gives the exported function of that name, with a reference.
        NonNull::new(function).map(|function| Self { name, function })
    }

    /// The function.
    pub(in crate::rust) fn as_ptr(&self) -> *mut c_void {
        self.function.as_ptr()
    }
}

// SAFETY: A function is there for all threads.
unsafe impl Send for Symbol {}
// SAFETY: A function is there for all threads, and nothing is changed through it.
unsafe impl Sync for Symbol {}

impl Drop for Symbol {
    fn drop(&mut self) {
        // SAFETY: By the type invariants, we hold a reference.
        unsafe { bindings::__symbol_put(self.name.as_char_ptr()) };
    }
}
