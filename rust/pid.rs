// SPDX-License-Identifier: GPL-2.0

//! Who caused an event, as seen by who watches.
//!
//! Used by `queue/`: each queue keeps the pid namespace of its opener.
//!
//! C header: [`include/linux/pid.h`](srctree/include/linux/pid.h)

use super::bindings;
use kernel::{
    pid_namespace::PidNamespace,
    prelude::*,
    sync::aref::ARef, //
};

/// A pid namespace.
#[derive(Clone)]
pub(crate) struct PidNs(ARef<PidNamespace>);

impl PidNs {
    /// That of the current task: the one in which it sees itself and its children. `ESRCH` if it is
    /// exiting and has none any more.
    ///
    /// Process context.
    pub(crate) fn of_current() -> Result<Self> {
        Ok(Self(
            current!().active_pid_ns().map(ARef::from).ok_or(ESRCH)?,
        ))
    }

    /// The current process (thread group) as seen in this namespace.
    ///
    /// 0 if it is not visible there, in interrupts, and in kernel threads, which act for nobody in
    /// particular; threads that the kernel runs for a process (io_uring) are that process.
    ///
    /// Any context. No locks, nothing shared is written: a few dozen instructions.
    #[inline]
    pub(crate) fn tgid_in(&self) -> u32 {
        // SAFETY: The namespace is valid, because we have a reference to it.
        let tgid = unsafe { bindings::wqd_current_tgid_in(self.0.as_ptr()) };

        // Never negative.
        tgid as u32
    }
}
