// SPDX-License-Identifier: GPL-2.0

//! Functions of the kernel that only a patched kernel exports (`tools/kernel/patches/`).
//!
//! They are looked up once, when the module is loaded, so that the same module works on both kinds
//! of kernel. Used by `crate::source`.

use super::{
    bindings,
    fsnotify_place::Place,
    params,
    path::FdPath, //
};
use core::mem::transmute;
use kernel::{
    error::to_result,
    prelude::*, //
};

/// `security_path_notify()`.
type PathNotify = unsafe extern "C" fn(*const bindings::path, u64, c_uint) -> c_int;

/// The hook by which an LSM decides whether a path may be watched, if the kernel exports it.
///
/// # Invariants
///
/// The function is `security_path_notify()`, and we hold a reference on its module.
pub(crate) struct LsmPathNotify(Option<PathNotify>);

impl LsmPathNotify {
    const NAME: &CStr = c"security_path_notify";

    /// Looks the hook up. Process context.
    pub(crate) fn get() -> Self {
        if !params::use_patches() {
            // INVARIANT: There is none.
            return Self(None);
        }
        // SAFETY: The name is a C string.
        let symbol = unsafe { bindings::__symbol_get(Self::NAME.as_char_ptr()) };
        // INVARIANT: `__symbol_get` gives the exported function of that name, with a reference.
        Self((!symbol.is_null()).then(|| {
            // SAFETY: An exported function of that name has this prototype.
            unsafe { transmute::<*mut c_void, PathNotify>(symbol) }
        }))
    }

    /// Whether LSM rules for watches apply.
    pub(crate) fn present(&self) -> bool {
        self.0.is_some()
    }

    /// Asks whether the current task may watch `place`, which is of `path`, for `mask`. EACCES or what the
    /// LSM gives; `Ok` when the kernel does not let us ask. Process context: it is asked when a watch
    /// is set, without locks, and never when an event is posted (TRAPS: B22).
    pub(crate) fn check(&self, path: &FdPath, mask: u64, place: Place<'_>) -> Result {
        let Some(ask) = self.0 else {
            return Ok(());
        };
        // SAFETY: The path is valid; the reference keeps the function.
        to_result(unsafe { ask(path.as_ptr(), mask, place.kind()) })
    }
}

impl Drop for LsmPathNotify {
    fn drop(&mut self) {
        if self.present() {
            // SAFETY: By the type invariants, we hold a reference.
            unsafe { bindings::__symbol_put(Self::NAME.as_char_ptr()) };
        }
    }
}
