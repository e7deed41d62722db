// SPDX-License-Identifier: GPL-2.0

//! Keys and keyrings of the kernel: look-up with the right to view, and what happens to them.
//!
//! Used by `crate::source::key`. What calls [`KeyEvents`] is in [`crate::rust::hooks::tracepoint::key`] and
//! [`crate::rust::hooks::fprobe::key`].
//!
//! C header: [`include/linux/key.h`](srctree/include/linux/key.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use core::{
    ops::Deref,
    ptr::{self}, //
};
use kernel::{
    error::from_err_ptr,
    types::Opaque, //
};

/// Hears of keys. Process context, with locks of the key held; must not sleep.
pub(crate) trait KeyEvents: 'static {
    /// A key has changed. `subtype` and `aux` as in `struct key_notification`.
    fn changed(key: &Key, subtype: u32, aux: u32);

    /// A key is about to be freed. It cannot be found any more, and nothing else comes for it.
    fn destroyed(key: &Key);
}

/// A key or keyring.
///
/// # Invariants
///
/// It is valid as long as there is a reference to it.
#[repr(transparent)]
pub(crate) struct Key(Opaque<bindings::key>);

impl Key {
    /// # Safety
    ///
    /// `key` stays valid during `'a`.
    pub(in crate::rust) unsafe fn from_ptr<'a>(key: *mut bindings::key) -> &'a Self {
        // SAFETY: The caller promises it; the types have the same layout.
        unsafe { &*key.cast() }
    }

    /// Its serial number.
    pub(crate) fn serial(&self) -> i32 {
        // SAFETY: By the type invariants it is valid; the number does not change.
        unsafe { bindings::wqd_key_serial(self.0.get()) }
    }

    /// What tells it from all other keys that exist at the same time.
    pub(crate) fn address(&self) -> u64 {
        ptr::from_ref(self).addr() as u64
    }
}

/// A counted reference to a key.
///
/// # Invariants
///
/// The key is valid and one of its references belongs to this value.
pub(crate) struct KeyRef(NonNull<bindings::key>);

impl KeyRef {
    /// The key with this serial number, or one of the special ones (negative numbers) of the current
    /// task, if its credentials allow to view it. It may be one that is being instantiated; no
    /// keyring is created that the task does not have yet.
    ///
    /// ENOKEY, EKEYEXPIRED, EKEYREVOKED, EACCES, EINVAL. EOPNOTSUPP on a kernel without keys.
    /// Process context, may sleep.
    pub(crate) fn lookup_for_view(id: i32) -> Result<Self> {
        // SAFETY: No requirements.
        let key = from_err_ptr(unsafe { bindings::wqd_lookup_key_for_view(id) })?;
        // INVARIANT: The reference that was returned is ours.
        NonNull::new(key).map(Self).ok_or(ENOKEY)
    }
}

impl Deref for KeyRef {
    type Target = Key;

    fn deref(&self) -> &Key {
        // SAFETY: By the type invariants.
        unsafe { Key::from_ptr(self.0.as_ptr()) }
    }
}

impl Drop for KeyRef {
    fn drop(&mut self) {
        // SAFETY: By the type invariants, the reference is ours.
        unsafe { bindings::wqd_key_put(self.0.as_ptr()) };
    }
}
