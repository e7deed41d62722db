// SPDX-License-Identifier: GPL-2.0

//! The record of an event: what all records of one event share, and what one of them adds.

use super::site::Side;
use crate::rust::prelude::*;
use crate::{
    queue::{
        ring::{
            Event as Post,
            Records, //
        },
        watch::Watch,
        Queue, //
    },
    ring::{
        record::{
            info,
            kind,
            word, //
        },
        SLOT_BYTES, //
    },
    rust::{
        fs::text::Text,
        fsnotify::event::{
            bit,
            rename_cookie,
            Event, //
        }, //
    },
};

/// Length of `struct fs_notification` in slots, without the first.
pub(super) const FIXED_WORDS: usize = 5;

/// Longest name: NAME_MAX of the VFS. A few file systems (FUSE) allow longer ones, which are left out.
pub(super) const NAME_MAX: usize = 255;

/// The words of a record behind its first.
pub(super) type Fixed = [u64; FIXED_WORDS];

/// What all records of one event share.
pub(super) struct Shared<'a> {
    pub(super) event: &'a Event<'a>,
    inode: u64,
    device_and_mask: u64,
    flags: u32,
    rename_cookie: u32,
    /// The name of what the event is about; of a rename, the old one.
    name: &'a [u8],
    /// The new name of a rename.
    new_name: &'a [u8],
}

/// One record's part of an event: of a rename, one of its halves.
pub(super) struct Half<'n, F = &'n [u64]> {
    pub(super) flags: u32,
    pub(super) fixed: F,
    pub(super) name: &'n [u8],
}

impl<'n, F> Half<'n, F> {
    #[inline]
    pub(super) fn records(self, subtypes: u32) -> Records<'n, F> {
        Records {
            kind: kind::FS,
            subtypes,
            base: 0,
            flags: self.flags,
            fixed: self.fixed,
            name: self.name,
        }
    }
}

/// A name that a record can hold, or none.
pub(super) fn usable(name: Option<&[u8]>) -> &[u8] {
    name.filter(|name| name.len() <= NAME_MAX).unwrap_or(&[])
}

/// `name_off`, `name_len`, `handle_off` and `handle_len`: a handle of `handle` bytes and a name of
/// `name` bytes, each of which may be missing, behind the fixed part and `extra` more words.
pub(super) fn places(extra: usize, handle: usize, name: usize) -> u64 {
    let start = (FIXED_WORDS + 1 + extra) * SLOT_BYTES;
    let behind = start + handle.next_multiple_of(SLOT_BYTES);
    let place = |off: usize, len: usize| match (off as u32, len as u32) {
        (_, 0) => 0,
        (off, len) if cfg!(target_endian = "little") => off | len << 16,
        (off, len) => off << 16 | len,
    };
    word(place(behind, name), place(start, handle))
}

impl<'a> Shared<'a> {
    pub(super) fn new(event: &'a Event<'a>, bits: u32, name: &'a [u8]) -> Self {
        let inode = event.inode();
        let rename = event.mask() & bit::RENAME != 0;
        let isdir = event.mask() & bit::ISDIR;
        Self {
            event,
            inode: inode.number,
            device_and_mask: word(inode.device, bits | isdir),
            flags: if isdir != 0 { info::FLAG_0 } else { 0 },
            rename_cookie: if rename { rename_cookie() } else { 0 },
            name,
            new_name: usable(event.new_name()),
        }
    }

    /// The words of a record for `watch`; `places` as from the function of that name.
    #[inline]
    pub(super) fn fixed(&self, watch: &Watch, places: u64) -> Fixed {
        [
            watch.cookie(),
            self.inode,
            self.device_and_mask,
            word(watch.queue().opener().pid(), self.rename_cookie),
            places,
        ]
    }

    /// `info` of the records, but for what the queue adds.
    #[inline]
    pub(super) fn flags(&self, below: bool) -> u32 {
        self.flags | if below { info::IN_SUBTREE } else { 0 }
    }

    /// The name of a side.
    pub(super) fn name(&self, side: Side) -> &'a [u8] {
        match side {
            Side::Old => self.name,
            Side::New => self.new_name,
        }
    }

    /// One half of a rename, for a watch that wants no details.
    #[inline]
    fn half(&self, watch: &Watch, side: Side) -> Records<'a, Fixed> {
        let name = self.name(side);
        let half = Half {
            flags: self.flags(true),
            fixed: self.fixed(watch, places(0, 0, name.len())),
            name,
        };
        half.records(match side {
            Side::Old => bit::MOVED_FROM,
            Side::New => bit::MOVED_TO,
        })
    }

    /// Posts both halves of a rename to a watch that wants no details, or one of them.
    pub(super) fn post_halves(&self, watch: &Arc<Watch>, only: Option<Side>) {
        match only {
            None => {
                let records = &[self.half(watch, Side::Old), self.half(watch, Side::New)];
                Queue::post(watch, &Post { records });
            }
            Some(side) => {
                let records = &[self.half(watch, side)];
                Queue::post(watch, &Post { records });
            }
        }
    }
}

/// The name of what an event is about.
pub(super) fn name<'t>(event: &Event<'t>, text: &'t mut Text<NAME_MAX>) -> &'t [u8] {
    if let Some(name) = event.name() {
        return usable(Some(name));
    }
    if let Some(spot) = event.spot() {
        spot.prepend_name(text);
    }
    text.as_bytes()
}
