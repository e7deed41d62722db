// SPDX-License-Identifier: GPL-2.0

//! The BLOCK source: errors of block devices.
//!
//! What is watched is all devices, a disk, or a partition, each known by its number; no reference is
//! held, and a watch stays when its device goes, as a rule for the number. The tracepoints fire in
//! whatever context a driver completes operations, often a hard interrupt under its locks.

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
    ring::record::kind,
    rust::{
        device::block::{
            status,
            BlockEvents,
            Failure, //
        },
        fs::path::FdPath,
        hooks::tracepoint::{
            self,
            Tracepoint, //
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

/// TIMEOUT to IO.
const ALL_EVENTS: u32 = 0x7fe;

/// Stands for all devices in the table; device numbers have 32 bits.
const ALL_DEVICES: u64 = u64::MAX;

/// The state of the source.
pub(crate) struct Block {
    // Dropped first: then nothing looks into the table any more.
    hook: Arc<Hook<Hooks>>,
    watched: Arc<Table<Watch>>,
}

/// The tracepoints that this kernel has.
struct Hooks {
    /// Failed requests.
    requests: Option<Tracepoint>,
    /// Failed bios, where there are no requests.
    bios: Option<Tracepoint>,
    /// `bios` fires for failed ones only.
    only_errors: bool,
}

impl Hooks {
    /// Looks for the tracepoints. Process context.
    fn find() -> Self {
        let errors = tracepoint::block::bio_error::<Block>().find();
        let only_errors = errors.is_some();
        Self {
            requests: tracepoint::block::request_error::<Block>().find(),
            bios: errors.or_else(|| tracepoint::block::bio_complete::<Block>().find()),
            only_errors,
        }
    }
}

impl Attach for Hooks {
    type Attached = [Option<tracepoint::Attached>; 2];

    fn attach(&self) -> Result<Self::Attached> {
        let attach = Tracepoint::attach_if_there;
        Ok([attach(&self.requests)?, attach(&self.bios)?])
    }
}

impl Block {
    /// Looks for the hooks. Process context.
    pub(crate) fn new(queue: Arc<OwnedQueue>) -> Result<Self> {
        Ok(Self {
            hook: Hook::new(Hooks::find(), queue)?,
            watched: Table::new()?,
        })
    }

    /// What the source gives on this kernel.
    pub(super) fn offer(&self) -> Offer {
        let hooks = self.hook.what();
        if hooks.requests.is_none() {
            return Offer::NOTHING;
        }
        let patch = if hooks.only_errors { means::PATCH } else { 0 };
        Offer {
            events: ALL_EVENTS,
            means: means::TRACEPOINT | patch,
        }
    }
}

/// Adds a watch on all block devices or on one, or changes the mask of the one that is there.
///
/// EINVAL: impossible arguments. EOPNOTSUPP: this kernel has no hook. EPERM: opener or caller lacks
/// CAP_SYS_ADMIN in the initial user namespace. EBADF: no such descriptor. ENOTBLK: not that of a
/// block device. And what [`in_table`] gives.
pub(super) fn add(queue: &Arc<Queue>, file: &File, request: &Request) -> Result<Added> {
    let this = crate::BLOCK.get();
    let mask = plain_mask(request, ALL_EVENTS, this.offer().events)?;
    if !capable_both(file, UserNamespace::init(), Capability::SYS_ADMIN) {
        return Err(EPERM);
    }
    let key = match request.object {
        -1 => ALL_DEVICES,
        fd => FdPath::from_fd(fd)?.block_device().ok_or(ENOTBLK)?.into(),
    };
    let lease = this.hook.lease()?;
    in_table(queue, request, mask, &this.watched, key, lease)
}

/// The subtype for a status: `enum block_notification_type`. `None`: not an error of the device.
fn subtype(error: u8) -> Option<u32> {
    Some(match error {
        status::OK | status::NOTSUPP | status::AGAIN | status::DM_REQUEUE => return None,
        status::TIMEOUT | status::DURATION_LIMIT => 1,
        status::NOSPC => 2,
        status::TRANSPORT => 3,
        status::TARGET => 4,
        status::RESV_CONFLICT => 5,
        status::MEDIUM => 6,
        status::PROTECTION => 7,
        status::RESOURCE => 8,
        status::DEV_RESOURCE | status::ZONE_OPEN_RESOURCE | status::ZONE_ACTIVE_RESOURCE => 9,
        _ => 10,
    })
}

impl BlockEvents for Block {
    fn failed(failure: &Failure) {
        let Some(subtype) = subtype(failure.status) else {
            return;
        };
        let watched = &crate::BLOCK.get().watched;
        let reader = Watch::context().read();
        let list = |key| watched.get(&reader, key);
        let lists = [
            list(ALL_DEVICES),
            list(failure.disk.into()),
            (failure.part != failure.disk)
                .then(|| list(failure.part.into()))
                .flatten(),
        ];
        let body = [failure.disk.into(), failure.sector];
        post(&reader, lists, kind::BLOCK, subtype, &body, &[]);
    }
}
