// SPDX-License-Identifier: GPL-2.0

//! A value that lives from module init to module exit, in a static.
//!
//! Callbacks of the kernel have no place to carry a pointer to the module's state; a static needs
//! none and costs no load. The module owns a [`GlobalGuard`] for each; its drop ends the value.

use crate::rust::compat;
use crate::rust::prelude::*;
use core::{
    cell::UnsafeCell,
    mem::MaybeUninit, //
};

/// A static that is initialised by the module and gone when the module is.
///
/// # Invariants
///
/// The value is initialised from the return of [`Self::init`] until the drop of its guard.
pub(crate) struct Global<T>(UnsafeCell<MaybeUninit<T>>);

// SAFETY: Only shared references are handed out after the initialisation.
unsafe impl<T: Send + Sync> Sync for Global<T> {}

impl<T> Global<T> {
    /// An empty static.
    ///
    /// # Safety
    ///
    /// [`Self::init`] is called at most once, and [`Self::get`] only while its guard exists.
    pub(crate) const unsafe fn new() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// Initialises the value. Called once, from module init.
    pub(crate) fn init<E>(&'static self, init: impl PinInit<T, E>) -> Result<GlobalGuard<T>, E> {
        let slot = self.0.get().cast::<T>();
        // SAFETY: A static is pinned, and by the promise of `new` nothing else uses it yet.
        unsafe { compat::pinned_init(slot, init) }?;
        // INVARIANT: It is initialised.
        Ok(GlobalGuard(self))
    }

    /// The value. Any context.
    #[inline]
    pub(crate) fn get(&'static self) -> &'static T {
        // SAFETY: By the promise of `new`, a guard exists, so the value is initialised.
        unsafe { &*self.0.get().cast::<T>() }
    }
}

/// Keeps the value of a [`Global`].
pub(crate) struct GlobalGuard<T: 'static>(&'static Global<T>);

impl<T> Drop for GlobalGuard<T> {
    fn drop(&mut self) {
        // SAFETY: There is one guard, and by the promise of `Global::new` nothing uses the value
        // any more.
        unsafe { core::ptr::drop_in_place(self.0 .0.get().cast::<T>()) };
    }
}
