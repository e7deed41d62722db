// SPDX-License-Identifier: GPL-2.0

//! Sources: code that turns a hook of the kernel into records and posts them.
//!
//! One file, or one folder, for each, and one line in the list below. [`ops`] is what a source is;
//! [`enter`] puts its watches into the lists of what they are on, [`post`] posts to the watches in
//! one.

mod add;
mod api;
mod block;
mod callback;
mod enter;
pub(crate) mod fs;
mod hook;
mod if_there;
mod key;
mod mount;
mod object;
mod ops;
mod post;
mod role;
mod sb;
mod subscriber;
mod usb;

use self::{
    add::add as add_to,
    block::Block,
    key::Key,
    mount::Mount,
    ops::{
        Listed,
        Source,
        State, //
    },
    sb::Sb,
    usb::Usb, //
};
use crate::rust::prelude::*;
use crate::{
    mark::Role,
    queue::{
        watch::Watch,
        Queue, //
    },
    ring::record::kind,
    rust::sync::workqueue::OwnedQueue, //
};
use kernel::fs::File;

pub(crate) use self::{
    object::Fs,
    ops::{
        Added,
        Offer,
        Request, //
    },
};

/// The sources whose objects have a number, in the order in which they go.
macro_rules! sources {
    ($($field:ident: $source:ty, $kind:ident;)*) => {
        /// What the sources have while the module is loaded.
        pub(crate) struct Sources {
            $($field: State<$source>,)*
        }

        impl Sources {
            /// Looks for the hooks. What sleeps runs on `queue`. Process context.
            pub(crate) fn new(queue: &Arc<OwnedQueue>) -> Result<Self> {
                Ok(Self {
                    $($field: State::new(queue.clone())?,)*
                })
            }
        }

        $(
            impl Listed for $source {
                #[inline]
                fn state() -> &'static State<Self> {
                    &crate::SOURCES.get().$field
                }
            }
        )*

        /// What the source of type `kind` gives.
        pub(crate) fn offer(kind: u32) -> Offer {
            match kind {
                kind::FS => fs::offer(),
                $(kind::$kind => <$source>::state().offer(),)*
                _ => Offer::NOTHING,
            }
        }

        /// Adds a watch to `queue`, which was opened as `file`. Process context.
        ///
        /// EINVAL for a type that is none, EOPNOTSUPP for one that this kernel cannot serve, and what
        /// the source gives.
        pub(crate) fn add(queue: &Arc<Queue>, file: &File, request: &Request) -> Result<Added> {
            match request.kind {
                kind::FS => fs::add(queue, file, request),
                $(kind::$kind => add_to::<$source>(queue, file, request),)*
                kind::META => Err(EINVAL),
                kind if kind < kind::NR => Err(EOPNOTSUPP),
                _ => Err(EINVAL),
            }
        }

        /// What a mark of `watch` needs to hear of, in the terms of what it is on. Any context.
        fn interest(watch: &Watch, role: Role) -> u32 {
            match watch.kind() {
                kind::FS => fs::interest(watch, role),
                $(kind::$kind => <$source>::interest(watch.mask()),)*
                // Other modules walk the list in any case.
                _ => 0,
            }
        }
    };
}

sources! {
    key: Key, KEY;
    block: Block, BLOCK;
    usb: Usb, USB;
    mount: Mount, MOUNT;
    sb: Sb, SB;
}
