// SPDX-License-Identifier: GPL-2.0

//! The tracepoints of superblocks and quotas, which patches 0005 and 0006 add.
//!
//! Both fire in process context: `sb_reconfigure` with `s_umount` held for writing, `quota_warning` in
//! the middle of an operation that needs space.
//!
//! Used by `crate::source::sb`.

use super::{
    Origin,
    Probe, //
};
use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    fs::superblock::{
        device,
        is_readonly,
        QuotaWarning,
        SuperEvents, //
    },
};

/// A probe for `sb_reconfigure`.
pub(crate) fn reconfigure<T: SuperEvents>() -> Probe {
    let function: unsafe extern "C" fn(*mut c_void, *mut bindings::super_block, c_ulong, c_ulong) =
        reconfigure_probe::<T>;
    // SAFETY: `TP_PROTO(struct super_block *sb, unsigned long old_flags, unsigned long new_flags)`; it
    // may be called anywhere.
    unsafe { Probe::new(c"sb_reconfigure", function as *mut c_void, Origin::Patch) }
}

/// A probe for `quota_warning`.
pub(crate) fn quota_warning<T: SuperEvents>() -> Probe {
    let function: unsafe extern "C" fn(*mut c_void, bindings::kqid, bindings::dev_t, c_int) =
        quota_probe::<T>;
    // SAFETY: `TP_PROTO(struct kqid qid, dev_t dev, int warntype)`; it may be called anywhere.
    unsafe { Probe::new(c"quota_warning", function as *mut c_void, Origin::Patch) }
}

/// # Safety
///
/// `sb` is a superblock.
unsafe extern "C" fn reconfigure_probe<T: SuperEvents>(
    _data: *mut c_void,
    sb: *mut bindings::super_block,
    old_flags: c_ulong,
    new_flags: c_ulong,
) {
    let readonly = is_readonly(new_flags);
    if readonly != is_readonly(old_flags) {
        // SAFETY: The caller promises it.
        T::reconfigured(unsafe { device(sb) }, readonly);
    }
}

/// # Safety
///
/// None; the type is that of a tracepoint's probes.
unsafe extern "C" fn quota_probe<T: SuperEvents>(
    _data: *mut c_void,
    quota: bindings::kqid,
    dev: bindings::dev_t,
    warning: c_int,
) {
    // SAFETY: Users, groups and projects all are one 32-bit number; inside the kernel it is that of
    // the initial namespace.
    let id = unsafe { quota.__bindgen_anon_1.uid.val };
    T::quota(&QuotaWarning::new(quota.type_, id, dev, warning));
}
