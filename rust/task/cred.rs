// SPDX-License-Identifier: GPL-2.0

//! Rights of two tasks: the opener of a file, and the task that uses it now.
//!
//! A descriptor can be inherited or passed on. So both must have the right that is asked for: a
//! task does not get the opener's rights with the descriptor, and the opener does not get those of
//! a privileged task that it made use the descriptor.
//!
//! Used by the sources when a watch is added, and by [`memlock`].
//!
//! [`memlock`]: crate::rust::mm::memlock
//!
//! C headers: [`include/linux/cred.h`](srctree/include/linux/cred.h),
//! [`include/linux/capability.h`](srctree/include/linux/capability.h)

use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    task::user_ns::UserNamespace, //
};
use kernel::{
    cred::Credential,
    fs::File,
    sync::aref::ARef,
    types::NotThreadSafe, //
};

/// A capability (`CAP_*`).
#[derive(Clone, Copy)]
pub(crate) struct Capability(c_int);

impl Capability {
    /// The administrator of a namespace.
    pub(crate) const SYS_ADMIN: Self = Self(bindings::CAP_SYS_ADMIN as c_int);
    /// May lock more memory than `RLIMIT_MEMLOCK`.
    pub(crate) const IPC_LOCK: Self = Self(bindings::CAP_IPC_LOCK as c_int);
}

/// Whether the opener of `file` had the capability `cap` in `ns` at the time of the open, *and* the
/// current task has it.
///
/// Process context. Marks the task as having used privilege, if it has the capability: ask only
/// when the answer decides.
pub(crate) fn capable_both(file: &File, ns: &UserNamespace, cap: Capability) -> bool {
    // SAFETY: The file and the namespace are valid.
    let opener = unsafe { bindings::file_ns_capable(file.as_ptr(), ns.as_ptr(), cap.0) };

    // SAFETY: The namespace is valid.
    opener && unsafe { bindings::ns_capable(ns.as_ptr(), cap.0) }
}

/// Whether the current task has the capability `cap` in `ns`. It leaves no trace in the audit log if
/// not: for a choice, where nothing is denied.
///
/// Process context.
pub(crate) fn capable_quietly(ns: &UserNamespace, cap: Capability) -> bool {
    // SAFETY: The namespace is valid.
    unsafe { bindings::ns_capable_noaudit(ns.as_ptr(), cap.0) }
}

/// Whether `check` is content with the current task *and*, asked again, with the credentials of the
/// opener of `file`: its first error. As for [`with_creds_of`].
pub(crate) fn check_both(file: &File, check: impl Fn() -> Result) -> Result {
    check()?;
    with_creds_of(file, check)
}

/// Runs `f` with the credentials of the opener of `file` instead of the task's own.
///
/// Process context. What `f` does must be short and only ask for permissions: whatever it creates
/// would belong to the opener.
pub(crate) fn with_creds_of<R>(file: &File, f: impl FnOnce() -> R) -> R {
    with_creds(file.cred(), f)
}

/// As [`with_creds_of`], with these credentials. Any context of a task.
pub(crate) fn with_creds<R>(cred: &Credential, f: impl FnOnce() -> R) -> R {
    let _overridden = Overridden::new(cred);

    f()
}

/// The credentials of the current task.
pub(crate) fn current() -> ARef<Credential> {
    // SAFETY: A task has credentials, which it does not change while it is here.
    let cred = unsafe { Credential::from_ptr(bindings::wqd_current_cred()) };

    cred.into()
}

/// While it exists, the current task has other credentials.
///
/// # Invariants
///
/// `old` are the credentials to go back to. The others outlive `'a`.
struct Overridden<'a> {
    old: *const bindings::cred,
    _new: &'a Credential,
    _not_send: NotThreadSafe,
}

impl<'a> Overridden<'a> {
    fn new(new: &'a Credential) -> Self {
        // INVARIANT: As returned.
        //
        // SAFETY: The credentials outlive this value, which ends their use.
        let old = unsafe { bindings::wqd_override_creds(new.as_ptr()) };

        Self {
            old,
            _new: new,
            _not_send: NotThreadSafe,
        }
    }
}

impl Drop for Overridden<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, and because this value cannot have left its task. The
        // task's reference to the old credentials was kept all the time; the pointer that is
        // returned is borrowed.
        unsafe { bindings::wqd_revert_creds(self.old) };
    }
}
