// SPDX-License-Identifier: GPL-2.0

//! Sources: code that turns a hook of the kernel into records and posts them.
//!
//! One file, or one folder, for each. [`add()`] sends an ADD_WATCH to the source that its type names.

mod add;
mod api;
pub(crate) mod block;
mod enter;
pub(crate) mod fs;
pub(crate) mod hook;
pub(crate) mod key;
pub(crate) mod mount;
mod post;
pub(crate) mod sb;
mod subscriber;
pub(crate) mod usb;

use crate::{
    mark::{
        Connector,
        Reader,
        Role,
        Subscriber,
        Walk, //
    },
    queue::{
        watch::Watch,
        Queue, //
    },
    ring::record::kind, //
};
use kernel::{
    fs::File,
    prelude::*,
    sync::Arc, //
};

/// What ADD_WATCH asks for, after the checks that are the same for all sources.
pub(crate) struct Request {
    /// `WATCH_TYPE_*`.
    pub(crate) kind: u32,
    /// `WATCH_SCOPE_*`, not checked.
    pub(crate) scope: u32,
    /// `WATCH_ADD_*`, all of them known.
    pub(crate) flags: u32,
    /// Descriptor, key serial, or -1.
    pub(crate) object: i32,
    /// Goes into `info`.
    pub(crate) id: u8,
    /// Wanted events, not checked.
    pub(crate) mask: u64,
    /// Unwanted events, not checked.
    pub(crate) ignore: u64,
    /// Goes into the records.
    pub(crate) cookie: u64,
}

/// What an ADD_WATCH did.
pub(crate) struct Added {
    /// The watch that it added, or whose masks it changed.
    pub(crate) handle: u64,
    /// It was added.
    pub(crate) new: bool,
}

/// By which means a source hears of its events; the numbers are those of `WATCH_HOOK_*`.
pub(crate) mod means {
    /// Functions that the kernel exports for it.
    pub(crate) const API: u8 = 0x01;
    /// Tracepoints.
    pub(crate) const TRACEPOINT: u8 = 0x02;
    /// Probes on functions.
    pub(crate) const FPROBE: u8 = 0x04;
    /// Some of it is there because a patch added or exported it.
    pub(crate) const PATCH: u8 = 0x80;
}

/// What a source gives on this kernel.
#[derive(Clone, Copy)]
pub(crate) struct Offer {
    /// The events that can come, as bits of a mask; 0: the source is absent.
    pub(crate) events: u32,
    /// See [`means`].
    pub(crate) means: u8,
}

impl Offer {
    /// Of a source that is absent.
    pub(crate) const NOTHING: Self = Self {
        events: 0,
        means: 0,
    };
}

/// What the source of type `kind` gives.
pub(crate) fn offer(kind: u32) -> Offer {
    match kind {
        kind::FS => Offer {
            events: fs::events(),
            means: means::API | fs::patched(),
        },
        kind::KEY => crate::KEY.get().offer(),
        kind::BLOCK => crate::BLOCK.get().offer(),
        kind::USB => crate::USB.get().offer(),
        kind::MOUNT => crate::MOUNT.get().offer(),
        kind::SB => crate::SB.get().offer(),
        _ => Offer::NOTHING,
    }
}

/// Adds a watch to `queue`, which was opened as `file`. Process context.
///
/// EINVAL for a type that is none, EOPNOTSUPP for one that this kernel cannot serve, and what the
/// source gives.
pub(crate) fn add(queue: &Arc<Queue>, file: &File, request: &Request) -> Result<Added> {
    match request.kind {
        kind::FS => fs::add(queue, file, request),
        kind::KEY => key::add(queue, file, request),
        kind::BLOCK => block::add(queue, file, request),
        kind::USB => usb::add(queue, file, request),
        kind::MOUNT => mount::add(queue, file, request),
        kind::SB => sb::add(queue, file, request),
        kind::META => Err(EINVAL),
        kind if kind < kind::NR => Err(EOPNOTSUPP),
        _ => Err(EINVAL),
    }
}

/// Whether a watch's mark in this role may be beside others of its queue on one object. Any context.
pub(crate) fn shares(watch: &Watch, role: Role) -> bool {
    watch.kind() == kind::FS && fs::shares(role)
}

/// How many marks in roles like this one may be on one object. Any context.
pub(crate) fn limit(watch: &Watch, role: Role) -> Option<u32> {
    match watch.kind() {
        kind::FS => fs::limit(role),
        _ => None,
    }
}

/// What a mark of `watch` needs to hear of, in the terms of what it is on. Any context.
pub(crate) fn interest(watch: &Watch, role: Role) -> u32 {
    match watch.kind() {
        kind::FS => fs::interest(watch, role),
        kind::MOUNT => mount::interest(watch),
        kind::SB => sb::interest(watch),
        // Nothing that has no kernel mark below it: whoever posts walks the list in any case.
        _ => 0,
    }
}

/// Calls `f` for every live watch in a list, of whatever type. Any context but NMI.
fn each_watch(
    reader: &Reader<'_, Watch>,
    list: Option<&Connector<Watch>>,
    mut f: impl FnMut(&Arc<Watch>),
) {
    let mut walk = Walk::new(reader, [list]);
    while let Some(run) = walk.next_group() {
        run.for_each(|_, mark| {
            if !mark.watch().is_dead() {
                f(mark.watch());
            }
        });
    }
}
