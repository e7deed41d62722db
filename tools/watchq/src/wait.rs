// SPDX-License-Identifier: GPL-2.0

//! How the commands that read a ring sleep until there is something to do.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
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
    /// Nobody can read the output any more.
    ReaderGone,
}

/// Sleeps until there are records, a signal comes, the reader of `output` goes away, or the time is over.
pub fn wait(
    rings: &[&Ring],
    interrupt: &Interrupt,
    output: Option<BorrowedFd<'_>>,
    time: Option<Duration>,
) -> Result<Woken, Failure> {
    wait_more(rings, interrupt, &[], output, time)
}

/// The same, also until one of `others` can be read.
pub fn wait_more(
    rings: &[&Ring],
    interrupt: &Interrupt,
    others: &[BorrowedFd<'_>],
    output: Option<BorrowedFd<'_>>,
    time: Option<Duration>,
) -> Result<Woken, Failure> {
    let time = time.map(|time| Timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let rings = rings.iter().map(|ring| ring.as_fd());
    let inputs = rings.clone().chain([interrupt.as_fd()]);
    let inputs = inputs.chain(others.iter().copied());
    let mut fds: Vec<_> = inputs
        .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
        .collect();
    // Asked for nothing, poll() still tells that the other end of a pipe or socket is closed.
    fds.extend(output.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::empty())));
    match poll(&mut fds, time.as_ref()) {
        Ok(0) => return Ok(Woken::TimeOut),
        Ok(_) => {}
        // The loop looks at the interrupt, and comes back when it was another signal.
        Err(Errno::INTR) => return Ok(Woken::Ready),
        Err(error) => return Err(io::Error::from(error).into()),
    }
    let count = rings.len();
    let mut states = fds.iter().map(PollFd::revents);
    if states
        .by_ref()
        .take(count)
        .any(|state| state.contains(PollFlags::ERR))
    {
        return Err(Failure::new(
            "the kernel refuses to go on with the ring: it is corrupt",
        ));
    }
    // Behind the rings, the interrupt and the others.
    let gone = |state: PollFlags| state.intersects(PollFlags::ERR | PollFlags::HUP);
    Ok(
        match states.nth(others.len().saturating_add(1)).is_some_and(gone) {
            true => Woken::ReaderGone,
            false => Woken::Ready,
        },
    )
}
