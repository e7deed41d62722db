// SPDX-License-Identifier: GPL-2.0

//! What a source is: what it gets from ADD_WATCH, what it returns, and what sources of numbered
//! objects share.

use super::hook::{
    Attach,
    Hook,
    Lease, //
};
use crate::rust::prelude::*;
use crate::{
    mark::{
        Connector,
        Reader,
        Table, //
    },
    queue::watch::{
        Reason,
        Watch, //
    },
    rust::{
        fsnotify::place::Place,
        sync::workqueue::OwnedQueue, //
    },
};
use kernel::fs::File;

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

/// A source whose objects have a number each, and whose masks have a bit for each subtype.
///
/// It is one file, and one line in `src/source.rs`.
pub(crate) trait Source: Sized + Send + Sync + 'static {
    /// The bits of all its events.
    const EVENTS: u32;

    /// What tells of them.
    type Hooks: Attach;

    /// What is to be watched. Keeps it from ending until the watch is there, or does not need to.
    type Object;

    /// Looks for the hooks. Process context.
    fn hooks() -> Self::Hooks;

    /// What the source gives with these hooks.
    fn offer(hooks: &Self::Hooks) -> Offer;

    /// Looks for what a request names, and asks whether the opener of `file` and the caller may watch it.
    /// Process context, no locks.
    fn find(file: &File, request: &Request) -> Result<Self::Object>;

    /// The number of an object, by which the hooks find its watches.
    fn number(object: &Self::Object) -> u64;

    /// As what fsnotify knows an object, if it tells of some of the events, or of the object's end.
    fn place(_object: &Self::Object) -> Result<Option<Place<'_>>> {
        Ok(None)
    }

    /// What fsnotify has to call us for so that a watch with this mask gets what it wants.
    fn interest(_mask: u32) -> u32 {
        0
    }
}

/// What a [`Source`] has while the module is loaded.
pub(crate) struct State<S: Source> {
    // Dropped first: then nothing looks into the table any more.
    hook: Arc<Hook<S::Hooks>>,
    watched: Arc<Table<Watch>>,
}

impl<S: Source> State<S> {
    /// Looks for the hooks. What sleeps runs on `queue`. Process context.
    pub(super) fn new(queue: Arc<OwnedQueue>) -> Result<Self> {
        Ok(Self {
            hook: Hook::new(S::hooks(), queue)?,
            watched: Table::new()?,
        })
    }

    /// What the source gives on this kernel.
    pub(super) fn offer(&self) -> Offer {
        S::offer(self.hook.what())
    }

    /// Attaches the hooks while the lease is held. Process context, no locks.
    pub(super) fn lease(&self) -> Result<Lease> {
        self.hook.lease()
    }

    /// The watched objects, by number.
    pub(super) fn watched(&self) -> &Arc<Table<Watch>> {
        &self.watched
    }

    /// The watches on an object. Any context but NMI.
    pub(super) fn list<'r>(
        &'r self,
        reader: &'r Reader<'_, Watch>,
        number: u64,
    ) -> Option<&'r Connector<Watch>> {
        self.watched.get(reader, number)
    }

    /// Ends all watches on an object that is gone. Any context but NMI.
    pub(super) fn end(&self, number: u64) {
        self.watched.end(number, Reason::ObjectGone);
    }
}

/// A [`Source`] that is in the list of sources.
pub(crate) trait Listed: Source {
    /// What it has.
    fn state() -> &'static State<Self>;
}
