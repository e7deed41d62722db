// SPDX-License-Identifier: GPL-2.0

//! Where an fsnotify mark can be: on which kind of object, in which class.
//!
//! A [`Place`] is a pointer with its kind, borrowed from what keeps it valid; [`on`] names the same
//! kinds as a callback meets them. Used by [`crate::rust::fsnotify::backend`] and by `crate::source`.
//!
//! C header: [`include/linux/fsnotify_backend.h`](srctree/include/linux/fsnotify_backend.h)

use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    fs::{
        mount_ns::MountNs,
        path::FdPath, //
    },
};
use core::marker::PhantomData;

/// The kind of mark a callback met: which of an event's objects it is on. The numbers are those of
/// `enum fsnotify_iter_type`.
pub(crate) mod on {
    /// The object of the event; for an event about a directory's entry, the directory.
    pub(crate) const INODE: usize = 0;
    /// The mount through which it happened.
    pub(crate) const MOUNT: usize = 1;
    /// The superblock on which it happened.
    pub(crate) const SB: usize = 2;
    /// The directory that has the object, and watches its children.
    pub(crate) const PARENT: usize = 3;
    /// The new directory of a rename.
    pub(crate) const INODE2: usize = 4;
    /// The mount namespace in which it happened.
    pub(crate) const MOUNT_NS: usize = 5;
}

/// When a group is called for one event, and what it may do: the classes of fsnotify, called from
/// the last to the first. An open is only looked at for permission when a mark of a class behind the
/// first is on its file system, so a group of those has marks only where a watch asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Is told what has happened.
    Notify = 0,
    /// Is asked for permission, with the content in place.
    Content = 1,
    /// Is asked before the content is there.
    PreContent = 2,
}

impl Class {
    /// Number of classes.
    pub(crate) const NR: usize = 3;

    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; Self::NR] = [Self::Notify, Self::Content, Self::PreContent];
}

/// What a kernel mark can be put on.
///
/// # Invariants
///
/// `object` is valid for `'a` and is what `kind`, one of `enum fsnotify_obj_type`, says.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    object: NonNull<c_void>,
    kind: c_uint,
    _path: PhantomData<&'a ()>,
}

impl<'a> Place<'a> {
    /// The inode that a path leads to.
    pub(crate) fn inode(path: &'a FdPath) -> Result<Self> {
        // INVARIANT: The path keeps its inode.
        Self::new(
            path.inode().cast(),
            bindings::fsnotify_obj_type_FSNOTIFY_OBJ_TYPE_INODE,
        )
    }

    /// The mount of a path.
    pub(crate) fn mount(path: &'a FdPath) -> Result<Self> {
        // INVARIANT: The path keeps its mount.
        Self::new(
            path.mount().cast(),
            bindings::fsnotify_obj_type_FSNOTIFY_OBJ_TYPE_VFSMOUNT,
        )
    }

    /// The superblock of a path.
    pub(crate) fn superblock(path: &'a FdPath) -> Result<Self> {
        // INVARIANT: The path keeps its mount, and that the superblock.
        Self::new(
            path.superblock().cast(),
            bindings::fsnotify_obj_type_FSNOTIFY_OBJ_TYPE_SB,
        )
    }

    /// A mount namespace.
    pub(crate) fn mount_ns(ns: &'a MountNs) -> Result<Self> {
        // INVARIANT: `ns` keeps it.
        Self::new(
            ns.as_ptr().cast(),
            bindings::fsnotify_obj_type_FSNOTIFY_OBJ_TYPE_MNTNS,
        )
    }

    /// ENOENT for a null pointer. The caller vouches for the invariants.
    fn new(object: *mut c_void, kind: bindings::fsnotify_obj_type) -> Result<Self> {
        Ok(Self {
            object: NonNull::new(object).ok_or(ENOENT)?,
            kind: kind as c_uint,
            _path: PhantomData,
        })
    }

    /// What it is: one of [`on`]'s `INODE`, `MOUNT`, `SB` and `MOUNT_NS`.
    pub(crate) fn on(&self) -> usize {
        match self.kind as bindings::fsnotify_obj_type {
            bindings::fsnotify_obj_type_FSNOTIFY_OBJ_TYPE_VFSMOUNT => on::MOUNT,
            bindings::fsnotify_obj_type_FSNOTIFY_OBJ_TYPE_SB => on::SB,
            bindings::fsnotify_obj_type_FSNOTIFY_OBJ_TYPE_MNTNS => on::MOUNT_NS,
            _ => on::INODE,
        }
    }

    /// Whether it is a directory: whether there may be children to be told of a mark.
    pub(super) fn is_dir(&self) -> bool {
        if self.on() != on::INODE {
            return false;
        }
        // SAFETY: By the type invariants it is an inode, whose type does not change.
        let mode = unsafe { (*self.object.cast::<bindings::inode>().as_ptr()).i_mode };
        u32::from(mode) & bindings::S_IFMT == bindings::S_IFDIR
    }

    /// What it is, for fsnotify.
    pub(in crate::rust) fn object(&self) -> *mut c_void {
        self.object.as_ptr()
    }

    /// Which kind of object, for fsnotify.
    pub(in crate::rust) fn kind(&self) -> c_uint {
        self.kind
    }
}
