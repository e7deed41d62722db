// SPDX-License-Identifier: GPL-2.0

//! What stands for a watched inode, mount, superblock or mount namespace: the kernel's mark and our
//! connector, one allocation.
//!
//! The kernel's mark says that the place is watched, and pins an inode; fsnotify decides which of
//! two racing marks is first and when the memory may go. Our connector has the marks of all queues.
//! When the last of them goes, the kernel's mark is destroyed from a workqueue; when what it is on
//! dies, fsnotify tells us and every watch in the list ends. There is one such object for each
//! place and class.

use crate::rust::prelude::*;
use crate::{
    mark::{
        Connected,
        Object, //
    },
    queue::watch::Watch,
    rust::{
        fs::mount_ns::MntNsFromDentry,
        fsnotify::{
            backend::{
                Group,
                MarkHold, //
            },
            lsm::LsmPathNotify,
            mark::{
                impl_has_kernel_mark,
                KernelMark, //
            },
            place::{
                on,
                Class,
                Place, //
            },
            user_waits::UserWaits, //
        },
        mm::kmem_cache::KmemCache,
        sync::workqueue::OwnedQueue, //
    },
};

/// A watched place.
pub(in crate::source) type FsObject = Connected<Watch, Watched>;

/// The place's side of an [`FsObject`].
///
/// It has no reference to an inode and none to a mount, superblock or namespace, nor has anything else
/// of this module for longer than a system call: what pins an inode is fsnotify's connector, which
/// lets go when the inode or its file system does, first of the inode, then of the count that umount
/// waits for (nothing of ours could be in the wrong order).
pub(crate) struct Watched {
    kernel: KernelMark<FsObject>,
    class: Class,
    /// Why the watches will end, as far as it is known.
    doom: Atomic<u32>,
}

/// Why the watches on a place will end.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Doom {
    /// Not known yet.
    Unknown = 0,
    /// The file or the namespace is gone.
    Deleted = 1,
    /// The file system is being unmounted.
    Unmounted = 2,
}

impl Watched {
    /// Why the watches will end, as far as it is known.
    pub(super) fn doom(&self) -> Doom {
        match self.doom.load(Relaxed) {
            1 => Doom::Deleted,
            2 => Doom::Unmounted,
            _ => Doom::Unknown,
        }
    }

    /// Remembers why the watches will end.
    pub(super) fn set_doom(&self, doom: Doom) {
        self.doom.store(doom as u32, Relaxed);
    }
}

impl_has_kernel_mark!(FsObject, object.kernel);

/// A reference to an [`FsObject`] that keeps its memory.
pub(in crate::source) type Hold = MarkHold<Fs>;

/// The state of the source.
#[pin_data]
pub(crate) struct Fs {
    // Dropped in this order: the groups wait for their objects, then the cache may go.
    #[pin]
    notify: Group<Fs>,
    #[pin]
    content: Group<Fs>,
    #[pin]
    pre_content: Group<Fs>,
    pub(super) objects: KmemCache<FsObject>,
    lsm: LsmPathNotify,
    mount_ns: Option<MntNsFromDentry>,
    waits: Option<UserWaits>,
}

impl Fs {
    /// Registers with fsnotify. What sleeps runs on `queue`.
    pub(crate) fn new(queue: Arc<OwnedQueue>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            notify <- Group::new(Class::Notify, queue.clone()),
            content <- Group::new(Class::Content, queue.clone()),
            pre_content <- Group::new(Class::PreContent, queue),
            objects: KmemCache::new(c"watch_queue_fs")?,
            lsm: LsmPathNotify::get(),
            mount_ns: MntNsFromDentry::get(),
            waits: UserWaits::get(),
        })
    }

    /// The kernel group for objects of a class. One for each, so that all marks of one event are met in
    /// one call: what a queue ignores by one watch, it ignores by all. Its lock is held for as long as it
    /// takes to put a mark into a list, never while children are told (`crate::rust::fsnotify::mask`), so
    /// one for all users is enough. A group without marks costs its memory and nothing else.
    pub(in crate::source) fn group(&self, class: Class) -> &Group<Fs> {
        match class {
            Class::Notify => &self.notify,
            Class::Content => &self.content,
            Class::PreContent => &self.pre_content,
        }
    }

    /// The kernel group of an object.
    pub(super) fn group_of(&self, object: &FsObject) -> &Group<Fs> {
        self.group(object.object.class)
    }

    /// The LSM hook for watches on paths.
    pub(crate) fn lsm(&self) -> &LsmPathNotify {
        &self.lsm
    }

    /// What it takes to ask for permission, if this kernel allows it.
    pub(crate) fn waits(&self) -> Option<&UserWaits> {
        self.waits.as_ref()
    }

    /// The way from a descriptor to a mount namespace, if the kernel has it.
    pub(in crate::source) fn mount_ns(&self) -> Option<&MntNsFromDentry> {
        self.mount_ns.as_ref()
    }

    /// A new object for `place`, where it is not yet.
    pub(in crate::source) fn alloc(&self, class: Class, place: Place<'_>) -> Result<Hold> {
        // The end of an inode is announced, if it is one; the others have only one end.
        let doom = match place.on() {
            on::INODE => Doom::Unknown,
            on::MOUNT_NS => Doom::Deleted,
            _ => Doom::Unmounted,
        };
        self.group(class).alloc(FsObject::new(Ok(Watched {
            kernel: KernelMark::uninit(),
            class,
            doom: Atomic::new(doom as u32),
        })))
    }
}

impl Object<Watch> for Watched {
    fn changed(this: &FsObject) {
        crate::FS
            .get()
            .group_of(this)
            .update_mask(this, || this.connector.union());
    }

    fn less(this: &FsObject) {
        crate::FS
            .get()
            .group_of(this)
            .narrow(this, || this.connector.union());
    }

    fn unneeded(this: &FsObject) {
        crate::FS.get().group_of(this).retire(this);
    }
}
