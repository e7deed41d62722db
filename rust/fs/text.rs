// SPDX-License-Identifier: GPL-2.0

//! Names and paths, put together on the stack.
//!
//! A path is found from its end: the name first, then the directories that it is in. Nothing is
//! initialised that is not used. Used by [`super::dcache`] and by `crate::source::fs`.

use core::mem::MaybeUninit;

/// Bytes that are put together from the end to the beginning, at most `N`.
///
/// # Invariants
///
/// `bytes` is initialised from `start` on, and `start` is not above `N`.
pub(crate) struct Text<const N: usize> {
    bytes: [MaybeUninit<u8>; N],
    start: usize,
}

impl<const N: usize> Text<N> {
    /// No bytes.
    #[inline]
    pub(crate) fn new() -> Self {
        // INVARIANT: Nothing is from `start` on.
        Self {
            bytes: [const { MaybeUninit::uninit() }; N],
            start: N,
        }
    }

    /// The bytes.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        let bytes = self.bytes.get(self.start..).unwrap_or(&[]);
        // SAFETY: By the type invariants, these are initialised.
        unsafe { core::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) }
    }

    /// Whether there are none.
    pub(in crate::rust) fn is_empty(&self) -> bool {
        self.start == N
    }

    /// Puts `more` in front; false, and nothing done, if there is no room.
    #[inline]
    pub(crate) fn prepend(&mut self, more: &[u8]) -> bool {
        let Some(start) = self.start.checked_sub(more.len()) else {
            return false;
        };
        let Some(room) = self.bytes.get_mut(start..self.start) else {
            return false;
        };
        for (to, from) in room.iter_mut().zip(more) {
            to.write(*from);
        }
        // INVARIANT: The bytes before the old start were just written.
        self.start = start;
        true
    }
}
