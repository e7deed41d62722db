// SPDX-License-Identifier: GPL-2.0

//! SIGINT and SIGTERM as something to ask for and to wait for, so that none is missed between a
//! look and the sleep that follows it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use signal_hook::consts::{SIGINT, SIGTERM};

/// Whether the user wants the program to end.
#[derive(Debug)]
pub struct Interrupt {
    flag: Arc<AtomicBool>,
    pipe: UnixStream,
}

impl Interrupt {
    /// Catches SIGINT and SIGTERM from now on.
    pub fn catch() -> io::Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        let (pipe, write) = UnixStream::pair()?;
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
            signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
        }
        Ok(Interrupt { flag, pipe })
    }

    /// Whether a signal has come. Costs next to nothing.
    pub fn has_come(&self) -> bool {
        // Relaxed: nothing else is passed on through the flag.
        self.flag.load(Ordering::Relaxed)
    }
}

impl AsFd for Interrupt {
    /// Readable when a signal has come.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}
