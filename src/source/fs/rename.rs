// SPDX-License-Identifier: GPL-2.0

//! The records of a rename, and in which order one queue gets them.
//!
//! A watch that sees both directories gets both halves at once. Of those that see one of them only,
//! all old names come before the new ones; and one that sees the old directory and one that sees
//! the new one get their halves together, so that they are adjacent although they are of two
//! watches, both or none.
//!
//! Where the directories are, seen from the roots of subtrees, is found out before, for both at one moment
//! and for all watches ([`super::view::Roots`]), and nothing is held while they are asked. A path
//! has to be right when its record enters the ring: the tree is frozen only for as long as that
//! takes ([`detail`]).

use super::{
    bits::MOVES,
    detail::{
        self,
        Common,
        Pair, //
    },
    record::Shared,
    site::Side,
    view::View, //
};
use crate::rust::prelude::*;
use crate::{
    mark::{
        Mark,
        Run, //
    },
    queue::watch::Watch,
    rust::fsnotify::event::bit,
};

/// So many watches of a queue that see the new name only wait for all that see the old one. Further ones get
/// their record at once.
const LATER: usize = 16;

/// Posts to the watches of `run`; `wanted` says which bits go to which of them, and `shared` makes
/// what all records share.
#[inline(never)]
pub(super) fn post<'s, 'e: 's, 'r, const N: usize>(
    run: &Run<'r, Watch, N>,
    wanted: impl Fn(usize, &Mark<Watch>) -> View,
    shared: impl FnOnce() -> &'s mut Shared<'e>,
) {
    let (mut any, mut flags) = (0, 0);
    run.for_each(|list, mark| {
        any |= wanted(list, mark).bits & MOVES;
        flags |= mark.watch().spec().flags;
    });
    if any == 0 {
        return;
    }
    let shared = shared();
    // May sleep, so before anything is frozen.
    let common = &Common::new(shared, flags, &[]);

    // Each watch is judged once from here on: its masks may be changed at any time, and what was posted for it
    // before must not be posted again.
    let mut old = None::<&'r Arc<Watch>>;
    let mut new = [const { None::<&'r Arc<Watch>> }; LATER];
    let mut waiting = 0;
    run.for_each(|list, mark| match wanted(list, mark).bits & MOVES {
        bit::MOVED_FROM => {
            // The last of them waits for the first that sees the new name.
            if let Some(before) = old.replace(mark.watch()) {
                detail::post_half(shared, before, Side::Old, common);
            }
        }
        bit::MOVED_TO => match new.get_mut(waiting) {
            Some(place) => {
                *place = Some(mark.watch());
                waiting = waiting.saturating_add(1);
            }
            None => detail::post_half(shared, mark.watch(), Side::New, common),
        },
        MOVES => {
            let (old, new) = (mark.watch(), mark.watch());
            detail::post_rename(shared, Pair { old, new }, common);
        }
        _ => {}
    });
    let mut new = new.into_iter().flatten();
    match (old, new.next()) {
        (Some(old), Some(new)) => detail::post_rename(shared, Pair { old, new }, common),
        (Some(old), None) => detail::post_half(shared, old, Side::Old, common),
        (None, Some(new)) => detail::post_half(shared, new, Side::New, common),
        (None, None) => {}
    }
    for watch in new {
        detail::post_half(shared, watch, Side::New, common);
    }
}
