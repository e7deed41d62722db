// SPDX-License-Identifier: GPL-2.0

//! What happens to superblocks and is not told by fsnotify.
//!
//! [`crate::rust::hooks::tracepoint`] and [`crate::rust::hooks::fprobe`] call [`SuperEvents`], which `crate::source::sb`
//! implements. A superblock is named by its device number, as quota warnings do; one that is mounted
//! has it alone.

use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    fs::device_number::encode_device,
    task::user_ns::UserNamespace, //
};

/// Told of changes of superblocks. In process context, with locks of the file system held, and
/// perhaps with preemption off: nothing here may sleep.
pub(crate) trait SuperEvents: 'static {
    /// The superblock with this device, in the encoding of stat(2), has become read-only or writable.
    fn reconfigured(device: u32, readonly: bool);

    /// A limit was crossed.
    fn quota(warning: &QuotaWarning);
}

/// A limit of a quota was crossed, in one of the two directions.
pub(crate) struct QuotaWarning {
    /// Device of the file system, in the encoding of stat(2).
    pub(crate) device: u32,
    /// User, group or project: `USRQUOTA` and so on.
    pub(crate) kind: u32,
    /// Which one, as numbered in the initial user namespace.
    id: u32,
    /// Which limit: `QUOTA_NL_*`.
    pub(crate) warning: u32,
}

impl QuotaWarning {
    pub(in crate::rust) fn new(
        kind: u32,
        id: u32,
        device: bindings::dev_t,
        warning: c_int,
    ) -> Self {
        Self {
            device: encode_device(device),
            kind,
            id,
            warning: warning.unsigned_abs(),
        }
    }

    /// Which user, group or project, as numbered in `ns`; the overflow id if it has no number there. Any
    /// context.
    pub(crate) fn id_in(&self, ns: &UserNamespace) -> u32 {
        // SAFETY: The namespace is valid.
        unsafe { bindings::wqd_quota_id_in(ns.as_ptr(), self.kind, self.id) }
    }
}

/// Whether these flags of a superblock say that it is read-only.
pub(in crate::rust) fn is_readonly(flags: c_ulong) -> bool {
    flags & bindings::SB_RDONLY != 0
}

/// The device of a superblock.
///
/// # Safety
///
/// `sb` is a superblock.
pub(in crate::rust) unsafe fn device(sb: *const bindings::super_block) -> u32 {
    // SAFETY: The caller promises it; the number does not change.
    encode_device(unsafe { (*sb).s_dev })
}

#[kunit_tests(watch_queue_superblock)]
mod tests {
    use super::*;

    const OVERFLOW: u32 = 65534;

    #[test]
    fn ids_of_quotas_are_translated() {
        for kind in 0..3 {
            let known = QuotaWarning::new(kind, 1234, 0, 1);
            assert_eq!(known.id_in(UserNamespace::init()), 1234);
            // What no namespace numbers.
            let unknown = QuotaWarning::new(kind, u32::MAX, 0, 1);
            assert_eq!(unknown.id_in(UserNamespace::init()), OVERFLOW);
        }
    }
}
