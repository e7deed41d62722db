// SPDX-License-Identifier: GPL-2.0

//! What ADD_WATCH does about an object that the queue watches already.

use super::ops::Added;
use crate::rust::prelude::*;
use crate::{
    abi::flag,
    mark::{
        GroupGuard,
        Subscriber, //
    },
    queue::watch::Watch,
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
    if there.viewer().is_none() && wanted.viewer().is_some() {
        return Err(EPERM);
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
