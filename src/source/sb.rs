// SPDX-License-Identifier: GPL-2.0

//! The SB source: errors, read-only remounts, exceeded quotas and the end of file systems.
//!
//! A watch has a mark on the superblock, through which fsnotify tells of errors and of the unmount.
//! It holds neither. Errors come from a work item of the kernel's: process context, no locks.

use super::{
    add::{
        plain_mask,
        plain_spec,
        IfThere, //
    },
    each_watch,
    enter::{
        enter,
        Need, //
    },
    fs::role,
    means,
    Added,
    Offer,
    Request, //
};
use crate::{
    mark::{
        Connector,
        Subscriber, //
    },
    queue::{
        ring::{
            Event as Post,
            Records, //
        },
        watch::Watch,
        Queue, //
    },
    ring::record::{
        kind,
        word, //
    },
    rust::{
        cred::{
            capable_both,
            with_creds_of,
            Capability, //
        },
        fsnotify_event::{
            bit,
            Event, //
        },
        fsnotify_place::{
            Class,
            Place, //
        },
        params,
        path::FdPath, //
    },
};
use kernel::{
    fs::File,
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Arc, //
    },
};

/// Subtypes, as bits.
mod event {
    /// Became read-only or writable.
    pub(super) const READONLY: u32 = 1 << 0;
    /// An error.
    pub(super) const ERROR: u32 = 1 << 1;
    /// A quota was exceeded.
    pub(super) const EDQUOT: u32 = 1 << 2;
    /// Of the proposal; nothing in the kernel tells of it.
    pub(super) const NETWORK: u32 = 1 << 3;
    /// All of them.
    pub(super) const ALL: u32 = READONLY | ERROR | EDQUOT | NETWORK;
}

/// What this kernel gives.
pub(super) fn offer() -> Offer {
    Offer {
        events: event::ERROR,
        means: means::API,
    }
}

/// Adds a watch, or changes the mask of the one that is there.
///
/// EINVAL: impossible arguments, an update that does not match, or a file system of the kernel's
/// own. EOPNOTSUPP: nothing of what is asked for can be reported. EBADF: no such descriptor. EPERM:
/// opener or caller may not administrate the file system; an LSM may give other errors. Otherwise as [`enter`].
pub(super) fn add(queue: &Arc<Queue>, file: &File, request: &Request) -> Result<Added> {
    let if_there = IfThere::new(request.flags)?;
    let mask = plain_mask(request, event::ALL, offer().events)?;
    let path = FdPath::from_fd(request.object)?;
    if path.is_internal() {
        return Err(EINVAL);
    }
    if !capable_both(file, path.user_namespace(), Capability::SYS_ADMIN) {
        return Err(EPERM);
    }
    let place = Place::superblock(&path)?;
    let lsm = crate::FS.get().lsm();
    lsm.check(&path, bit::ERROR.into(), place)?;
    with_creds_of(file, || lsm.check(&path, bit::ERROR.into(), place))?;
    let watch = Watch::new(queue, plain_spec(request), mask, 0)?;
    let needs = [Need {
        place,
        class: Class::Notify,
        part: role::OTHER,
    }];
    enter(&watch, needs.into_iter(), if_there)
}

/// What fsnotify has to call us for.
pub(super) fn interest(watch: &Watch) -> u32 {
    if watch.mask() & event::ERROR != 0 {
        bit::ERROR
    } else {
        0
    }
}

/// Counts the errors that were reported to somebody: their cookies.
static ERRORS: Atomic<u32> = Atomic::new(0);

/// A file system reports an error. Process context, inside fsnotify's SRCU.
pub(super) fn error(event: &Event<'_>, connector: &Connector<Watch>) {
    let Some(error) = event.error(params::use_patches()) else {
        return;
    };
    // The numbers of the ABI are those of the kernel, with 0 for what is not known.
    let kind_of_error = error.kind.map_or(0, |kind| kind.wrapping_add(1));
    let mut fixed = [
        u64::from(error.device),
        word(error.errno, 0),
        error.inode,
        word(error.generation, kind_of_error),
        error.pos,
        error.len,
    ];
    let mut counted = false;
    let reader = Watch::context().read();
    each_watch(&reader, Some(connector), |watch| {
        if watch.kind() != kind::SB || watch.mask() & event::ERROR == 0 {
            return;
        }
        if !core::mem::replace(&mut counted, true) {
            let cookie = ERRORS.fetch_add(1, Relaxed).wrapping_add(1);
            fixed[1] = word(error.errno, cookie);
        }
        let records = [Records {
            kind: kind::SB,
            subtypes: event::ERROR,
            base: 0,
            flags: 0,
            fixed: &fixed,
            name: &[],
        }];
        Queue::post(watch, &Post { records: &records });
    });
}
