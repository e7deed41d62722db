// SPDX-License-Identifier: GPL-2.0

//! Probes on functions of the kernel that have no tracepoint: the fallback on an unpatched kernel.
//!
//! A function's arguments and its result are what the machine's calling convention says, so a
//! probe depends on names and prototypes that the kernel may change at any time. Therefore it has
//! to be asked for (module parameter `probes=1`), and each function has its decoding in a file
//! below this one, where the prototype that was read is written down. Only functions that other
//! files of the kernel call can be read like that: of a `static` one, compilers drop and change
//! arguments.
//!
//! What a probe calls runs in the middle of another function, with preemption off perhaps: it must
//! not sleep.
//!
//! C header: [`include/linux/fprobe.h`](srctree/include/linux/fprobe.h)

pub(crate) mod key;
pub(crate) mod superblock;

use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    params, //
};
use core::{
    mem::size_of,
    ptr, //
};
use kernel::{
    error::to_result,
    types::Opaque, //
};

/// Whether probes are allowed, and this kernel has them.
pub(crate) fn allowed() -> bool {
    // SAFETY: No requirements.
    params::probes() && unsafe { bindings::wqd_have_fprobe() }
}

/// The arguments of a function that was just entered.
#[repr(transparent)]
pub(crate) struct Arguments(Opaque<bindings::ftrace_regs>);

impl Arguments {
    /// The argument with this number, of the first six, if it is an integer or a pointer.
    pub(in crate::rust) fn get(&self, number: c_uint) -> usize {
        // SAFETY: The registers are valid for the call.
        unsafe { bindings::wqd_ftrace_regs_get_argument(self.0.get(), number) }
    }

    /// The same, as a pointer.
    pub(in crate::rust) fn pointer<T>(&self, number: c_uint) -> *mut T {
        ptr::with_exposed_provenance_mut(self.get(number))
    }
}

/// What is called for one function of the kernel.
///
/// # Safety
///
/// `FUNCTION` has the prototype that `enter` takes the arguments for.
pub(crate) unsafe trait FunctionProbe: 'static {
    /// Name of the function.
    const FUNCTION: &'static CStr;

    /// What the entry tells the exit; at most 16 bytes, and nothing that has to be dropped.
    type Saved: Copy + Send;

    /// The function was entered. `None`: its exit does not matter. Must not sleep.
    fn enter(arguments: &Arguments) -> Option<Self::Saved>;

    /// The function returns; `result` is what is in the register for results, which is undefined for
    /// a function without one. Must not sleep.
    fn leave(saved: Self::Saved, result: usize);
}

/// A probe of one function, attached or not.
///
/// A function that was entered remembers its probe by address, and asks when it returns whether a probe
/// with that address is attached. So there is one for each function, which stays where it is: what
/// returns late is told to the probe that saw it enter, or not at all.
///
/// # Invariants
///
/// The handlers are those for the `P` that it was made for. It is registered if `attached` is true, and
/// only the task that has set that unregisters it.
pub(crate) struct Probe {
    fprobe: Opaque<bindings::fprobe>,
    function: &'static CStr,
    attached: Atomic<bool>,
}

// SAFETY: What fprobe does with it has locks of its own; `attached` says which task may call it.
unsafe impl Send for Probe {}
// SAFETY: What fprobe does with it has locks of its own; `attached` says which task may call it.
unsafe impl Sync for Probe {}

impl Probe {
    /// Finds the function, which only a try to attach shows; `P` hears nothing of that. ENOENT, EINVAL:
    /// there is no such function or it cannot be probed; ENOMEM; EOPNOTSUPP without fprobes. Process
    /// context, sleeps; rewrites the function's first instruction.
    pub(crate) fn find<P: FunctionProbe>() -> Result<Arc<Self>> {
        const {
            assert!(size_of::<P::Saved>() <= 16);
            assert!(align_of::<P::Saved>() <= align_of::<c_long>());
        }
        let fprobe = |entry_handler| {
            Opaque::new(bindings::fprobe {
                entry_data_size: size_of::<P::Saved>(),
                entry_handler: Some(entry_handler),
                exit_handler: Some(left::<P>),
                ..pin_init::zeroed()
            })
        };
        // Its exit handler is never called: its entry handler says that exits do not matter.
        Self::make(fprobe(deaf), P::FUNCTION)?.attach()?;
        Self::make(fprobe(entered::<P>), P::FUNCTION)
    }

