// SPDX-License-Identifier: GPL-2.0

//! Records that say more: a path in place of the name, a file handle, a question.
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
    queue::{
        permission::Posted,
        ring::Event as Post,
        watch::Watch,
        Queue, //
    },
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
        fsnotify_event::Event,
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

/// What a question says behind the fixed words: request, deadline, first byte, length.
pub(super) type Extra = [u64; 4];

const BODY_WORDS: usize = FIXED_WORDS + 4 + MAX_WORDS;

/// The words of a record behind its first: the fixed ones, those of a question, the handle.
struct Body {
    words: [u64; BODY_WORDS],
    used: usize,
}

impl Body {
    fn new(fixed: Fixed, extra: &[u64], handle: &[u64]) -> Self {
        let mut words = [0; BODY_WORDS];
        let all = fixed.iter().chain(extra).chain(handle);
        for (to, from) in words.iter_mut().zip(all) {
            *to = *from;
        }
        Self {
            words,
            used: FIXED_WORDS + extra.len() + handle.len(),
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
struct Common<'e> {
    extra: &'e [u64],
    handle: Option<FileHandle>,
}

impl<'e> Common<'e> {
    fn new(event: &Event<'_>, flags: u32, extra: &'e [u64]) -> Self {
        let handle = match flags & FILE_HANDLE {
            0 => None,
            _ => event.inode_ref().and_then(FileHandle::of),
        };
        Self { extra, handle }
    }

    fn handle(&self) -> &[u64] {
        self.handle.as_ref().map_or(&[], FileHandle::words)
    }

    /// How long a name may be beside the rest.
    fn room(&self) -> usize {
        let words = self.extra.len() + self.handle().len();
        PATH_MAX.saturating_sub(words * SLOT_BYTES)
    }

    fn body(&self, shared: &Shared<'_>, watch: &Watch, name: &[u8]) -> Body {
        let len = self.handle.as_ref().map_or(0, FileHandle::len);
        let places = places(self.extra.len(), len, name.len());
        Body::new(shared.fixed(watch, places), self.extra, self.handle())
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
    let common = Common::new(event, flags, &[]);
    match shared.new_name {
        None => with_half(shared, watch, view, &common, |half| {
            send(watch, view.bits, half, None);
        }),
        Some(new_name) => post_rename(shared, watch, view, &common, new_name),
    }
}

/// Posts the record of a question to a watch, and says what became of it.
pub(super) fn post_question(
    shared: &Shared<'_>,
    watch: &Arc<Watch>,
    view: View,
    extra: &Extra,
) -> Posted {
    let common = Common::new(shared.event, watch.spec().flags, extra);
    with_half(shared, watch, view, &common, |half| {
        let one = [half.records(view.bits)];
        Queue::post_question(watch, &Post { records: &one })
    })
}

/// Calls `f` with the one part that an event has which is no rename.
#[inline(never)]
fn with_half<R>(
    shared: &Shared<'_>,
    watch: &Watch,
    view: View,
    common: &Common<'_>,
    f: impl FnOnce(Half<'_>) -> R,
) -> R {
    let site = Site::of(shared.event);
    let named = Named::new(shared, watch, view.below, shared.name, site, common.room());
    let body = common.body(shared, watch, named.as_bytes());
    let half = Half {
        flags: named.flags,
        fixed: body.as_slice(),
        name: named.as_bytes(),
    };
    f(half)
}

#[inline(never)]
fn post_rename(
    shared: &Shared<'_>,
    watch: &Arc<Watch>,
    view: View,
    common: &Common<'_>,
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
