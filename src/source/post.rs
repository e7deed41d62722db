// SPDX-License-Identifier: GPL-2.0

//! Posting one record to everybody who watches an object, for the sources whose objects are in a
//! [`crate::mark::Table`] and whose masks have a bit for each subtype. Any context but NMI.

use crate::{
    mark::{
        Connector,
        Reader,
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
    let mut walk = Walk::new(reader, lists);
    while let Some(run) = walk.next_group() {
        run.for_each(|_, mark| {
            if mark.watch().mask() & bit != 0 {
                Queue::post_anywhere(mark.watch(), &event);
            }
        });
    }
}
