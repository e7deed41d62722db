// SPDX-License-Identifier: GPL-2.0

//! USB devices and buses that come and go, and what happens to them, by usbcore's notifier chain.
//!
//! usbcore may be a module, and this module must not force it to be loaded. So its functions are
//! looked up by name while there is a watch, or when usbcore is loaded later, which the notifier of
//! modules tells. Once they were found, references keep usbcore until there is no watch any more.
//!
//! Used by `crate::source::usb`.
//!
//! C headers: [`include/linux/usb.h`](srctree/include/linux/usb.h),
//! [`include/linux/notifier.h`](srctree/include/linux/notifier.h)

use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    params, //
};
use core::{
    marker::{
        PhantomData,
        PhantomPinned, //
    },
    mem::transmute, //
};
use kernel::{
    error::to_result,
    new_mutex,
    sync::Mutex,
    types::Opaque, //
};

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    DeviceAdd,
    DeviceRemove,
    BusAdd,
    BusRemove,
    /// Only on a patched kernel, as is the next.
    DeviceReset,
    /// With an error number, which is positive.
    DeviceError(u32),
}

/// Hears of USB. Process context, with the lock of the device held; may sleep.
pub(crate) trait UsbEvents: 'static {
    /// Something happened to the device or bus of this name.
    fn happened(action: Action, name: &[u8]);
}

/// Whether this kernel can have USB at all.
pub(crate) fn possible() -> bool {
    // SAFETY: No requirements.
    unsafe { bindings::wqd_have_usb() }
}

/// Whether resets and errors are told.
pub(crate) fn tells_errors() -> bool {
    bindings::WQD_USB_DEVICE_RESET != 0 && params::use_patches()
}

/// `usb_register_notify()` and `usb_unregister_notify()`.
type Notify = unsafe extern "C" fn(*mut bindings::notifier_block);

/// A function of usbcore, with a reference on the module.
///
/// # Invariants
///
/// The function is usbcore's exported function `name`, and a reference keeps its module.
struct Function {
    name: &'static CStr,
    call: Notify,
}

impl Function {
    /// # Safety
    ///
    /// An exported function of that name has the prototype of [`Notify`].
    unsafe fn get(name: &'static CStr) -> Option<Self> {
        // SAFETY: The name is a C string.
        let symbol = unsafe { bindings::__symbol_get(name.as_char_ptr()) };
        if symbol.is_null() {
            return None;
        }
        // SAFETY: The caller promises it.
        let call = unsafe { transmute::<*mut c_void, Notify>(symbol) };
        // INVARIANT: `__symbol_get` gives the function of that name, with a reference.
        Some(Self { name, call })
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // SAFETY: By the type invariants, we hold a reference.
        unsafe { bindings::__symbol_put(self.name.as_char_ptr()) };
    }
}

/// An entry in usbcore's chain. Dropping it waits for events that are under way: process context.
///
/// # Invariants
///
/// `block` is in the chain.
struct Registered {
    block: KBox<Opaque<bindings::notifier_block>>,
    unregister: Function,
    _register: Function,
}

// SAFETY: An entry has no ties to the thread that made it.
unsafe impl Send for Registered {}

impl Registered {
    /// `None` when there is no usbcore. ENOMEM. Process context.
    fn new<T: UsbEvents>() -> Result<Option<Self>> {
        // SAFETY: `void usb_register_notify(struct notifier_block *nb)`.
        let register = unsafe { Function::get(c"usb_register_notify") };
        // SAFETY: `void usb_unregister_notify(struct notifier_block *nb)`.
        let unregister = unsafe { Function::get(c"usb_unregister_notify") };
        let (Some(register), Some(unregister)) = (register, unregister) else {
            return Ok(None);
        };
        let block = new_block(happened::<T>)?;
        // SAFETY: The function is usbcore's; the entry stays where it is until it is unregistered.
        unsafe { (register.call)(block.get()) };
        // INVARIANT: It is in the chain.
        Ok(Some(Self {
            block,
            unregister,
            _register: register,
        }))
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // SAFETY: The function is usbcore's; by the type invariants the entry is in the chain.
        unsafe { (self.unregister.call)(self.block.get()) };
    }
}

/// What a chain calls.
type Call = unsafe extern "C" fn(*mut bindings::notifier_block, c_ulong, *mut c_void) -> c_int;

fn new_block(call: Call) -> Result<KBox<Opaque<bindings::notifier_block>>> {
    let block = bindings::notifier_block {
        notifier_call: Some(call),
        ..pin_init::zeroed()
    };
    Ok(KBox::new(Opaque::new(block), GFP_KERNEL)?)
}

