// SPDX-License-Identifier: GPL-2.0

//! The tracepoints of mounts, which patch 0008 adds.
//!
//! Both fire in process context with no spinlock held, some with `namespace_sem`: nothing here may look
//! at mounts.
//!
//! Used by `crate::source::mount`.

use super::{
    Origin,
    Probe, //
};
use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    fs::mount_ns::{
        Attributes,
        MountEvents, //
    },
};

/// A probe for `mnt_setattr`.
pub(crate) fn setattr<T: MountEvents>() -> Probe {
    let function: unsafe extern "C" fn(
        *mut c_void,
        *mut bindings::mnt_namespace,
        u64,
        u64,
        c_uint,
        c_uint,
        c_uint,
        c_uint,
        bool,
    ) = setattr_probe::<T>;
    // SAFETY: `TP_PROTO(struct mnt_namespace *ns, u64 mnt_id, u64 parent_id, unsigned int old_flags,
    // unsigned int new_flags, unsigned int below, unsigned int propagation, bool recursive)`; it may be
    // called anywhere.
    unsafe { Probe::new(c"mnt_setattr", function as *mut c_void, Origin::Patch) }
}

/// A probe for `mnt_expire`.
pub(crate) fn expire<T: MountEvents>() -> Probe {
    let function: unsafe extern "C" fn(*mut c_void, *mut bindings::mnt_namespace, u64, u64) =
        expire_probe::<T>;
    // SAFETY: `TP_PROTO(struct mnt_namespace *ns, u64 mnt_id, u64 parent_id)`; context as above.
    unsafe { Probe::new(c"mnt_expire", function as *mut c_void, Origin::Patch) }
}

/// # Safety
///
/// None; the type is that of a tracepoint's probes. Of the namespace only the address is used.
unsafe extern "C" fn setattr_probe<T: MountEvents>(
    _data: *mut c_void,
    ns: *mut bindings::mnt_namespace,
    mount: u64,
    parent: u64,
    old_flags: c_uint,
    new_flags: c_uint,
    below: c_uint,
    propagation: c_uint,
    recursive: bool,
) {
    let changed = old_flags ^ new_flags;
    // The flag that is told for the mount itself was changed for those below by the same request.
    let told = changed & bindings::MNT_READONLY;
    T::changed(&Attributes {
        ns: ns.addr() as u64,
        mount,
        parent,
        readonly: (changed & bindings::MNT_READONLY != 0)
            .then_some(new_flags & bindings::MNT_READONLY != 0),
        others: propagation != 0
            || changed & bindings::MNT_USER_SETTABLE_MASK & !bindings::MNT_READONLY != 0,
        below: below & bindings::MNT_USER_SETTABLE_MASK & !told != 0,
        recursive,
    });
}

/// # Safety
///
/// As above.
unsafe extern "C" fn expire_probe<T: MountEvents>(
    _data: *mut c_void,
    ns: *mut bindings::mnt_namespace,
    mount: u64,
    parent: u64,
) {
    T::expired(ns.addr() as u64, mount, parent);
}
