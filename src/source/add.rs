// SPDX-License-Identifier: GPL-2.0

//! What ADD_WATCH does for every source: what becomes of a watch that is there already, and, for
//! objects in a [`Table`], all but the rights.
//!
//! A source checks rights and arguments, without locks; then find-or-add is one critical section
//! under `mark_mutex`, [`enter`].

use super::{
    enter::{
        enter,
        Need, //
    },
    hook::Lease,
    Added,
    Request, //
};
use crate::{
    abi::flag,
    mark::{
        GroupGuard,
        Subscriber,
        Table, //
    },
    queue::{
        watch::{
            Spec,
            Watch, //
        },
        Queue, //
    },
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// What to do when the object is watched already.
#[derive(Clone, Copy)]
pub(super) enum IfThere {
    Refuse,
    Replace,
    Add,
}

impl IfThere {
    /// EINVAL: UPDATE and MASK_ADD at once.
    pub(super) fn new(flags: u32) -> Result<Self> {
        match flags & (flag::UPDATE | flag::MASK_ADD) {
            0 => Ok(Self::Refuse),
            flag::UPDATE => Ok(Self::Replace),
            flag::MASK_ADD => Ok(Self::Add),
            _ => Err(EINVAL),
        }
    }
}

/// The object is watched by this queue already: refuses, or changes the masks.
pub(super) fn change(
    group: &mut GroupGuard<'_, Watch>,
    there: &Arc<Watch>,
    wanted: &Watch,
    if_there: IfThere,
) -> Result<Added> {
    if matches!(if_there, IfThere::Refuse) {
        return Err(EEXIST);
    }
    if there.spec() != wanted.spec() {
        return Err(EINVAL);
    }
    match if_there {
        IfThere::Add => there.add_masks(wanted.mask(), wanted.ignore()),
        _ => there.set_masks(wanted.mask(), wanted.ignore()),
    }
    group.announce(there);
    Ok(Added {
        handle: there.handle(),
        new: false,
    })
}

/// The mask of a request for a source whose events are `all`, of which this kernel gives `given`.
/// Such a source has one scope and knows no ignore mask, and of the flags only those that say
/// what ADD_WATCH is to do, and ONESHOT.
///
/// EOPNOTSUPP: none of the events can come on this kernel. EINVAL: anything else, or no event.
pub(super) fn plain_mask(request: &Request, all: u32, given: u32) -> Result<u32> {
    if given == 0 {
        return Err(EOPNOTSUPP);
    }
    let known = flag::ONESHOT | flag::UPDATE | flag::MASK_ADD;
    let mask = u32::try_from(request.mask).map_err(|_| EINVAL)?;
    if request.scope != 0 || request.flags & !known != 0 || request.ignore != 0 {
        return Err(EINVAL);
    }
    if mask == 0 || mask & !all != 0 {
        return Err(EINVAL);
    }
    if mask & given == 0 {
        return Err(EOPNOTSUPP);
    }
    Ok(mask)
}

/// What never changes of a watch of such a source.
pub(super) fn plain_spec(request: &Request) -> Spec {
    Spec {
        kind: request.kind,
        scope: 0,
        flags: request.flags & flag::ONESHOT,
        id: request.id,
        cookie: request.cookie,
    }
}

/// Adds a watch on the object that `table` knows as `key`, or changes the mask of the one that is
/// there. The caller keeps the object meanwhile, and has checked the rights.
///
/// EINVAL: an update whose id, cookie or flags are not those of the watch. EDQUOT: the user's limit
/// of watches. EEXIST: watched already. ENOENT: the object is dying. ESHUTDOWN: the queue has ended.
/// ENOMEM.
pub(super) fn in_table(
    queue: &Arc<Queue>,
    request: &Request,
    mask: u32,
    table: &Arc<Table<Watch>>,
    key: u64,
    lease: Lease,
) -> Result<Added> {
    let if_there = IfThere::new(request.flags)?;
    let watch = Watch::new(queue, plain_spec(request), mask, 0)?;
    let needs = core::iter::once(Need::number(table, key));
    enter(&watch, needs, Some(lease), if_there)
}
