// SPDX-License-Identifier: GPL-2.0

//! Records that say more: a path in place of the name, a file handle.
//!
//! For watches that ask for it, and kept apart from the short way that other events go. Nothing is
//! allocated: everything is put together on the stack, in the words of the record.

use super::{
    event::{
        places,
        send,
        Fixed,
        Half,
        Shared,
        View,
        FIXED_WORDS, //
    },
    scope,
    wide::Site,
    EXCL_UNLINK,
    FILE_HANDLE,
    PATH, //
};
use crate::{
    queue::watch::Watch,
    ring::{
        record::info,
        MAX_RECORD_SLOTS,
        SLOT_BYTES, //
    },
    rust::{
        dcache::Top,
        file_handle::{
            FileHandle,
            MAX_WORDS, //
        },
        text::Text, //
    },
};
use kernel::sync::Arc;

/// In the type's flags of a record: the path is missing.
const TRUNCATED: u32 = info::FLAG_0 << 1;

/// Longest path that a record without a handle can hold; a NUL follows it.
const PATH_MAX: usize = (MAX_RECORD_SLOTS as usize - 1 - FIXED_WORDS) * SLOT_BYTES - 1;

/// A path relative to what is watched.
type Path = Text<PATH_MAX>;

/// The words of a record behind its first: the fixed ones, then the handle.
struct Body {
    words: [u64; FIXED_WORDS + MAX_WORDS],
    used: usize,
}

impl Body {
    fn new(fixed: Fixed, handle: &[u64]) -> Self {
        let mut words = [0; FIXED_WORDS + MAX_WORDS];
        for (to, from) in words.iter_mut().zip(fixed.iter().chain(handle)) {
            *to = *from;
        }
        Self {
            words,
            used: FIXED_WORDS + handle.len(),
        }
    }

    fn as_slice(&self) -> &[u64] {
        self.words.get(..self.used).unwrap_or(&[])
    }
}

/// What stands in the name field of a record.
struct Named<'n> {
    name: &'n [u8],
    path: Path,
    /// `info` of the record.
    flags: u32,
}

impl<'n> Named<'n> {
    /// `name` is that of what the event is about, `site` where that is; `room` is what fits.
    #[inline]
    fn new(
        shared: &Shared<'_>,
        watch: &Watch,
        below: bool,
        name: &'n [u8],
        site: Site<'_>,
        room: usize,
    ) -> Self {
        let mut this = Self {
            name: if below { name } else { &[] },
            path: Path::new(),
            flags: shared.flags(below),
        };
        let spec = watch.spec();
        let top = match spec.scope {
            _ if spec.flags & PATH == 0 || !below => None,
            scope::SUBTREE => Some(Top::Directory(watch.root())),
            scope::MOUNT => shared.event.mount_top(),
            scope::SB => Some(Top::FileSystem),
            // The name is the path.
            _ => None,
        };
        let found = match (top, site) {
            (None, _) | (_, Site::Unknown) => true,
            (Some(top), Site::Entry(dir)) => {
                this.path.prepend(name) && dir.prepend_path(top, &mut this.path)
            }
            (Some(top), Site::Object(spot)) => spot.prepend_path(top, &mut this.path),
        };
        if !found || this.path.as_bytes().len() > room {
            this.path = Path::new();
            this.flags |= TRUNCATED;
        }
        this
    }

    fn as_bytes(&self) -> &[u8] {
        match self.path.as_bytes() {
            [] => self.name,
            path => path,
        }
    }
}

/// The parts of records that both halves of a rename share.
struct Common {
    handle: Option<FileHandle>,
}

impl Common {
    fn handle(&self) -> &[u64] {
        self.handle.as_ref().map_or(&[], FileHandle::words)
    }

    /// How long a name may be beside the handle.
    fn room(&self) -> usize {
        PATH_MAX.saturating_sub(self.handle().len() * SLOT_BYTES)
    }

    fn body(&self, shared: &Shared<'_>, watch: &Watch, name: &[u8]) -> Body {
        let len = self.handle.as_ref().map_or(0, FileHandle::len);
        Body::new(shared.fixed(watch, places(len, name.len())), self.handle())
    }
}

/// Posts the records for the bits of `view` to a watch with a flag that asks for more.
#[inline(never)]
pub(super) fn post(shared: &Shared<'_>, watch: &Arc<Watch>, view: View) {
    let event = shared.event;
    let flags = watch.spec().flags;
    if flags & EXCL_UNLINK != 0 && event.unlinked() {
        return;
    }
    let common = Common {
        handle: match flags & FILE_HANDLE {
            0 => None,
            _ => event.inode_ref().and_then(FileHandle::of),
        },
    };
    match shared.new_name {
        None => post_one(shared, watch, view, &common),
        Some(new_name) => post_rename(shared, watch, view, &common, new_name),
    }
}

#[inline(never)]
fn post_one(shared: &Shared<'_>, watch: &Arc<Watch>, view: View, common: &Common) {
    let site = Site::of(shared.event);
    let named = Named::new(shared, watch, view.below, shared.name, site, common.room());
    let body = common.body(shared, watch, named.as_bytes());
    let half = Half {
        flags: named.flags,
        fixed: body.as_slice(),
        name: named.as_bytes(),
    };
    send(watch, view.bits, half, None);
}

#[inline(never)]
fn post_rename(
    shared: &Shared<'_>,
    watch: &Arc<Watch>,
    view: View,
    common: &Common,
    new_name: &[u8],
) {
    let (old_site, new_site) = Site::of_rename(shared.event);
    let room = common.room();
    let old = Named::new(shared, watch, view.below, shared.name, old_site, room);
    let new = Named::new(shared, watch, view.below, new_name, new_site, room);
    let old_body = common.body(shared, watch, old.as_bytes());
    let new_body = common.body(shared, watch, new.as_bytes());
    let old = Half {
        flags: old.flags,
        fixed: old_body.as_slice(),
        name: old.as_bytes(),
    };
    let new = Half {
        flags: new.flags,
        fixed: new_body.as_slice(),
        name: new.as_bytes(),
    };
    send(watch, view.bits, old, Some(new));
}
