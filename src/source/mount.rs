// SPDX-License-Identifier: GPL-2.0

//! The MOUNT source: mounts that come, go, move and change in a mount namespace.
//!
//! A watch has two marks and does not hold the namespace. One is on the namespace: through it fsnotify
//! tells of what comes, goes and moves, with `namespace_sem` held for reading, which nothing in a post
//! could wait for, and of the namespace's end, which ends the watch. The other is in a table by the
//! namespace's address, where the tracepoints for attributes and expiry find it, which fire when
//! `mount_lock` has been dropped. No namespace gets an address before the watches on the one that had
//! it are dead.

use super::{
    hook::Attach,
    ops::{
        means,
        Listed,
        Offer,
        Request,
        Source, //
    },
    post::each_watch, //
};
use crate::rust::prelude::*;
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
        fs::mount_ns::{
            Attributes,
            MountEvents,
            MountNs, //
        },
        fsnotify::{
            event::{
                bit,
                Event, //
            },
            place::Place, //
        },
        hooks::tracepoint::{
            self,
            Tracepoint, //
        },
        params,
        task::cred::{
            capable_both,
            check_both,
            Capability, //
        },
    },
};
use kernel::fs::File;

/// Subtypes, as bits.
mod event {
    /// Mounted.
    pub(super) const NEW_MOUNT: u32 = 1 << 0;
    /// Unmounted.
    pub(super) const UNMOUNT: u32 = 1 << 1;
    /// Unmounted because it was not used.
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

/// The source.
pub(super) struct Mount;

/// The tracepoints for what fsnotify does not tell, if the kernel has them.
pub(super) struct Hooks {
    setattr: Option<Tracepoint>,
    expire: Option<Tracepoint>,
}

impl Attach for Hooks {
    type Attached = [Option<tracepoint::Attached>; 2];

    fn attach(&self) -> Result<Self::Attached> {
        let attach = Tracepoint::attach_if_there;
        Ok([attach(&self.setattr)?, attach(&self.expire)?])
    }
}

impl Mount {
    /// Posts to the watches on the namespace at address `ns`: up to two subtypes, given as bits,
    /// with their flags.
    fn post(ns: u64, mount: u64, parent: u64, subtypes: [(u32, u32); 2]) {
        let fixed: &[u64] = &body(mount, parent);
        let reader = Watch::context().read();
        let list = Self::state().list(&reader, ns);
        each_watch(&reader, [list], |watch| {
            let mask = watch.mask();
            let records = subtypes.map(|(subtype, flags)| Records {
                kind: kind::MOUNT,
                subtypes: subtype & mask,
                base: 0,
                flags: flags | below(parent == 0),
                fixed,
                name: &[],
            });
            if records.iter().any(|records| records.subtypes != 0) {
                Queue::post_anywhere(watch, &Post { records: &records });
            }
        });
    }
}

impl MountEvents for Mount {
    fn changed(attributes: &Attributes) {
        let recursive = if attributes.recursive {
            info::RECURSIVE
        } else {
            0
        };
        let readonly = match attributes.readonly {
            Some(true) => (event::READONLY, recursive | info::FLAG_0),
            Some(false) => (event::READONLY, recursive),
            None => (0, 0),
        };
        let others = if attributes.others || attributes.below {
            event::SETATTR
        } else {
            0
        };
        if readonly.0 | others != 0 {
            Self::post(
                attributes.ns,
                attributes.mount,
                attributes.parent,
                [readonly, (others, recursive)],
            );
        }
    }

    fn expired(ns: u64, mount: u64, parent: u64) {
        Self::post(ns, mount, parent, [(event::EXPIRY, 0), (0, 0)]);
    }
}

/// The events of fsnotify.
const TOPOLOGY: u32 = bit::MNT_ATTACH | bit::MNT_DETACH;

/// The object that stands for the caller's own mount namespace.
const OWN: i32 = -1;

impl Source for Mount {
    const EVENTS: u32 = event::ALL;
    type Hooks = Hooks;
    type Object = MountNs;

    fn hooks() -> Hooks {
        Hooks {
            setattr: tracepoint::mount::setattr::<Self>().find(),
            expire: tracepoint::mount::expire::<Self>().find(),
        }
    }

    fn offer(hooks: &Hooks) -> Offer {
        let with = |there: bool, events| if there { events } else { 0 };
        let hooked = with(hooks.setattr.is_some(), event::READONLY | event::SETATTR)
            | with(hooks.expire.is_some(), event::EXPIRY);
        let tracepoints = means::TRACEPOINT | means::PATCH;
        Offer {
            events: event::TOPOLOGY | hooked,
            means: means::API | if hooked != 0 { tracepoints } else { 0 },
        }
    }

    /// A mount namespace.
    ///
    /// EINVAL: a descriptor of anything else. EOPNOTSUPP: the kernel does not tell which namespace a
    /// descriptor is of. EBADF: no such descriptor. EPERM: opener or caller may not administrate the
    /// namespace; an LSM may give other errors.
    fn find(file: &File, request: &Request) -> Result<MountNs> {
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
        if let Some(path) = ns.path() {
            let place = Place::mount_ns(&ns)?;
            let lsm = crate::FS.get().lsm();
            check_both(file, || lsm.check(path, TOPOLOGY.into(), place))?;
        }
        Ok(ns)
    }

    fn number(ns: &MountNs) -> u64 {
        ns.address()
    }

    fn place(ns: &MountNs) -> Result<Option<Place<'_>>> {
        Place::mount_ns(ns).map(Some)
    }

    fn interest(mask: u32) -> u32 {
        if mask & event::TOPOLOGY != 0 {
            TOPOLOGY
        } else {
            0
        }
    }
}

/// The body of a record about `mount`, which is or was on `parent`.
fn body(mount: u64, parent: u64) -> [u64; 3] {
    [word(parent as u32, mount as u32), parent, mount]
}

/// IN_SUBTREE, unless the mount is the root of the namespace.
fn below(root: bool) -> u32 {
    if root {
        0
    } else {
        info::IN_SUBTREE
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
    // Where the kernel does not tell the parents, every mount counts as one below.
    let root = |parent| moved.parents.is_some() && parent == 0;
    let (old_parent, parent) = moved.parents.unwrap_or((0, 0));
    let was = body(moved.mount, old_parent);
    let is = body(moved.mount, parent);
    let reader = Watch::context().read();
    each_watch(&reader, [Some(connector)], |watch| {
        let mask = watch.mask();
        let half = |bits, fixed, parent| Records {
            kind: kind::MOUNT,
            subtypes: mask & bits,
            base: 0,
            flags: below(root(parent)),
            fixed,
            name: &[],
        };
        let records = [half(from, &was, old_parent), half(to, &is, parent)];
        if watch.kind() == kind::MOUNT && mask & (from | to) != 0 {
            Queue::post(watch, &Post { records: &records });
        }
    });
}
