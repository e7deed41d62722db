// SPDX-License-Identifier: GPL-2.0

//! A job that runs when a process has exited.
//!
//! The exit of the last thread of a process wakes the wait queue of its `struct pid`, on which
//! poll(2) of a pidfd sleeps: it is the one place where a module can learn of an exit without a
//! tracepoint, and without looking again and again. The wake-up comes under the kernel's list of
//! tasks, so all that happens there is that the job is queued; the job looks whether it was the end.
//!
//! Used by `queue/` for the process that has to answer questions.
//!
//! C header: [`include/linux/pid.h`](srctree/include/linux/pid.h)

use super::pid::Process;
use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    sync::workqueue::{
        DelayedJob,
        Job, //
    },
};
use core::{
    marker::PhantomPinned,
    ops::Deref, //
};
use kernel::types::Opaque;

/// A job together with its process; dereferences to the job.
///
/// The job is queued whenever the process *may* have exited; [`Process::has_exited`] says whether it
/// has. If it has already when the hook is made, the job is queued at once.
///
/// Dropping it waits for the job: process context.
///
/// # Invariants
///
/// `entry` is on the wait queue of `process` and has [`Self::wake`] as its function.
#[pin_data(PinnedDrop)]
pub(crate) struct ExitHook<T: Job> {
    #[pin]
    job: DelayedJob<T>,
    process: Process,
    #[pin]
    entry: Opaque<bindings::wait_queue_entry>,
    #[pin]
    _pin: PhantomPinned,
}

// SAFETY: A thread that has the hook may have the job, which is `Send`.
unsafe impl<T: Job> Send for ExitHook<T> {}
// SAFETY: The entry is used under the lock of its wait queue, and the job is `Sync`.
unsafe impl<T: Job> Sync for ExitHook<T> {}

impl<T: Job> ExitHook<T> {
    /// Hooks `job` to the exit of `process`. The initialiser fails only if that of the job does.
    pub(crate) fn new(
        process: Process,
        job: impl PinInit<DelayedJob<T>, Error>,
    ) -> impl PinInit<Self, Error> {
        let head = Self::head(&process);
        let hook = try_pin_init!(Self {
            job <- job,
            process,
            // INVARIANT: As the C macro initialises it, and put on the queue at once. The fields
            // that the function uses are initialised: they come first.
            entry <- Opaque::ffi_init(move |slot: *mut bindings::wait_queue_entry| {
                let entry = bindings::wait_queue_entry {
                    func: Some(Self::wake),
                    ..pin_init::zeroed()
                };
                // SAFETY: `slot` is valid for writing.
                unsafe { slot.write(entry) };
                // SAFETY: The process keeps the head; `drop()` takes the entry off it.
                unsafe { bindings::add_wait_queue(head, slot) };
            }),
            _pin: PhantomPinned,
        }? Error);
        hook.pin_chain(|hook| {
            // It may have exited before it could be seen.
            if hook.process.has_exited() {
                hook.job.queue(0);
            }
            Ok(())
        })
    }

    /// The wait queue of a process, which is there as long as the process is held.
    fn head(process: &Process) -> *mut bindings::wait_queue_head {
        // SAFETY: By the type invariant of `Process`, the structure is valid.
        unsafe { &raw mut (*process.as_ptr()).wait_pidfd }
    }

    /// # Safety
    ///
    /// `entry` is that of an [`ExitHook<T>`].
    unsafe extern "C" fn wake(
        entry: *mut bindings::wait_queue_entry,
        _mode: c_uint,
        _flags: c_int,
        _key: *mut c_void,
    ) -> c_int {
        // SAFETY: It is the content of an `Opaque`, which has the same address, in a hook.
        let this = unsafe {
            kernel::container_of!(Opaque::cast_from(entry).cast_mut(), ExitHook<T>, entry)
        };
        // SAFETY: The entry is on the queue, so `drop()` has not gone further than taking it off,
        // for which it waits for the lock that the caller holds.
        unsafe { &*this }.job.queue(0);
        // No task was woken.
        0
    }
}

impl<T: Job> Deref for ExitHook<T> {
    type Target = DelayedJob<T>;

    fn deref(&self) -> &DelayedJob<T> {
        &self.job
    }
}

#[pinned_drop]
impl<T: Job> PinnedDrop for ExitHook<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants, the entry is on that queue. When this returns, the
        // function is not running and will not be called again.
        unsafe { bindings::remove_wait_queue(Self::head(&self.process), self.entry.get()) };
    }
}