/// Attached to usbcore as soon as and as long as there is one. Dropping it detaches: process
/// context, waits for events that are under way.
///
/// # Invariants
///
/// `modules` is in the kernel's chain of modules, as part of a `Notifier<T>`.
#[pin_data(PinnedDrop)]
pub(crate) struct Notifier<T: UsbEvents> {
    #[pin]
    modules: Opaque<bindings::notifier_block>,
    #[pin]
    registered: Mutex<Option<Registered>>,
    #[pin]
    _pin: PhantomPinned,
    _events: PhantomData<fn(T)>,
}

// SAFETY: It has no ties to the thread that made it.
unsafe impl<T: UsbEvents> Send for Notifier<T> {}
// SAFETY: What changes is under a lock.
unsafe impl<T: UsbEvents> Sync for Notifier<T> {}

impl<T: UsbEvents> Notifier<T> {
    /// Attaches now, or when usbcore is loaded. ENOMEM. Process context.
    pub(crate) fn new() -> Result<Pin<KBox<Self>>> {
        let this = KBox::pin_init(
            try_pin_init!(&this in Self {
                modules: Opaque::new(bindings::notifier_block {
                    notifier_call: Some(Self::module_changed),
                    ..pin_init::zeroed()
                }),
                registered <- new_mutex!(None, "usb.registered"),
                _pin: PhantomPinned,
                _events: PhantomData,
                // INVARIANT: If this succeeds, it is in the chain.
                _: {
                    // SAFETY: It is initialised, as is everything that the callback uses; it stays
                    // where it is until it is unregistered.
                    to_result(unsafe {
                        let modules = Opaque::cast_into(&raw const (*this.as_ptr()).modules);
                        bindings::register_module_notifier(modules)
                    })?;
                },
            }? Error),
            GFP_KERNEL,
        )?;
        this.attach()?;
        Ok(this)
    }

    /// Attaches, if there is a usbcore and it was not done.
    fn attach(&self) -> Result {
        let mut registered = self.registered.lock();
        if registered.is_none() {
            *registered = Registered::new::<T>()?;
        }
        Ok(())
    }

    /// # Safety
    ///
    /// To be called by the chain of modules, with the entry of a `Notifier<T>`.
    unsafe extern "C" fn module_changed(
        block: *mut bindings::notifier_block,
        state: c_ulong,
        _module: *mut c_void,
    ) -> c_int {
        if state == bindings::module_state_MODULE_STATE_LIVE as c_ulong {
            // SAFETY: It is the content of an `Opaque`, which has the same address, in a notifier
            // that waits in its drop until this returns.
            let this = unsafe {
                &*kernel::container_of!(Opaque::cast_from(block).cast_mut(), Self, modules)
            };
            // Whichever module it was: then it is found or not. Without memory there are no events
            // until the next module comes.
            if this.attach().is_err() {
                pr_warn!("no memory to attach to usbcore\n");
            }
        }
        bindings::NOTIFY_DONE as c_int
    }
}

#[pinned_drop]
impl<T: UsbEvents> PinnedDrop for Notifier<T> {
    fn drop(self: Pin<&mut Self>) {
        // Waits for a callback that is running. Fails only for an entry that is not in the chain.
        //
        // SAFETY: By the type invariants it is.
        unsafe { bindings::unregister_module_notifier(self.modules.get()) };
    }
}

/// # Safety
///
/// To be called by usbcore's chain.
unsafe extern "C" fn happened<T: UsbEvents>(
    _block: *mut bindings::notifier_block,
    action: c_ulong,
    what: *mut c_void,
) -> c_int {
    // SAFETY: The chain passes a device or a bus, which `action` tells. Its name stays for the
    // call.
    let device = || unsafe { CStr::from_char_ptr(bindings::wqd_usb_device_name(what.cast())) };
    // SAFETY: With the actions of a bus the chain passes a bus, whose name stays for the call.
    let bus = || unsafe { CStr::from_char_ptr(bindings::wqd_usb_bus_name(what.cast())) };
    let (action, name) = match u32::try_from(action).unwrap_or(0) {
        bindings::USB_DEVICE_ADD => (Action::DeviceAdd, device()),
        bindings::USB_DEVICE_REMOVE => (Action::DeviceRemove, device()),
        bindings::USB_BUS_ADD => (Action::BusAdd, bus()),
        bindings::USB_BUS_REMOVE => (Action::BusRemove, bus()),
        bindings::WQD_USB_DEVICE_RESET if tells_errors() => (Action::DeviceReset, device()),
        bindings::WQD_USB_DEVICE_ERROR if tells_errors() => {
            // SAFETY: With this action the chain passes a device, whose lock is held.
            let error = unsafe { bindings::wqd_usb_device_error(what.cast()) };
            (Action::DeviceError(error.unsigned_abs()), device())
        }
        _ => return bindings::NOTIFY_DONE as c_int,
    };
    T::happened(action, name.to_bytes());
    bindings::NOTIFY_DONE as c_int
}
