// SPDX-License-Identifier: GPL-2.0

//! A path with references of its own.
//!
//! An event names the path that it is about, which is valid for the call. A task that has to find
//! it later holds it: while it is held its file system cannot be unmounted, so hold it no longer
//! than the event lasts. Used by `queue/` for what a question is about.
//!
//! C header: [`include/linux/path.h`](srctree/include/linux/path.h)

use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    hooks::symbol::Symbol, //
};
use core::mem::transmute;
use kernel::{
    error::from_err_ptr,
    fs::File,
    sync::aref::ARef, //
};

/// `dentry_open_nonotify()`.
type Open = unsafe extern "C" fn(
    *const bindings::path,
    c_int,
    *const bindings::cred,
) -> *mut bindings::file;

/// Opens files without any event, if the kernel exports how.
///
/// # Invariants
///
/// The symbol is `dentry_open_nonotify()`.
pub(crate) struct OpenSilently(Symbol);

impl OpenSilently {
    /// Looks the function up. Process context.
    pub(in crate::rust) fn get() -> Option<Self> {
        // INVARIANT: By its name.
        Symbol::get(c"dentry_open_nonotify").map(Self)
    }
}

/// A path, held. Dropping it may sleep if it is the last to hold it.
///
/// # Invariants
///
/// References to mount and dentry are ours.
pub(crate) struct HeldPath(bindings::path);

// SAFETY: Mounts and dentries may be used and put by any thread.
unsafe impl Send for HeldPath {}
// SAFETY: Nothing is changed through a shared path; mounts and dentries may be used by any thread.
unsafe impl Sync for HeldPath {}

impl HeldPath {
    /// Any context but hard interrupts.
    ///
    /// # Safety
    ///
    /// `path` is valid during the call.
    pub(in crate::rust) unsafe fn new(path: *const bindings::path) -> Self {
        // SAFETY: The caller promises it.
        unsafe { bindings::path_get(path) };
        // INVARIANT: The references were just taken.
        //
        // SAFETY: The caller promises a valid path, which is copied.
        Self(unsafe { path.read() })
    }

    /// Opens it for reading, without any event: not now, and not from what is done with the file.
    /// The current credentials are those of the file; the permissions of the inode are not looked
    /// at. What the file system and LSMs give. Process context, may sleep.
    pub(crate) fn open_silently(&self, how: &OpenSilently) -> Result<ARef<File>> {
        let flags = bindings::O_RDONLY | bindings::O_LARGEFILE;
        // SAFETY: By the type invariants, it has this prototype.
        let open = unsafe { transmute::<*mut c_void, Open>(how.0.as_ptr()) };
        // SAFETY: A task has credentials.
        let cred = unsafe { bindings::wqd_current_cred() };
        // SAFETY: By the type invariants; the task keeps its credentials.
        let file = from_err_ptr(unsafe { open(&raw const self.0, flags as c_int, cred) })?;
        let file = NonNull::new(file).ok_or(ENOENT)?;
        // SAFETY: The reference is ours, and nothing else has the file yet: it is in no table, so
        // no light reference to it exists.
        Ok(unsafe { ARef::from_raw(file.cast()) })
    }
}

impl Clone for HeldPath {
    /// Takes no lock but that of the dentry, and never sleeps.
    fn clone(&self) -> Self {
        // SAFETY: By the type invariants.
        unsafe { Self::new(&raw const self.0) }
    }
}

impl Drop for HeldPath {
    fn drop(&mut self) {
        // SAFETY: By the type invariants, the references are ours.
        unsafe { bindings::path_put(&raw const self.0) };
    }
}
