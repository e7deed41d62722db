// SPDX-License-Identifier: GPL-2.0

//! Probes of our own on tracepoints of the kernel, found by name.
//!
//! Most tracepoints are not exported, and some exist in a patched kernel only; a search through all
//! of them finds what there is. What a tracepoint calls must have its prototype, to the letter,
//! because the call is checked under kCFI: each kind of tracepoint has a file below this one that
//! defines the function, decodes its arguments and calls a trait. So nothing of it is unsafe to the
//! layers above, where `crate::source` attaches probes while there are watches.
//!
//! A tracepoint without probes costs a jump that is patched out.
//!
//! C header: [`include/linux/tracepoint.h`](srctree/include/linux/tracepoint.h)

pub(crate) mod block;
pub(crate) mod key;
pub(crate) mod mount;
pub(crate) mod superblock;

use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    params, //
};
use kernel::error::to_result;

/// Where a tracepoint comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Every kernel has it.
    Mainline,
    /// One of `tools/kernel/patches/` adds it.
    Patch,
}

/// A function for a tracepoint, which may or may not exist.
///
/// # Invariants
///
/// `function` has the prototype of the kernel's tracepoint `name`, preceded by a `void *`, and may
/// be called wherever that fires. It lives as long as the module.
pub(crate) struct Probe {
    name: &'static CStr,
    function: *mut c_void,
    origin: Origin,
}

impl Probe {
    /// # Safety
    ///
    /// `function` has the prototype of the kernel's tracepoint `name`, preceded by a `void *`, and
    /// may be called wherever that fires.
    unsafe fn new(name: &'static CStr, function: *mut c_void, origin: Origin) -> Self {
        // INVARIANT: The caller promises it.
        Self {
            name,
            function,
            origin,
        }
    }

    /// Looks for the tracepoint. A search through some thousand names: for module init. With
    /// `use_patches=0`, what a patch adds is not there. Process context.
    pub(crate) fn find(self) -> Option<Tracepoint> {
        if self.origin == Origin::Patch && !params::use_patches() {
            return None;
        }
        let mut search = Search {
            name: self.name,
            found: None,
        };
        // SAFETY: `found` wants a `Search`, and gets it for the length of the call.
        unsafe {
            bindings::wqd_kernel_tracepoints(
                Some(Search::found),
                (&raw mut search).cast::<c_void>(),
            )
        };
        // INVARIANT: It has the name that the function was made for.
        search.found.map(|raw| Tracepoint { raw, probe: self })
    }
}

struct Search {
    name: &'static CStr,
    found: Option<NonNull<bindings::tracepoint>>,
}

impl Search {
    /// # Safety
    ///
    /// `tp` is a tracepoint, `search` is a [`Search`].
    unsafe extern "C" fn found(tp: *mut bindings::tracepoint, search: *mut c_void) {
        // SAFETY: The caller promises it.
        let search = unsafe { &mut *search.cast::<Self>() };
        // SAFETY: A tracepoint has a name, which never changes.
        let name = unsafe { CStr::from_char_ptr((*tp).name) };
        if name == search.name {
            search.found = NonNull::new(tp);
        }
    }
}

/// A tracepoint of the kernel and a function for it.
///
/// # Invariants
///
/// `raw` is a tracepoint of the kernel itself, which lives for ever, and the one that `probe` was
/// made for.
pub(crate) struct Tracepoint {
    raw: NonNull<bindings::tracepoint>,
    probe: Probe,
}

// SAFETY: A tracepoint may be used by any thread; the other pointer is a function.
unsafe impl Send for Tracepoint {}
// SAFETY: A tracepoint may be used by any thread; the other pointer is a function.
unsafe impl Sync for Tracepoint {}

impl Tracepoint {
    /// From now on the function is called, until what this returns is dropped. EEXIST while it is
    /// attached; ENOMEM. Process context, takes locks of the kernel that are held over allocations.
    pub(crate) fn attach(&self) -> Result<Attached> {
        let (raw, function) = (self.raw, self.probe.function);
        // SAFETY: By the type invariants, the function fits, and so does that of `Probe`.
        to_result(unsafe { bindings::wqd_tracepoint_probe_register(raw.as_ptr(), function) })?;
        // INVARIANT: It is attached.
        Ok(Attached { raw, function })
    }

    /// As [`Tracepoint::attach`], if this kernel has the tracepoint.
    pub(crate) fn attach_if_there(this: &Option<Self>) -> Result<Option<Attached>> {
        this.as_ref().map(Self::attach).transpose()
    }
}

/// A function that is attached to a tracepoint. Dropping it waits until no CPU is in the function:
/// process context, sleeps for some grace periods.
///
/// # Invariants
///
/// `raw` is a tracepoint of the kernel itself; `function` is attached to it.
pub(crate) struct Attached {
    raw: NonNull<bindings::tracepoint>,
    function: *mut c_void,
}

// SAFETY: A tracepoint may be used by any thread, and `function` is a function.
unsafe impl Send for Attached {}

impl Drop for Attached {
    fn drop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { bindings::wqd_tracepoint_probe_unregister(self.raw.as_ptr(), self.function) };
    }
}
