// SPDX-License-Identifier: GPL-2.0

//! The BLOCK source: errors of block devices.
//!
//! A watch is on all devices, a disk, or a partition, each known by its number. No reference is
//! held: when the device goes, the watch stays, and sees the next device of that number. The
//! tracepoints fire in whatever context a driver completes operations, often a hard interrupt under
//! its locks.

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
        task::cred::{
            capable_both,
            Capability, //
        },
        task::user_ns::UserNamespace, //
    },
};
use kernel::fs::File;

/// Stands for all devices in the table; device numbers have 32 bits.
const ALL_DEVICES: u64 = u64::MAX;

/// The source.
pub(super) struct Block;

/// The tracepoints that this kernel has.
pub(super) struct Hooks {
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

impl Source for Block {
    /// TIMEOUT to IO.
    const EVENTS: u32 = 0x7fe;
    type Hooks = Hooks;
    type Object = u64;

    fn hooks() -> Hooks {
        Hooks::find()
    }

    fn offer(hooks: &Hooks) -> Offer {
        if hooks.requests.is_none() {
            return Offer::NOTHING;
        }
        let patch = if hooks.only_errors { means::PATCH } else { 0 };
        Offer {
            events: Self::EVENTS,
            means: means::TRACEPOINT | patch,
        }
    }

    /// All block devices, or one.
    ///
    /// EPERM: opener or caller lacks CAP_SYS_ADMIN in the initial user namespace. EBADF: no such
    /// descriptor. ENOTBLK: not that of a block device.
    fn find(file: &File, request: &Request) -> Result<u64> {
        if !capable_both(file, UserNamespace::init(), Capability::SYS_ADMIN) {
            return Err(EPERM);
        }
        Ok(match request.object {
            -1 => ALL_DEVICES,
            fd => FdPath::from_fd(fd)?.block_device().ok_or(ENOTBLK)?.into(),
        })
    }

    fn number(object: &u64) -> u64 {
        *object
    }
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
        let reader = Watch::context().read();
        let list = |number| Self::state().list(&reader, number);
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