    fn make(fprobe: Opaque<bindings::fprobe>, function: &'static CStr) -> Result<Arc<Self>> {
        let probe = Self {
            fprobe,
            function,
            attached: Atomic::new(false),
        };
        Ok(Arc::new(probe, GFP_KERNEL)?)
    }

    /// Attaches it, until what this returns is dropped. EBUSY: it is. ENOMEM. Process context, sleeps.
    pub(crate) fn attach(self: &Arc<Self>) -> Result<Attached> {
        if self.attached.xchg(true, Full) {
            return Err(EBUSY);
        }
        let mut names = [self.function.as_char_ptr()];
        // SAFETY: The names are valid during the call. The probe stays where it is until it is
        // unregistered, and its handlers are those for the function.
        let error =
            unsafe { bindings::wqd_register_fprobe_syms(self.fprobe.get(), names.as_mut_ptr(), 1) };
        if error != 0 {
            self.attached.store(false, Release);
        }
        to_result(error)?;
        // INVARIANT: It is registered, and this call has set `attached`.
        Ok(Attached(self.clone()))
    }
}

/// A probe that is attached. Dropping it waits until none of its handlers runs: process context, sleeps.
/// A function that was entered before may still be running; its return is not told.
///
/// # Invariants
///
/// The probe is registered, by the maker of this value.
pub(crate) struct Attached(Arc<Probe>);

impl Drop for Attached {
    fn drop(&mut self) {
        // SAFETY: By the type invariants it is registered.
        unsafe { bindings::wqd_unregister_fprobe(self.0.fprobe.get()) };
        // INVARIANT: It is not any more.
        self.0.attached.store(false, Release);
    }
}

/// # Safety
///
/// To be called by fprobe, at the entry of a function. Hears nothing.
unsafe extern "C" fn deaf(
    _probe: *mut bindings::fprobe,
    _at: c_ulong,
    _from: c_ulong,
    _registers: *mut bindings::ftrace_regs,
    _saved: *mut c_void,
) -> c_int {
    1
}

/// # Safety
///
/// To be called by fprobe, at the entry of `P::FUNCTION`, with room for a `P::Saved`.
unsafe extern "C" fn entered<P: FunctionProbe>(
    _probe: *mut bindings::fprobe,
    _at: c_ulong,
    _from: c_ulong,
    registers: *mut bindings::ftrace_regs,
    saved: *mut c_void,
) -> c_int {
    // SAFETY: The registers are valid during the call; the types have the same layout.
    match P::enter(unsafe { &*registers.cast::<Arguments>() }) {
        Some(value) => {
            // SAFETY: There is room for it, aligned as a `long` is; `find` has compared.
            unsafe { saved.cast::<P::Saved>().write(value) };
            0
        }
        None => 1,
    }
}

/// # Safety
///
/// To be called by fprobe, at the exit of `P::FUNCTION`, with what [`entered`] wrote.
unsafe extern "C" fn left<P: FunctionProbe>(
    _probe: *mut bindings::fprobe,
    _at: c_ulong,
    _to: c_ulong,
    registers: *mut bindings::ftrace_regs,
    saved: *mut c_void,
) {
    // SAFETY: The exit is called only if the entry returned 0, and so has written.
    let saved = unsafe { saved.cast::<P::Saved>().read() };
    // SAFETY: The registers are valid during the call.
    let result = unsafe { bindings::wqd_ftrace_regs_get_return_value(registers) };
    P::leave(saved, result);
}
