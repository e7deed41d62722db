// SPDX-License-Identifier: GPL-2.0

//! The USB source: devices and buses that come and go, resets and errors.
//!
//! There is one list, of all devices. usbcore's notifier chain is called in process context, with
//! the lock of the device held. A watch can be set before usbcore is loaded; while somebody watches,
//! usbcore cannot be unloaded.

use super::{
    add::{
        in_table,
        plain_mask, //
    },
    hook::{
        Attach,
        Hook, //
    },
    means,
    post::post,
    Added,
    Offer,
    Request, //
};
use crate::{
    mark::{
        Subscriber,
        Table, //
    },
    queue::{
        watch::Watch,
        Queue, //
    },
    ring::record::{
        kind,
        word, //
    },
    rust::{
        device::usb::{
            self,
            Action,
            Notifier,
            UsbEvents, //
        },
        sync::workqueue::OwnedQueue,
        task::cred::{
            capable_both,
            Capability, //
        },
        task::user_ns::UserNamespace, //
    },
};
use kernel::{
    fs::File,
    prelude::*,
    sync::Arc, //
};

/// DEVICE_ADD to DEVICE_ERROR.
const ALL_EVENTS: u32 = 0x3f;

/// DEVICE_RESET and DEVICE_ERROR.
const ERRORS: u32 = 0x30;

/// The only object in the table.
const ALL_DEVICES: u64 = 0;

/// Longest name that a record holds; a longer one is cut.
const NAME_MAX: usize = 63;

/// The state of the source.
pub(crate) struct Usb {
    // Dropped first: then nothing looks into the table any more.
    hook: Arc<Hook<Chain>>,
    watched: Arc<Table<Watch>>,
}

/// The notifier chain of usbcore.
struct Chain;

impl Attach for Chain {
    type Attached = Pin<KBox<Notifier<Usb>>>;

    fn attach(&self) -> Result<Self::Attached> {
        Notifier::new()
    }
}

impl Usb {
    /// Process context.
    pub(crate) fn new(queue: Arc<OwnedQueue>) -> Result<Self> {
        Ok(Self {
            hook: Hook::new(Chain, queue)?,
            watched: Table::new()?,
        })
    }

    /// What the source gives on this kernel.
    pub(super) fn offer(&self) -> Offer {
        match (usb::possible(), usb::tells_errors()) {
            (false, _) => Offer::NOTHING,
            (true, false) => Offer {
                events: ALL_EVENTS & !ERRORS,
                means: means::API,
            },
            (true, true) => Offer {
                events: ALL_EVENTS,
                means: means::API | means::PATCH,
            },
        }
    }
}

/// Adds a watch on all devices and buses, or changes the mask of the one that is there.
///
/// EINVAL: impossible arguments. EOPNOTSUPP: this kernel has no USB, or does not tell of any of these
/// events. EPERM: opener or caller lacks CAP_SYS_ADMIN in the initial user namespace. And what
/// [`in_table`] gives.
pub(super) fn add(queue: &Arc<Queue>, file: &File, request: &Request) -> Result<Added> {
    let this = crate::USB.get();
    let mask = plain_mask(request, ALL_EVENTS, this.offer().events)?;
    if request.object != -1 {
        return Err(EINVAL);
    }
    if !capable_both(file, UserNamespace::init(), Capability::SYS_ADMIN) {
        return Err(EPERM);
    }
    let lease = this.hook.lease()?;
    in_table(queue, request, mask, &this.watched, ALL_DEVICES, lease)
}

impl UsbEvents for Usb {
    fn happened(action: Action, name: &[u8]) {
        let (subtype, error) = match action {
            Action::DeviceAdd => (0, 0),
            Action::DeviceRemove => (1, 0),
            Action::BusAdd => (2, 0),
            Action::BusRemove => (3, 0),
            Action::DeviceReset => (4, 0),
            Action::DeviceError(error) => (5, error),
        };
        let reader = Watch::context().read();
        let list = crate::USB.get().watched.get(&reader, ALL_DEVICES);
        if list.is_none() {
            return;
        }
        // Length, then name.
        let len = name.len().min(NAME_MAX);
        let mut text = [len as u8; 1 + NAME_MAX];
        for (to, from) in text.iter_mut().skip(1).zip(name) {
            *to = *from;
        }
        let text = text.get(..=len).unwrap_or(&[]);
        post(&reader, [list], kind::USB, subtype, &[word(error, 0)], text);
    }
}
