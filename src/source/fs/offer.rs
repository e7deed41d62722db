// SPDX-License-Identifier: GPL-2.0

//! What the FS source gives on this kernel, and what it keeps in memory.

use super::bits::{
    ALL_EVENTS,
    QUESTIONS, //
};
use crate::{
    mark::Mark,
    queue::watch::Watch,
    source::{
        object::FsObject,
        ops::{
            means,
            Offer, //
        },
    },
};

/// The event bits that work on this kernel.
pub(crate) fn events() -> u32 {
    offer().events
}

/// What the source gives on this kernel.
pub(in crate::source) fn offer() -> Offer {
    match crate::FS.get().waits() {
        Some(_) => Offer {
            events: ALL_EVENTS | QUESTIONS,
            means: means::API | means::PATCH,
        },
        None => Offer {
            events: ALL_EVENTS,
            means: means::API,
        },
    }
}

/// What the module has to keep for a watch on an object that nothing else watches.
pub(crate) const fn bytes_per_watch() -> usize {
    size_of::<Watch>() + size_of::<Mark<Watch>>() + size_of::<FsObject>()
}
