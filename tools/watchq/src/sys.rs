// SPDX-License-Identifier: GPL-2.0

//! The system calls that no crate in use has a safe function for. The only `unsafe` of this program.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// Whether the program ignores a signal, which it may have been started with.
pub fn is_ignored(signal: i32) -> io::Result<bool> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: Without a new action the call changes nothing; it writes the old one, for which there is
    // room.
    if unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: The kernel has filled it in, and zeros would be valid as well.
    let action = unsafe { action.assume_init() };
    Ok(action.sa_sigaction == libc::SIG_IGN)
}
