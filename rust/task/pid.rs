// SPDX-License-Identifier: GPL-2.0

//! The process that caused an event, as seen by the opener of a queue.
//!
//! Used by `queue/`: each queue keeps its opener's process and pid namespace.
//!
//! C header: [`include/linux/pid.h`](srctree/include/linux/pid.h)

use crate::rust::bindings;
use crate::rust::prelude::*;
use kernel::{
    pid_namespace::PidNamespace,
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

    /// The current process (thread group) as seen in this namespace; with `only`, if it is that one,
    /// which is not decided by the number, for a number may be used again.
    ///
    /// 0 if it is not that one, if it is not visible there, and in kernel threads, which act for no
    /// process; threads that the kernel runs for a process (io_uring) are that process.
    ///
    /// Process context, also under a raw lock. Nothing shared is written: a few dozen instructions.
    #[inline]
    pub(crate) fn tgid_in(&self, only: Option<&Process>) -> u32 {
        let only = only.map_or(core::ptr::null_mut(), Process::as_ptr);
        // SAFETY: The namespace is valid, because we have a reference to it; `only` is null or valid.
        let tgid = unsafe { bindings::wqd_current_tgid_in(self.0.as_ptr(), only) };

        // Never negative.
        tgid as u32
    }
}

/// A process (thread group), which may have exited. No other one is ever taken for it as long as this
/// value exists, though its number may be given to another one.
///
/// # Invariants
///
/// The `struct pid` is valid, and we have a reference to it.
pub(crate) struct Process(NonNull<bindings::pid>);

// SAFETY: A `struct pid` may be used and put by any thread.
unsafe impl Send for Process {}
// SAFETY: What changes in a `struct pid` is protected by locks of the C side.
unsafe impl Sync for Process {}

impl Process {
    /// That of the current task. `ESRCH` if it has none any more. Process context.
    pub(crate) fn current() -> Result<Self> {
        // INVARIANT: The helper returns a reference.
        //
        // SAFETY: No requirements.
        let pid = unsafe { bindings::wqd_get_current_tgid() };

        NonNull::new(pid).map(Self).ok_or(ESRCH)
    }

    /// Whether the current task belongs to it.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        // SAFETY: No requirements.
        core::ptr::eq(unsafe { bindings::wqd_current_tgid() }, self.as_ptr())
    }

    /// Whether its last thread has exited. Any context.
    pub(crate) fn has_exited(&self) -> bool {
        // SAFETY: By the type invariant.
        unsafe { bindings::wqd_thread_group_exited(self.as_ptr()) }
    }

    /// Its number, as the whole machine sees it. Any context.
    pub(crate) fn number(&self) -> i32 {
        // SAFETY: By the type invariant.
        unsafe { bindings::wqd_pid_nr(self.as_ptr()) }
    }

    /// The C structure.
    pub(in crate::rust) fn as_ptr(&self) -> *mut bindings::pid {
        self.0.as_ptr()
    }
}

impl Clone for Process {
    fn clone(&self) -> Self {
        // INVARIANT: The helper took one more reference.
        //
        // SAFETY: By the type invariant.
        unsafe { bindings::wqd_get_pid(self.as_ptr()) };
        Self(self.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SAFETY: By the type invariant, the reference is ours.
        unsafe { bindings::put_pid(self.as_ptr()) };
    }
}
