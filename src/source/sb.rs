// SPDX-License-Identifier: GPL-2.0

//! The SB source: errors, read-only remounts, exceeded quotas and the end of file systems.
//!
//! A watch has two marks and holds nothing. One is on the superblock: through it fsnotify tells of
//! errors, which come from a work item of the kernel's, without locks, and of the unmount, which ends
//! the watch. The other is in a table by device number, where the hooks for reconfiguration and quotas
//! find it: tracepoints, or with `probes=1` probes on functions; they fire in process context with
//! locks of the file system held. No file system gets a number before the one that had it was
//! unmounted, which has killed the watches on it.

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
        fs::{
            path::FdPath,
            superblock::{
                QuotaWarning,
                SuperEvents, //
            },
        },
        fsnotify::{
            event::{
                bit,
                Event, //
            },
            place::Place, //
        },
        hooks::{
            fprobe,
            tracepoint::{
                self,
                Probe,
                Tracepoint, //
            },
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

/// The source.
pub(super) struct Sb;

/// A hook, if there is one.
enum Means {
    /// A tracepoint.
    Tracepoint(Tracepoint),
    /// A function, probed.
    Probe(Arc<fprobe::Probe>),
    /// None.
    Nothing,
}

/// A hook in use.
pub(super) type Attached = (Option<tracepoint::Attached>, Option<fprobe::Attached>);

impl Means {
    /// The tracepoint, or the function if it can be probed. Process context.
    fn find(tracepoint: Probe, function: fn() -> Result<Arc<fprobe::Probe>>) -> Self {
        if let Some(tracepoint) = tracepoint.find() {
            return Self::Tracepoint(tracepoint);
        }
        match fprobe::allowed().then(function) {
            Some(Ok(probe)) => Self::Probe(probe),
            _ => Self::Nothing,
        }
    }

    fn attach(&self) -> Result<Attached> {
        Ok(match self {
            Self::Tracepoint(tracepoint) => (Some(tracepoint.attach()?), None),
            Self::Probe(probe) => (None, Some(probe.attach()?)),
            Self::Nothing => (None, None),
        })
    }

    /// With this hook, these events can come.
    fn offer(&self, events: u32) -> Offer {
        match self {
            Self::Tracepoint(_) => Offer {
                events,
                means: means::TRACEPOINT | means::PATCH,
            },
            Self::Probe(_) => Offer {
                events,
                means: means::FPROBE,
            },
            Self::Nothing => Offer::NOTHING,
        }
    }
}

/// What tells what fsnotify does not.
pub(super) struct Hooks {
    reconfigure: Means,
    quota: Means,
}

impl Attach for Hooks {
    type Attached = [Attached; 2];

    fn attach(&self) -> Result<Self::Attached> {
        Ok([self.reconfigure.attach()?, self.quota.attach()?])
    }
}

impl Sb {
    /// Posts a record of one subtype, given as a bit, to the watches on the file system on this
    /// device; `fixed` is what it tells the opener of a queue.
    fn post<const N: usize>(
        device: u32,
        subtype: u32,
        flags: u32,
        fixed: impl Fn(&Queue) -> [u64; N],
    ) {
        let reader = Watch::context().read();
        let list = Self::state().list(&reader, device.into());
        each_watch(&reader, [list], |watch| {
            if watch.mask() & subtype != 0 {
                let fixed = fixed(watch.queue());
                let records = [Records {
                    kind: kind::SB,
                    subtypes: subtype,
                    base: 0,
                    flags,
                    fixed: fixed.as_slice(),
                    name: &[],
                }];
                Queue::post_anywhere(watch, &Post { records: &records });
            }
        });
    }
}

impl SuperEvents for Sb {
    fn reconfigured(device: u32, readonly: bool) {
        let flags = if readonly { info::FLAG_0 } else { 0 };
        Self::post(device, event::READONLY, flags, |_| [device.into()]);
    }

    fn quota(warning: &QuotaWarning) {
        Self::post(warning.device, event::EDQUOT, 0, |queue| {
            [
                warning.device.into(),
                word(warning.kind, warning.id_in(queue.user().namespace())),
                word(warning.warning, 0),
            ]
        });
    }
}

impl Source for Sb {
    const EVENTS: u32 = event::ALL;
    type Hooks = Hooks;
    type Object = FdPath;

    fn hooks() -> Hooks {
        Hooks {
            reconfigure: Means::find(
                tracepoint::superblock::reconfigure::<Self>(),
                fprobe::superblock::reconfigure::<Self>,
            ),
            quota: Means::find(
                tracepoint::superblock::quota_warning::<Self>(),
                fprobe::superblock::quota_warning::<Self>,
            ),
        }
    }

    fn offer(hooks: &Hooks) -> Offer {
        let reconfigure = hooks.reconfigure.offer(event::READONLY);
        let quota = hooks.quota.offer(event::EDQUOT);
        Offer {
            events: event::ERROR | reconfigure.events | quota.events,
            means: means::API | reconfigure.means | quota.means,
        }
    }

    /// A file system.
    ///
    /// EINVAL: one of the kernel's own. EBADF: no such descriptor. EPERM: opener or caller may not
    /// administrate the file system; an LSM may give other errors.
    fn find(file: &File, request: &Request) -> Result<FdPath> {
        let path = FdPath::from_fd(request.object)?;
        if path.is_internal() {
            return Err(EINVAL);
        }
        if !capable_both(file, path.user_namespace(), Capability::SYS_ADMIN) {
            return Err(EPERM);
        }
        let place = Place::superblock(&path)?;
        let lsm = crate::FS.get().lsm();
        check_both(file, || lsm.check(&path, bit::ERROR.into(), place))?;
        Ok(path)
    }

    fn number(path: &FdPath) -> u64 {
        path.superblock_device().into()
    }

    fn place(path: &FdPath) -> Result<Option<Place<'_>>> {
        Place::superblock(path).map(Some)
    }

    fn interest(mask: u32) -> u32 {
        if mask & event::ERROR != 0 {
            bit::ERROR
        } else {
            0
        }
    }
}

/// Counts the errors that were reported to a watch: their cookies.
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
    each_watch(&reader, [Some(connector)], |watch| {
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
