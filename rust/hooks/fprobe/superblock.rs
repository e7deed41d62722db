// SPDX-License-Identifier: GPL-2.0

//! Functions that change superblocks or warn of quotas, for kernels without the tracepoints.
//!
//! Both run in process context. Used by `crate::source::sb`.

use super::{
    Arguments,
    FunctionProbe,
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
use core::marker::PhantomData;

/// Finds `reconfigure_super()`. Process context, sleeps.
pub(crate) fn reconfigure<T: SuperEvents>() -> Result<Arc<Probe>> {
    Probe::find::<Reconfigure<T>>()
}

/// Finds `quota_send_warning()`. Process context, sleeps.
pub(crate) fn quota_warning<T: SuperEvents>() -> Result<Arc<Probe>> {
    Probe::find::<Warn<T>>()
}

/// A superblock that is being reconfigured, and whether it was read-only.
#[derive(Clone, Copy)]
struct Before {
    sb: *mut bindings::super_block,
    readonly: bool,
}

// SAFETY: What is done with the pointer is argued for where it is used.
unsafe impl Send for Before {}

impl Before {
    fn readonly_now(&self) -> bool {
        // SAFETY: The function's caller keeps the superblock, and holds `s_umount`, under which
        // the flag changes.
        is_readonly(unsafe { (*self.sb).s_flags })
    }
}

/// `int reconfigure_super(struct fs_context *fc)`.
struct Reconfigure<T>(PhantomData<T>);

// SAFETY: The function has the prototype that is written above.
unsafe impl<T: SuperEvents> FunctionProbe for Reconfigure<T> {
    const FUNCTION: &'static CStr = c"reconfigure_super";
    type Saved = Before;

    fn enter(arguments: &Arguments) -> Option<Before> {
        let context = arguments.pointer::<bindings::fs_context>(0);
        // SAFETY: The context is for a reconfiguration, so it has a root.
        let sb = unsafe { bindings::wqd_fs_context_sb(context) };
        let mut before = Before {
            sb,
            readonly: false,
        };
        before.readonly = before.readonly_now();
        Some(before)
    }

    fn leave(before: Before, result: usize) {
        let readonly = before.readonly_now();
        if result as c_int == 0 && readonly != before.readonly {
            // SAFETY: The function's caller keeps the superblock.
            T::reconfigured(unsafe { device(before.sb) }, readonly);
        }
    }
}

/// `void quota_send_warning(struct kqid qid, dev_t dev, const char warntype)`.
///
/// The first is a number and a type of 32 bits each, which are passed like one number of 64.
struct Warn<T>(PhantomData<T>);

// SAFETY: The function has the prototype that is written above.
unsafe impl<T: SuperEvents> FunctionProbe for Warn<T> {
    const FUNCTION: &'static CStr = c"quota_send_warning";
    type Saved = ();

    fn enter(arguments: &Arguments) -> Option<()> {
        let [a, b, c, d, e, f, g, h] = (arguments.get(0) as u64).to_ne_bytes();
        let id = u32::from_ne_bytes([a, b, c, d]);
        let kind = u32::from_ne_bytes([e, f, g, h]);
        let dev = arguments.get(1) as bindings::dev_t;
        let warning = arguments.get(2) as u8;
        T::quota(&QuotaWarning::new(kind, id, dev, warning.into()));
        None
    }

    fn leave((): (), _result: usize) {}
}
