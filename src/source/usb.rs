// SPDX-License-Identifier: GPL-2.0

//! The USB source: devices and buses that come and go, resets and errors.
//!
//! There is one list, of all devices. usbcore's notifier chain is called in process context, with
//! the lock of the device held. A watch can be set before usbcore is loaded; while there is a
//! watch, usbcore cannot be unloaded.

use super::{
    hook::Attach,
    ops::{
        means,
        Listed,
        Offer,
        Request,
        Source, //
    },
    post::post, //
};
use crate::rust::prelude::*;
use crate::{
    mark::Subscriber,
    queue::watch::Watch,
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
        task::cred::{
            capable_both,
            Capability, //
        },
        task::user_ns::UserNamespace, //
    },
};
use kernel::fs::File;

/// DEVICE_RESET and DEVICE_ERROR.
const ERRORS: u32 = 0x30;

/// The only object in the table.
const ALL_DEVICES: u64 = 0;

/// Longest name that a record holds; a longer one is cut.
const NAME_MAX: usize = 63;

/// The source.
pub(super) struct Usb;

/// The notifier chain of usbcore.
pub(super) struct Chain;

impl Attach for Chain {
    type Attached = Pin<KBox<Notifier<Usb>>>;

    fn attach(&self) -> Result<Self::Attached> {
        Notifier::new()
    }
}

impl Source for Usb {
    /// DEVICE_ADD to DEVICE_ERROR.
    const EVENTS: u32 = 0x3f;
    type Hooks = Chain;
    type Object = ();

    fn hooks() -> Chain {
        Chain
    }

    fn offer(_: &Chain) -> Offer {
        match (usb::possible(), usb::tells_errors()) {
            (false, _) => Offer::NOTHING,
            (true, false) => Offer {
                events: Self::EVENTS & !ERRORS,
                means: means::API,
            },
            (true, true) => Offer {
                events: Self::EVENTS,
                means: means::API | means::PATCH,
            },
        }
    }

    /// All devices and buses.
    ///
    /// EINVAL: one of them. EPERM: opener or caller lacks CAP_SYS_ADMIN in the initial user namespace.
    fn find(file: &File, request: &Request) -> Result {
        if request.object != -1 {
            return Err(EINVAL);
        }
        if !capable_both(file, UserNamespace::init(), Capability::SYS_ADMIN) {
            return Err(EPERM);
        }
        Ok(())
    }

    fn number((): &()) -> u64 {
        ALL_DEVICES
    }
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
        let list = Self::state().list(&reader, ALL_DEVICES);
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
