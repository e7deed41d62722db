// SPDX-License-Identifier: GPL-2.0

//! ADD_WATCH for the sources whose objects have a number: the part that is the same for all of
//! them.

use super::{
    enter::{
        enter,
        Need, //
    },
    if_there::IfThere,
    ops::{
        Added,
        Listed,
        Request, //
    },
    role, //
};
use crate::rust::prelude::*;
use crate::{
    abi::flag,
    queue::{
        watch::{
            Spec,
            Watch, //
        },
        Queue, //
    },
    rust::fsnotify::place::Class,
};
use core::iter;
use kernel::fs::File;

/// Adds a watch to `queue`, which was opened as `file`, or changes the mask of the one that is there.
///
/// EINVAL: impossible arguments, or an update whose id, cookie or flags are not those of the watch.
/// EOPNOTSUPP: nothing of what is asked for can be reported. EDQUOT: the user's limit of watches. EEXIST:
/// watched already. ENOENT: the object is dying. ESHUTDOWN: the queue has ended. ENOMEM. And what
/// [`Source::find`](super::ops::Source::find) gives.
pub(super) fn add<S: Listed>(queue: &Arc<Queue>, file: &File, request: &Request) -> Result<Added> {
    let state = S::state();
    let mask = plain_mask(request, S::EVENTS, state.offer().events)?;
    let if_there = IfThere::new(request.flags)?;
    let object = S::find(file, request)?;
    let place = S::place(&object)?;
    let watch = Watch::new(queue, plain_spec(request), mask, 0)?;
    let lease = state.lease()?;
    let needs = Iterator::chain(
        place
            .into_iter()
            .map(|place| Need::place(place, Class::Notify, role::OTHER)),
        iter::once(Need::number(state.watched(), S::number(&object))),
    );
    // `object` keeps it until the watch is there.
    enter(&watch, needs, Some(lease), if_there)
}

/// The mask of a request for a source whose events are `all`, of which this kernel gives `given`.
/// Such a source has one scope and knows no ignore mask, and of the flags only those that say
/// what ADD_WATCH is to do, and ONESHOT.
///
/// EOPNOTSUPP: none of the events can come on this kernel. EINVAL: anything else, or no event.
fn plain_mask(request: &Request, all: u32, given: u32) -> Result<u32> {
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
fn plain_spec(request: &Request) -> Spec {
    Spec {
        kind: request.kind,
        scope: 0,
        flags: request.flags & flag::ONESHOT,
        id: request.id,
        cookie: request.cookie,
    }
}
