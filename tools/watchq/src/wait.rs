// SPDX-License-Identifier: GPL-2.0

//! How the commands that read a ring sleep until there is something to do.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use watch_queue::Ring;

use crate::failure::Failure;
use crate::signals::Interrupt;

/// What made a loop wake up.
pub enum Woken {
    /// There may be something to do.
    Ready,
    /// The time is over.
    TimeOut,
}

/// Sleeps until there are records, a signal comes, or the time is over.
pub fn wait(ring: &Ring, interrupt: &Interrupt, time: Option<Duration>) -> Result<Woken, Failure> {
    let time = time.map(|time| Timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let mut fds = [
        PollFd::from_borrowed_fd(ring.as_fd(), PollFlags::IN),
        PollFd::from_borrowed_fd(interrupt.as_fd(), PollFlags::IN),
    ];
    match poll(&mut fds, time.as_ref()) {
        Ok(0) => return Ok(Woken::TimeOut),
        Ok(_) => {}
        // The loop looks at the interrupt, and comes back when it was another signal.
        Err(Errno::INTR) => return Ok(Woken::Ready),
        Err(error) => return Err(io::Error::from(error).into()),
    }
    if fds[0].revents().contains(PollFlags::ERR) {
        return Err(Failure::new(
            "the kernel refuses to go on with the ring: it is corrupt",
        ));
    }
    Ok(Woken::Ready)
}
