// SPDX-License-Identifier: GPL-2.0

//! SIGINT and SIGTERM as something to ask for and to wait for, so that none is missed between a
//! look and the sleep that follows it. A signal that was ignored when the program was started stays
//! ignored: who did that (`nohup`, a shell's `trap '' INT`) meant it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::sys;

/// Whether the user wants the program to end.
#[derive(Debug)]
pub struct Interrupt {
    /// The signal that came last, or 0.
    signal: Arc<AtomicUsize>,
    pipe: UnixStream,
}

impl Interrupt {
    /// Catches SIGINT and SIGTERM from now on, those of them that are not ignored.
    pub fn catch() -> io::Result<Self> {
        let signal = Arc::new(AtomicUsize::new(0));
        let (pipe, write) = UnixStream::pair()?;
        for number in [SIGINT, SIGTERM] {
            if sys::is_ignored(number)? {
                continue;
            }
            let value = usize::try_from(number).unwrap_or_default();
            signal_hook::flag::register_usize(number, Arc::clone(&signal), value)?;
            signal_hook::low_level::pipe::register(number, write.try_clone()?)?;
        }
        Ok(Interrupt { signal, pipe })
    }

    /// The signal that has come, if one has. Costs next to nothing.
    pub fn has_come(&self) -> Option<i32> {
        // Relaxed: nothing else is passed on through the number.
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            number => i32::try_from(number).ok(),
        }
    }
}

impl AsFd for Interrupt {
    /// Readable when a signal has come.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}
