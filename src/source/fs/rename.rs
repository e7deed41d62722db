// SPDX-License-Identifier: GPL-2.0

//! The records of a rename, and in which order one queue gets them.
//!
//! A watch that sees both directories gets both halves at once. Of those that see one of them only,
//! all old names come before the new ones; and one that sees the old directory and one that sees
//! the new one get their halves together, so that they are adjacent although they are of two
//! watches, both or none.
//!
//! Where watches look at the tree, it is frozen while they are asked and posted to. So what they
//! say of the two directories belongs together, the paths are those of that moment, and records of
//! renames are in the order in which they happened, as far as the tree goes. That costs a rename
//! that somebody sees a moment with the lock which it has just had already. How long a moment, is
//! bounded: by the number of subtrees that may be watched on a file system (`max_subtrees`), and by that of
//! the directories on the way (`rust/fs/dcache.rs`).

use super::{
    detail::{
        self,
        Common,
        Pair, //
    },
    event::{
        Shared,
        Side,
        View, //
    },
    MOVES, //
};
use crate::{
    mark::{
        Mark,
        Run, //
    },
    queue::watch::Watch,
    rust::{
        fs::dcache::Frozen,
        fsnotify::event::bit, //
    },
};
use kernel::sync::Arc;

/// Posts to the watches of `run`; `wanted` says which bits go to which of them, and `shared` makes
/// what all records share. `wide`: to find out means to look at the tree, which `wanted` is told
/// whether it is frozen.
#[inline(never)]
pub(super) fn post<'s, 'e: 's, 'r, const N: usize>(
    run: &Run<'r, Watch, N>,
    wide: bool,
    wanted: impl Fn(usize, &Mark<Watch>, bool) -> View,
    shared: impl FnOnce() -> &'s mut Shared<'e>,
) {
    let (mut any, mut flags) = (0, 0);
    run.for_each(|list, mark| {
        any |= wanted(list, mark, false).bits & MOVES;
        flags |= mark.watch().spec().flags;
    });
    if any == 0 {
        return;
    }
    let shared = shared();
    // May sleep, so before anything is frozen.
    let common = &Common::new(shared, flags, &[]);
    let _frozen = wide.then(Frozen::new);
    let bits = |list, mark: &Mark<Watch>| wanted(list, mark, wide).bits & MOVES;

    let (mut old, mut new) = (None::<&'r Arc<Watch>>, None::<&'r Arc<Watch>>);
    let mut more = false;
    run.for_each(|list, mark| match bits(list, mark) {
        bit::MOVED_FROM => {
            // The last of them waits for the first that sees the new name.
            if let Some(before) = old.replace(mark.watch()) {
                detail::post_half(shared, before, Side::Old, common);
            }
        }
        bit::MOVED_TO => {
            more |= new.is_some();
            new = new.or(Some(mark.watch()));
        }
        MOVES => {
            let (old, new) = (mark.watch(), mark.watch());
            detail::post_rename(shared, Pair { old, new }, common);
        }
        _ => {}
    });
    match (old, new) {
        (Some(old), Some(new)) => detail::post_rename(shared, Pair { old, new }, common),
        (Some(old), None) => detail::post_half(shared, old, Side::Old, common),
        (None, Some(new)) => detail::post_half(shared, new, Side::New, common),
        (None, None) => {}
    }
    if !more {
        return;
    }
    run.for_each(|list, mark| {
        let done = new.is_none_or(|new| Arc::ptr_eq(new, mark.watch()));
        if !done && bits(list, mark) == bit::MOVED_TO {
            detail::post_half(shared, mark.watch(), Side::New, common);
        }
    });
}
