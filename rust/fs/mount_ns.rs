// SPDX-License-Identifier: GPL-2.0

//! Mount namespaces: the current task's own, or that of a descriptor of nsfs.
//!
//! `struct mnt_namespace` is private to the VFS. Its address is the object of an fsnotify mark, and
//! what a tracepoint passes; nothing else is done with it here. Used by `crate::source::mount`.
//!
//! C headers: [`include/linux/mnt_namespace.h`](srctree/include/linux/mnt_namespace.h),
//! [`include/linux/proc_ns.h`](srctree/include/linux/proc_ns.h)

use super::path::FdPath;
use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    hooks::symbol::Symbol,
    task::user_ns::UserNamespace, //
};
use core::mem::transmute;
use kernel::types::NotThreadSafe;

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
    fn of(&self, path: &FdPath) -> Option<NonNull<bindings::mnt_namespace>> {
        // SAFETY: By the type invariants, it has this prototype.
        let find = unsafe { transmute::<*mut c_void, FromDentry>(self.0.as_ptr()) };
        // SAFETY: The path keeps its dentry; the reference keeps the function.
        NonNull::new(unsafe { find(path.dentry()) })
    }
}

/// A mount namespace.
///
/// # Invariants
///
/// `ns` is a mount namespace and `common` the part of it that is common to all namespaces. Both are
/// valid as long as this value: the file keeps them, or they are those of the current task, which
/// this value does not leave and which is inside a system call.
pub(crate) struct MountNs {
    ns: NonNull<bindings::mnt_namespace>,
    common: NonNull<bindings::ns_common>,
    file: Option<FdPath>,
    _task: NotThreadSafe,
}

impl MountNs {
    /// That of the current task, which is a process in a system call. EOPNOTSUPP when the kernel was
    /// built so that its owner cannot be found.
    pub(crate) fn own() -> Result<Self> {
        // SAFETY: A task that makes system calls has its namespaces.
        let ns = NonNull::new(unsafe { bindings::wqd_current_mnt_ns() }).ok_or(ESRCH)?;
        // SAFETY: It is a mount namespace.
        let common = NonNull::new(unsafe { bindings::wqd_mnt_ns_common(ns.as_ptr()) });
        // INVARIANT: Only the task itself changes its namespaces, and it is here.
        let this = Self {
            ns,
            common: common.ok_or(EOPNOTSUPP)?,
            file: None,
            _task: NotThreadSafe,
        };
        // SAFETY: By the type invariants.
        if !unsafe { bindings::wqd_is_mnt_ns(this.common.as_ptr()) } {
            return Err(EOPNOTSUPP);
        }
        Ok(this)
    }

    /// That of a descriptor of `/proc/PID/ns/mnt`. EBADF; EINVAL for any other kind of descriptor.
    pub(crate) fn from_fd(fd: i32, look_up: &MntNsFromDentry) -> Result<Self> {
        let path = FdPath::from_fd(fd)?;
        let ns = look_up.of(&path).ok_or(EINVAL)?;
        // SAFETY: The path is valid, and it was just found to be of nsfs.
        let common = unsafe { bindings::wqd_nsfs_common(path.dentry()) };
        // INVARIANT: The file keeps the namespace.
        Ok(Self {
            ns,
            common: NonNull::new(common).ok_or(EINVAL)?,
            file: Some(path),
            _task: NotThreadSafe,
        })
    }

    /// Its address, by which hooks name it.
    pub(crate) fn address(&self) -> u64 {
        self.ns.as_ptr().addr() as u64
    }

    /// Where the namespace is; valid as long as `self`.
    pub(crate) fn as_ptr(&self) -> *mut bindings::mnt_namespace {
        self.ns.as_ptr()
    }

    /// The path of the descriptor that it was found by, if there was one.
    pub(crate) fn path(&self) -> Option<&FdPath> {
        self.file.as_ref()
    }

    /// The user namespace that owns it: its administrator has all rights over it.
    pub(crate) fn owner(&self) -> &UserNamespace {
        // SAFETY: By the type invariants.
        let owner = unsafe { bindings::wqd_ns_owner(self.common.as_ptr()) };
        // SAFETY: A mount namespace keeps its owner.
        unsafe { UserNamespace::from_ptr(owner) }
    }
}

/// Told of changes of mounts that fsnotify does not tell. In process context, with no spinlock held.
pub(crate) trait MountEvents: 'static {
    /// Attributes of a mount have changed.
    fn changed(attributes: &Attributes);

    /// A mount of the namespace at address `ns` goes because it was not used.
    fn expired(ns: u64, mount: u64, parent: u64);
}

/// A change of attributes.
pub(crate) struct Attributes {
    /// Address of the namespace; 0 if the mount is in an anonymous one.
    pub(crate) ns: u64,
    /// Unique id of the mount.
    pub(crate) mount: u64,
    /// Unique id of the mount that it is on; 0 if on none.
    pub(crate) parent: u64,
    /// Whether it has become read-only, or writable.
    pub(crate) readonly: Option<bool>,
    /// Other attributes, or how mounts propagate, have changed.
    pub(crate) others: bool,
    /// Attributes of mounts below it have changed that `readonly` does not tell.
    pub(crate) below: bool,
    /// The same was asked for all mounts below it.
    pub(crate) recursive: bool,
}
