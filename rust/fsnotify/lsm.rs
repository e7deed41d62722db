// SPDX-License-Identifier: GPL-2.0

//! Rules of LSMs about which task may watch what (SELinux `watch`).
//!
//! fsnotify's own users ask when a mark is set; a module can only if the kernel exports the hook, as
//! patch 0002 makes it do. Used by `crate::source`.
//!
//! C header: [`include/linux/security.h`](srctree/include/linux/security.h)

use super::place::Place;
use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    fs::path::FdPath,
    hooks::symbol::Symbol, //
};
use core::mem::transmute;
use kernel::error::to_result;

/// `security_path_notify()`.
type PathNotify = unsafe extern "C" fn(*const bindings::path, u64, c_uint) -> c_int;

/// The hook by which an LSM decides whether a path may be watched, if the kernel exports it.
///
/// # Invariants
///
/// The symbol is `security_path_notify()`.
pub(crate) struct LsmPathNotify(Option<Symbol>);

impl LsmPathNotify {
    /// Looks the hook up, whatever the module was told: to do without would be to switch the rules off.
    /// Process context.
    pub(crate) fn get() -> Self {
        // INVARIANT: By its name.
        Self(Symbol::find(c"security_path_notify"))
    }

    /// Whether LSM rules for watches apply.
    pub(crate) fn present(&self) -> bool {
        self.0.is_some()
    }

    /// Asks whether the current task may watch `place`, which was found through `path`, for the
    /// kernel's event bits `mask`. EACCES or what the LSM gives; `Ok` when the kernel does not let us
    /// ask. Process context: it is asked when a watch is set, without locks, and never when an event
    /// is posted.
    pub(crate) fn check(&self, path: &FdPath, mask: u64, place: Place<'_>) -> Result {
        let Some(symbol) = &self.0 else {
            return Ok(());
        };
        // SAFETY: By the type invariants, it has this prototype.
        let ask = unsafe { transmute::<*mut c_void, PathNotify>(symbol.as_ptr()) };
        // SAFETY: The path is valid; the reference keeps the function.
        to_result(unsafe { ask(path.as_ptr(), mask, place.kind()) })
    }
}
