// SPDX-License-Identifier: GPL-2.0

//! The tracepoints of keys, which patch 0003 adds.
//!
//! Both fire in process context. `key_notify` comes after a change, with the locks held that
//! serialise changes of the key, so nothing here may wait for them; `key_destroy` comes in the work
//! item that frees keys, without locks, when the key cannot be found any more.
//!
//! Used by `crate::source::key`.

use super::{
    Origin,
    Probe, //
};
use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    device::key::{
        Key,
        KeyEvents, //
    },
};

/// A probe for `key_notify`.
pub(crate) fn notify<T: KeyEvents>() -> Probe {
    let function: unsafe extern "C" fn(*mut c_void, *mut bindings::key, c_uint, u32) =
        notify_probe::<T>;
    // SAFETY: `TP_PROTO(struct key *key, unsigned int subtype, u32 aux)`; it may be called anywhere.
    unsafe { Probe::new(c"key_notify", function as *mut c_void, Origin::Patch) }
}

/// A probe for `key_destroy`.
pub(crate) fn destroy<T: KeyEvents>() -> Probe {
    let function: unsafe extern "C" fn(*mut c_void, *mut bindings::key) = destroy_probe::<T>;
    // SAFETY: `TP_PROTO(struct key *key)`; it may be called anywhere.
    unsafe { Probe::new(c"key_destroy", function as *mut c_void, Origin::Patch) }
}

/// # Safety
///
/// `key` is a key, as are those below.
unsafe extern "C" fn notify_probe<T: KeyEvents>(
    _data: *mut c_void,
    key: *mut bindings::key,
    subtype: c_uint,
    aux: u32,
) {
    // SAFETY: The tracepoint passes a key that its caller has a reference to.
    T::changed(unsafe { Key::from_ptr(key) }, subtype, aux);
}

/// # Safety
///
/// As above.
unsafe extern "C" fn destroy_probe<T: KeyEvents>(_data: *mut c_void, key: *mut bindings::key) {
    // SAFETY: The tracepoint passes a key that is still complete.
    T::destroyed(unsafe { Key::from_ptr(key) });
}
