// SPDX-License-Identifier: GPL-2.0

//! User namespaces, and their owners.
//!
//! Each but the initial one has a parent, and an owner: the user of the parent who made it. What is
//! counted for a user of a namespace has to be counted for its owner, too, and so on up to the
//! initial one: otherwise a user who makes a namespace with a range of user ids has a limit for
//! each.
//!
//! Used by [`cred`] for rights and by `queue/limits.rs` for limits.
//!
//! [`cred`]: super::cred
//!
//! C header: [`include/linux/user_namespace.h`](srctree/include/linux/user_namespace.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use kernel::{
    cred::Credential,
    page::PAGE_SHIFT,
    sync::aref::AlwaysRefCounted,
    task::Kuid,
    types::Opaque, //
};

/// A user namespace.
///
/// # Invariants
///
/// It is valid as long as there is a reference to it.
#[repr(transparent)]
pub(crate) struct UserNamespace(Opaque<bindings::user_namespace>);

// SAFETY: A user namespace has no ties to a thread.
unsafe impl Send for UserNamespace {}
// SAFETY: What is read of it does not change or is synchronised by the C side.
unsafe impl Sync for UserNamespace {}

impl UserNamespace {
    /// The initial one, of which every other is a descendant.
    pub(crate) fn init() -> &'static Self {
        // SAFETY: It exists for ever.
        unsafe { Self::from_ptr(&raw mut bindings::init_user_ns) }
    }

    /// # Safety
    ///
    /// `ptr` must stay valid during `'a`.
    pub(crate) unsafe fn from_ptr<'a>(ptr: *mut bindings::user_namespace) -> &'a Self {
        // SAFETY: The caller promises it; the types have the same layout.
        unsafe { &*ptr.cast() }
    }

    /// The one that `cred` belongs to: in which its user ids mean something.
    pub(crate) fn of(cred: &Credential) -> &Self {
        // SAFETY: The credentials are valid; the field does not change.
        let ns = unsafe { bindings::wqd_user_ns_of(cred.as_ptr()) };

        // SAFETY: Credentials keep their namespace.
        unsafe { Self::from_ptr(ns) }
    }

    /// The C structure.
    pub(crate) fn as_ptr(&self) -> *mut bindings::user_namespace {
        self.0.get()
    }

    /// Where it was made; `None` for the initial one.
    pub(crate) fn parent(&self) -> Option<&Self> {
        // SAFETY: By the type invariant; the field does not change.
        let parent = unsafe { bindings::wqd_user_ns_parent(self.as_ptr()) };

        // SAFETY: Null, or kept by its child.
        (!parent.is_null()).then(|| unsafe { Self::from_ptr(parent) })
    }

    /// The user of its parent who made it; root for the initial one.
    pub(crate) fn owner(&self) -> Kuid {
        // SAFETY: By the type invariant; the field does not change.
        Kuid::from_raw(unsafe { bindings::wqd_user_ns_owner(self.as_ptr()) })
    }

    /// `RLIMIT_MEMLOCK` of the owner when it was made, in pages: what all users of it may lock
    /// together.
    pub(crate) fn memlock_limit(&self) -> u64 {
        // SAFETY: By the type invariant.
        (unsafe { bindings::wqd_user_ns_memlock(self.as_ptr()) } >> PAGE_SHIFT) as u64
    }
}

// SAFETY: The C side counts the references, in any context.
unsafe impl AlwaysRefCounted for UserNamespace {
    fn inc_ref(&self) {
        // SAFETY: There is a reference, since `self` is one.
        unsafe { bindings::wqd_get_user_ns(self.as_ptr()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives its reference away.
        unsafe { bindings::wqd_put_user_ns(obj.cast().as_ptr()) };
    }
}
