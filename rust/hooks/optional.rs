// SPDX-License-Identifier: GPL-2.0

//! Functions of the kernel that only a patched kernel exports (`tools/kernel/patches/`).
//!
//! They are looked up once, when the module is loaded, so that the same module works on both kinds
//! of kernel. Used by `crate::source`.

use crate::rust::{
    bindings,
    fs::path::FdPath,
    fsnotify::place::Place,
    params, //
};
use core::{
    mem::transmute,
    ptr::NonNull, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};

/// A function that the kernel may export.
///
/// # Invariants
///
/// `function` is the exported function of that name, and we hold a reference on its module.
struct Symbol {
    name: &'static CStr,
    function: NonNull<c_void>,
}

impl Symbol {
    /// Looks the function up; never finds one if the module was told to do without. Process context.
    fn get(name: &'static CStr) -> Option<Self> {
        if !params::use_patches() {
            return None;
        }
        // SAFETY: The name is a C string.
        let function = unsafe { bindings::__symbol_get(name.as_char_ptr()) };
        // INVARIANT: `__symbol_get` gives the exported function of that name, with a reference.
        NonNull::new(function).map(|function| Self { name, function })
    }

    fn as_ptr(&self) -> *mut c_void {
        self.function.as_ptr()
    }
}

// SAFETY: A function is there for all threads.
unsafe impl Send for Symbol {}
// SAFETY: As above.
unsafe impl Sync for Symbol {}

impl Drop for Symbol {
    fn drop(&mut self) {
        // SAFETY: By the type invariants, we hold a reference.
        unsafe { bindings::__symbol_put(self.name.as_char_ptr()) };
    }
}

/// `security_path_notify()`.
type PathNotify = unsafe extern "C" fn(*const bindings::path, u64, c_uint) -> c_int;

/// The hook by which an LSM decides whether a path may be watched, if the kernel exports it.
///
/// # Invariants
///
/// The symbol is `security_path_notify()`.
pub(crate) struct LsmPathNotify(Option<Symbol>);

impl LsmPathNotify {
    /// Looks the hook up. Process context.
    pub(crate) fn get() -> Self {
        // INVARIANT: By its name.
        Self(Symbol::get(c"security_path_notify"))
    }

    /// Whether LSM rules for watches apply.
    pub(crate) fn present(&self) -> bool {
        self.0.is_some()
    }

    /// Asks whether the current task may watch `place`, which was found through `path`, for the
    /// kernel's event bits `mask`. EACCES or what the LSM gives; `Ok` when the kernel does not let us
    /// ask. Process context: it is asked when a watch is set, without locks, and never when an event
    /// is posted (TRAPS: B22).
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

/// `mnt_ns_from_dentry()`.
type FromDentry = unsafe extern "C" fn(*mut bindings::dentry) -> *mut bindings::mnt_namespace;

/// The way from a descriptor of nsfs to its mount namespace, if the kernel exports it.
///
/// # Invariants
///
/// The symbol is `mnt_ns_from_dentry()`.
pub(crate) struct MntNsFromDentry(Symbol);

impl MntNsFromDentry {
    /// Looks the function up. Process context.
    pub(crate) fn get() -> Option<Self> {
        // INVARIANT: By its name.
        Symbol::get(c"mnt_ns_from_dentry").map(Self)
    }

    /// The mount namespace that `path` stands for, if it is one. It is valid as long as the path.
    pub(crate) fn of(&self, path: &FdPath) -> Option<NonNull<bindings::mnt_namespace>> {
        // SAFETY: By the type invariants, it has this prototype.
        let find = unsafe { transmute::<*mut c_void, FromDentry>(self.0.as_ptr()) };
        // SAFETY: The path keeps its dentry; the reference keeps the function.
        NonNull::new(unsafe { find(path.dentry()) })
    }
}

/// `fsnotify_prepare_user_wait()`.
type Prepare = unsafe extern "C" fn(*mut bindings::fsnotify_iter_info) -> bool;
/// `fsnotify_finish_user_wait()`.
type Finish = unsafe extern "C" fn(*mut bindings::fsnotify_iter_info);
/// `dentry_open_nonotify()`.
type Open = unsafe extern "C" fn(
    *const bindings::path,
    c_int,
    *const bindings::cred,
) -> *mut bindings::file;

/// What it takes to let a task wait for user space in the middle of an fsnotify event, and user
/// space look at what the task waits for.
///
/// # Invariants
///
/// The symbols are the functions of those names.
pub(crate) struct UserWaits {
    prepare: Symbol,
    finish: Symbol,
    open: Symbol,
}

impl UserWaits {
    /// Looks them up; `None` when one is missing, or when the kernel asks nobody for permission.
    /// Process context.
    pub(crate) fn get() -> Option<Self> {
        if !cfg!(CONFIG_FANOTIFY_ACCESS_PERMISSIONS) {
            return None;
        }
        // INVARIANT: By their names.
        Some(Self {
            prepare: Symbol::get(c"fsnotify_prepare_user_wait")?,
            finish: Symbol::get(c"fsnotify_finish_user_wait")?,
            open: Symbol::get(c"dentry_open_nonotify")?,
        })
    }

    /// # Safety
    ///
    /// As for the function.
    pub(in crate::rust) unsafe fn prepare(&self, iter: *mut bindings::fsnotify_iter_info) -> bool {
        // SAFETY: By the type invariants; the function has this prototype.
        let prepare = unsafe { transmute::<*mut c_void, Prepare>(self.prepare.as_ptr()) };
        // SAFETY: The caller promises it.
        unsafe { prepare(iter) }
    }

    /// # Safety
    ///
    /// As for the function.
    pub(in crate::rust) unsafe fn finish(&self, iter: *mut bindings::fsnotify_iter_info) {
        // SAFETY: By the type invariants; the function has this prototype.
        let finish = unsafe { transmute::<*mut c_void, Finish>(self.finish.as_ptr()) };
        // SAFETY: The caller promises it.
        unsafe { finish(iter) }
    }

    /// # Safety
    ///
    /// As for the function.
    pub(in crate::rust) unsafe fn open(
        &self,
        path: *const bindings::path,
        flags: c_int,
        cred: *const bindings::cred,
    ) -> *mut bindings::file {
        // SAFETY: By the type invariants; the function has this prototype.
        let open = unsafe { transmute::<*mut c_void, Open>(self.open.as_ptr()) };
        // SAFETY: The caller promises it.
        unsafe { open(path, flags, cred) }
    }
}
