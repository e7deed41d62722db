// SPDX-License-Identifier: GPL-2.0

//! The MOUNT source: mounts that come, go, move and change in a mount namespace.
//!
//! A watch has a mark on the namespace, through which fsnotify tells of what comes, goes and moves.
//! It does not hold the namespace and ends with it. The callbacks run in process context with
//! `namespace_sem` held for reading: a post takes nothing that could wait for it.

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
        info,
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
        mount_ns::MountNs,
        params, //
    },
};
use kernel::{
    fs::File,
    prelude::*,
    sync::Arc, //
};

/// Subtypes, as bits.
mod event {
    /// Mounted.
    pub(super) const NEW_MOUNT: u32 = 1 << 0;
    /// Unmounted.
    pub(super) const UNMOUNT: u32 = 1 << 1;
    /// Unmounted because nobody used it.
    pub(super) const EXPIRY: u32 = 1 << 2;
    /// Became read-only or writable.
    pub(super) const READONLY: u32 = 1 << 3;
    /// Other attributes, or how mounts propagate.
    pub(super) const SETATTR: u32 = 1 << 4;
    /// Moved: from where.
    pub(super) const MOVE_FROM: u32 = 1 << 5;
    /// Moved: to where.
    pub(super) const MOVE_TO: u32 = 1 << 6;
    /// What fsnotify tells.
    pub(super) const TOPOLOGY: u32 = NEW_MOUNT | UNMOUNT | MOVE_FROM | MOVE_TO;
    /// All of them.
    pub(super) const ALL: u32 = TOPOLOGY | EXPIRY | READONLY | SETATTR;
}

/// What this kernel gives.
pub(super) fn offer() -> Offer {
    Offer {
        events: event::TOPOLOGY,
        means: means::API,
    }
}

/// The events of fsnotify.
const TOPOLOGY: u32 = bit::MNT_ATTACH | bit::MNT_DETACH;

/// The object that stands for the caller's own mount namespace.
const OWN: i32 = -1;

/// Adds a watch, or changes the mask of the one that is there.
///
/// EINVAL: impossible arguments, an update that does not match, or a descriptor of anything but a
/// mount namespace. EOPNOTSUPP: nothing of what is asked for can be reported, or the kernel does not
/// tell which namespace a descriptor is of. EBADF: no such descriptor. EPERM: opener or caller may
/// not administrate the namespace; an LSM may give other errors. Otherwise as [`enter`].
pub(super) fn add(queue: &Arc<Queue>, file: &File, request: &Request) -> Result<Added> {
    let if_there = IfThere::new(request.flags)?;
    let mask = plain_mask(request, event::ALL, offer().events)?;
    let ns = match request.object {
        OWN => MountNs::own()?,
        fd => {
            let look_up = crate::FS.get().mount_ns().ok_or(EOPNOTSUPP)?;
            MountNs::from_fd(fd, look_up)?
        }
    };
    if !capable_both(file, ns.owner(), Capability::SYS_ADMIN) {
        return Err(EPERM);
    }
    let place = Place::mount_ns(&ns)?;
    if let Some(path) = ns.path() {
        let lsm = crate::FS.get().lsm();
        lsm.check(path, TOPOLOGY.into(), place)?;
        with_creds_of(file, || lsm.check(path, TOPOLOGY.into(), place))?;
    }
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
    if watch.mask() & event::TOPOLOGY != 0 {
        TOPOLOGY
    } else {
        0
    }
}

/// The body of a record about `mount`, which is or was on `parent`.
fn body(mount: u64, parent: u64) -> [u64; 3] {
    [word(parent as u32, mount as u32), parent, mount]
}

/// IN_SUBTREE, unless the mount is the root of the namespace. Where the kernel does not tell the
/// parent, every mount counts as one below.
fn below(parent: u64) -> u32 {
    if parent != 0 || !params::use_patches() {
        info::IN_SUBTREE
    } else {
        0
    }
}

/// A mount has come, gone or moved. Process context, inside fsnotify's SRCU.
pub(super) fn moved(event: &Event<'_>, connector: &Connector<Watch>) {
    let Some(moved) = event.mount(params::use_patches()) else {
        return;
    };
    let (from, to) = match event.mask() & TOPOLOGY {
        bit::MNT_ATTACH => (0, event::NEW_MOUNT),
        bit::MNT_DETACH => (event::UNMOUNT, 0),
        _ => (event::MOVE_FROM, event::MOVE_TO),
    };
    let was = body(moved.mount, moved.old_parent);
    let is = body(moved.mount, moved.parent);
    let reader = Watch::context().read();
    each_watch(&reader, Some(connector), |watch| {
        let half = |bits, fixed, parent| Records {
            kind: kind::MOUNT,
            subtypes: watch.mask() & bits,
            base: 0,
            flags: below(parent),
            fixed,
            name: &[],
        };
        let records = [
            half(from, &was, moved.old_parent),
            half(to, &is, moved.parent),
        ];
        if watch.kind() == kind::MOUNT && watch.mask() & (from | to) != 0 {
            Queue::post(watch, &Post { records: &records });
        }
    });
}
