// SPDX-License-Identifier: GPL-2.0

//! Functions of `security/keys/` that change keys, for kernels without the tracepoints.
//!
//! Each `probe!` below names the function with its prototype in Linux 7.3, says what is kept from its
//! entry, and what its exit means. All run in process context. Three of them are told a number
//! instead of the key, which is looked up again; what is done to a special id (`KEY_SPEC_*`) is not
//! seen there. Creating a key cannot be told from updating it through add_key(2); but a key that
//! was just created has no watch. A link that key_move() makes comes before the end of the old one.
//!
//! Used by `crate::source::key`.

use super::{
    Arguments,
    Attached,
    FunctionProbe,
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
use core::marker::PhantomData;

/// Subtypes: `enum key_notification_subtype`.
mod subtype {
    pub(super) const INSTANTIATED: u32 = 0;
    pub(super) const UPDATED: u32 = 1;
    pub(super) const LINKED: u32 = 2;
    pub(super) const UNLINKED: u32 = 3;
    pub(super) const CLEARED: u32 = 4;
    pub(super) const REVOKED: u32 = 5;
    pub(super) const INVALIDATED: u32 = 6;
    pub(super) const SETATTR: u32 = 7;
}

/// Probes of all of them.
pub(crate) struct Probes([Arc<Probe>; 15]);

/// All of them, attached.
pub(crate) struct AttachedAll(#[expect(dead_code, reason = "dropped")] KVec<Attached>);

impl Probes {
    /// Finds all functions, or none. Process context, sleeps.
    pub(crate) fn find<T: KeyEvents>() -> Result<Self> {
        Ok(Self([
            // First: nothing may be seen of a key whose end is not.
            Probe::find::<Destroy<T>>()?,
            Probe::find::<Instantiate<T>>()?,
            Probe::find::<Reject<T>>()?,
            Probe::find::<Update<T>>()?,
            Probe::find::<CreateOrUpdate<T>>()?,
            Probe::find::<Link<T>>()?,
            Probe::find::<Unlink<T>>()?,
            Probe::find::<Move<T>>()?,
            Probe::find::<Clear<T>>()?,
            Probe::find::<Revoke<T>>()?,
            Probe::find::<Invalidate<T>>()?,
            Probe::find::<Chown<T>>()?,
            Probe::find::<SetPerm<T>>()?,
            Probe::find::<SetTimeout<T>>()?,
            Probe::find::<Restrict<T>>()?,
        ]))
    }

    /// Attaches to all of them, or to none. Process context, sleeps.
    pub(crate) fn attach(&self) -> Result<AttachedAll> {
        let mut all = KVec::with_capacity(self.0.len(), GFP_KERNEL)?;
        for probe in &self.0 {
            all.push(probe.attach()?, GFP_KERNEL)?;
        }
        Ok(AttachedAll(all))
    }
}

/// A key that the probed function has as an argument, and a number.
#[derive(Clone, Copy)]
struct Saved {
    key: *mut bindings::key,
    aux: u32,
}

// SAFETY: What is done with the pointer is argued for where it is used.
unsafe impl Send for Saved {}

impl Saved {
    /// Says that the key has changed.
    ///
    /// # Safety
    ///
    /// The key is valid.
    unsafe fn changed<T: KeyEvents>(self, subtype: u32) {
        // SAFETY: The caller promises it.
        T::changed(unsafe { Key::from_ptr(self.key) }, subtype, self.aux);
    }
}

fn is_zero(result: usize) -> bool {
    result as c_int == 0
}

/// The key behind a reference that may be tagged.
fn untag(reference: usize) -> *mut bindings::key {
    // SAFETY: It only clears a bit.
    unsafe { bindings::wqd_key_ref_to_ptr(reference) }
}

/// Defines the probe of one function. `enter` gets the arguments, `leave` what it returned and the
/// result; the function's prototype is the comment.
macro_rules! probe {
    ($(#[$doc:meta])* $name:ident, $function:literal, $saved:ty, $enter:expr, $leave:expr) => {
        $(#[$doc])*
        struct $name<T>(PhantomData<T>);

        // SAFETY: The function has the prototype that is written above.
        unsafe impl<T: KeyEvents> FunctionProbe for $name<T> {
            const FUNCTION: &'static CStr = $function;
            type Saved = $saved;

            fn enter(arguments: &Arguments) -> Option<$saved> {
                let enter: fn(&Arguments) -> Option<$saved> = $enter;
                enter(arguments)
            }

            fn leave(saved: $saved, result: usize) {
                let leave: fn($saved, usize) = $leave;
                leave(saved, result);
            }
        }
    };
}

/// The first argument, a key that the function's caller has a reference to.
fn first(arguments: &Arguments) -> Option<Saved> {
    Some(Saved {
        key: arguments.pointer(0),
        aux: 0,
    })
}

/// Two arguments: a keyring, and a key of which the serial number is kept.
fn pair(arguments: &Arguments, keyring: c_uint, key: c_uint) -> Saved {
    Saved {
        key: arguments.pointer(keyring),
        // SAFETY: The function's caller has a reference to the key.
        aux: unsafe { bindings::wqd_key_serial(arguments.pointer(key)) } as u32,
    }
}

/// The first argument, a serial number; special ones are not resolved.
fn id(arguments: &Arguments) -> Option<i32> {
    Some(arguments.get(0) as i32).filter(|id| *id > 0)
}

/// The attributes of the key with this serial number have changed, if `result` is 0.
fn set_attr<T: KeyEvents>(id: i32, result: usize) {
    if !is_zero(result) {
        return;
    }
    // SAFETY: Any number may be asked for; takes a spinlock only.
    let key = unsafe { bindings::wqd_key_lookup(id) };
    if key.is_null() {
        return;
    }
    // SAFETY: The look-up gave us a reference.
    unsafe { Saved { key, aux: 0 }.changed::<T>(subtype::SETATTR) };
    // SAFETY: It is ours. This does not sleep: what has to be freed is left to a work item.
    unsafe { bindings::wqd_key_put(key) };
}

probe!(
    /// `int key_instantiate_and_link(struct key *key, const void *data, size_t datalen,
    /// struct key *keyring, struct key *authkey)`
    Instantiate, c"key_instantiate_and_link", Saved, first, |saved, result| {
        if is_zero(result) {
            // SAFETY: The caller of the function has a reference.
            unsafe { saved.changed::<T>(subtype::INSTANTIATED) };
        }
    }
);

probe!(
    /// `int key_reject_and_link(struct key *key, unsigned timeout, unsigned error,
    /// struct key *keyring, struct key *authkey)`
    Reject, c"key_reject_and_link", Saved, |arguments| Some(Saved {
        key: arguments.pointer(0),
        aux: (arguments.get(2) as u32).wrapping_neg(),
    }), |saved, result| {
        if is_zero(result) {
            // SAFETY: The caller of the function has a reference.
            unsafe { saved.changed::<T>(subtype::INSTANTIATED) };
        }
    }
);

probe!(
    /// `int key_update(key_ref_t key_ref, const void *payload, size_t plen)`
    Update, c"key_update", Saved, |arguments| Some(Saved {
        key: untag(arguments.get(0)),
        aux: 0,
    }), |saved, result| {
        if is_zero(result) {
            // SAFETY: The caller of the function has a reference.
            unsafe { saved.changed::<T>(subtype::UPDATED) };
        }
    }
);

probe!(
    /// `key_ref_t key_create_or_update(key_ref_t keyring_ref, const char *type,
    /// const char *description, const void *payload, size_t plen, key_perm_t perm,
    /// unsigned long flags)`
    CreateOrUpdate, c"key_create_or_update", (), |_| Some(()), |(), result| {
        if (result as isize) < 0 && (result as isize) >= -4095 {
            return;
        }
        let saved = Saved { key: untag(result), aux: 0 };
        // SAFETY: The function returns a reference.
        unsafe { saved.changed::<T>(subtype::UPDATED) };
    }
);

probe!(
    /// `void __key_link(struct key *keyring, struct key *key, struct assoc_array_edit **_edit)`
    Link, c"__key_link", Saved, |arguments| Some(pair(arguments, 0, 1)), |saved, _| {
        // SAFETY: The caller of the function has a reference.
        unsafe { saved.changed::<T>(subtype::LINKED) };
    }
);

probe!(
    /// `int key_unlink(struct key *keyring, struct key *key)`
    Unlink, c"key_unlink", Saved, |arguments| Some(pair(arguments, 0, 1)), |saved, result| {
        if is_zero(result) {
            // SAFETY: The caller of the function has a reference.
            unsafe { saved.changed::<T>(subtype::UNLINKED) };
        }
    }
);

probe!(
    /// `int key_move(struct key *key, struct key *from_keyring, struct key *to_keyring,
    /// unsigned int flags)`
    Move, c"key_move", Saved, |arguments| {
        let elsewhere = arguments.get(1) != arguments.get(2);
        elsewhere.then(|| pair(arguments, 1, 0))
    }, |saved, result| {
        if is_zero(result) {
            // SAFETY: The caller of the function has a reference.
            unsafe { saved.changed::<T>(subtype::UNLINKED) };
        }
    }
);

probe!(
    /// `int keyring_clear(struct key *keyring)`
    Clear, c"keyring_clear", Saved, first, |saved, result| {
        if is_zero(result) {
            // SAFETY: The caller of the function has a reference.
            unsafe { saved.changed::<T>(subtype::CLEARED) };
        }
    }
);

probe!(
    /// `void key_revoke(struct key *key)`
    Revoke, c"key_revoke", Saved, |arguments| first(arguments).filter(|saved| {
        // SAFETY: The caller of the function has a reference.
        unsafe { !bindings::wqd_key_is_revoked(saved.key) }
    }), |saved, _| {
        // SAFETY: The caller of the probed function has a reference to the key, for longer than the
        // call.
        unsafe { saved.changed::<T>(subtype::REVOKED) };
    }
);

probe!(
    /// `void key_invalidate(struct key *key)`
    Invalidate, c"key_invalidate", Saved, |arguments| first(arguments).filter(|saved| {
        // SAFETY: The caller of the function has a reference.
        unsafe { !bindings::wqd_key_is_invalidated(saved.key) }
    }), |saved, _| {
        // SAFETY: The caller of the probed function has a reference to the key, for longer than the
        // call.
        unsafe { saved.changed::<T>(subtype::INVALIDATED) };
    }
);

probe!(
    /// `long keyctl_chown_key(key_serial_t id, uid_t user, gid_t group)`
    Chown, c"keyctl_chown_key", i32, id, set_attr::<T>
);

probe!(
    /// `long keyctl_setperm_key(key_serial_t id, key_perm_t perm)`
    SetPerm, c"keyctl_setperm_key", i32, id, set_attr::<T>
);

probe!(
    /// `long keyctl_set_timeout(key_serial_t id, unsigned timeout)`
    SetTimeout, c"keyctl_set_timeout", i32, id, set_attr::<T>
);

probe!(
    /// `int keyring_restrict(key_ref_t keyring_ref, const char *type, const char *restriction)`
    Restrict, c"keyring_restrict", Saved, |arguments| Some(Saved {
        key: untag(arguments.get(0)),
        aux: 0,
    }), |saved, result| {
        if is_zero(result) {
            // SAFETY: The caller of the function has a reference.
            unsafe { saved.changed::<T>(subtype::SETATTR) };
        }
    }
);

probe!(
    /// `void security_key_free(struct key *key)`, called for each key that is freed
    Destroy, c"security_key_free", (), |arguments| {
        // SAFETY: The key is complete but for its payload, and cannot be found any more.
        T::destroyed(unsafe { Key::from_ptr(arguments.pointer(0)) });
        None
    }, |(), _| {}
);
