// SPDX-License-Identifier: GPL-2.0

//! Posting to all watches in the list of an object, for the sources whose masks have a bit for each
//! subtype. Any context but NMI.

use crate::rust::prelude::*;
use crate::{
    mark::{
        Connector,
        Reader,
        Subscriber,
        Walk, //
    },
    queue::{
        ring::{
            Event,
            Records, //
        },
        watch::Watch,
        Queue, //
    },
};

/// Posts a record of type `kind` with this body to each watch in `lists` that wants its subtype.
pub(super) fn post<const N: usize>(
    reader: &Reader<'_, Watch>,
    lists: [Option<&Connector<Watch>>; N],
    kind: u32,
    subtype: u32,
    body: &[u64],
    name: &[u8],
) {
    let Some(bit) = 1u32.checked_shl(subtype) else {
        return;
    };
    let records = [Records {
        kind,
        subtypes: bit,
        base: 0,
        flags: 0,
        fixed: body,
        name,
    }];
    let event = Event { records: &records };
    each_watch(reader, lists, |watch| {
        if watch.mask() & bit != 0 {
            Queue::post_anywhere(watch, &event);
        }
    });
}

/// Calls `f` for every live watch in `lists`, of whatever type. Any context but NMI.
pub(super) fn each_watch<const N: usize>(
    reader: &Reader<'_, Watch>,
    lists: [Option<&Connector<Watch>>; N],
    mut f: impl FnMut(&Arc<Watch>),
) {
    let mut walk = Walk::new(reader, lists);
    while let Some(run) = walk.next_group() {
        run.for_each(|_, mark| {
            if !mark.watch().is_dead() {
                f(mark.watch());
            }
        });
    }
}
