// SPDX-License-Identifier: GPL-2.0

//! SIGINT, SIGTERM and SIGHUP as something to ask for and to wait for, so that none is missed between a
//! look and the sleep that follows it. A signal that was ignored when the program was started stays
//! ignored: that (`nohup`, a shell's `trap '' INT`) was meant.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::{register, register_usize};

use crate::sys;

/// Whether the user wants the program to end.
#[derive(Debug)]
pub struct Interrupt {
    /// The signal that came last, or 0.
    signal: Arc<AtomicUsize>,
    hangup: Arc<AtomicBool>,
    read: UnixStream,
    write: UnixStream,
}

impl Interrupt {
    /// Catches SIGINT and SIGTERM from now on, those of them that are not ignored.
    pub fn catch() -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        let interrupt = Interrupt {
            signal: Arc::default(),
            hangup: Arc::default(),
            read,
            write,
        };
        for number in [SIGINT, SIGTERM] {
            if !sys::is_ignored(number)? {
                let value = usize::try_from(number).unwrap_or_default();
                register_usize(number, Arc::clone(&interrupt.signal), value)?;
                interrupt.wake_on(number)?;
            }
        }
        Ok(interrupt)
    }

    /// Catches SIGHUP as well.
    pub fn with_hangup(self) -> io::Result<Self> {
        if !sys::is_ignored(SIGHUP)? {
            register(SIGHUP, Arc::clone(&self.hangup))?;
            self.wake_on(SIGHUP)?;
        }
        Ok(self)
    }

    /// Registered last, so that what it announces is there when it wakes.
    fn wake_on(&self, number: i32) -> io::Result<()> {
        signal_hook::low_level::pipe::register(number, self.write.try_clone()?)?;
        Ok(())
    }

    /// The signal that has come, if one has. Costs next to nothing.
    pub fn has_come(&self) -> Option<i32> {
        // Relaxed: nothing else is passed on through the number.
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            number => i32::try_from(number).ok(),
        }
    }

    /// Forgets the signal that has come, so that a second one is noticed.
    pub fn forget(&self) {
        self.signal.store(0, Ordering::Relaxed);
    }

    /// Whether SIGHUP has come since the last call. To be followed by [`Self::has_come`] before sleeping:
    /// what would have woken us is taken.
    pub fn take_hangup(&self) -> bool {
        if !self.hangup.load(Ordering::Relaxed) {
            return false;
        }
        // Nonblocking: it ends when there is nothing more.
        while (&self.read)
            .read(&mut [0; 64])
            .is_ok_and(|length| length != 0)
        {}
        self.hangup.swap(false, Ordering::Relaxed)
    }
}

impl AsFd for Interrupt {
    /// Readable when a signal has come.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }
}
