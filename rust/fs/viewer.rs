// SPDX-License-Identifier: GPL-2.0

//! What a user may see of a tree of directories, by the rights that hold now.
//!
//! A watch on a subtree that was added without privileges tells only what its opener, and the task that added
//! it, could have found out with a watch on each directory: all directories from the root of the subtree down
//! to that of the event may be read and searched by both. That is asked when an event happens, with the
//! tree read as in [`super::dcache`], by `inode_permission()` as a path is looked up under RCU: nothing sleeps,
//! and what could not be told without sleeping counts as no (an ACL that is not cached, FUSE, most network
//! file systems). `MAY_ACCESS` says that nothing is being done, as access(2) does: LSMs have rules of their own
//! for whether that is worth a line in the audit log. Used by `crate::source::fs`.
//!
//! C headers: [`include/linux/fs.h`](srctree/include/linux/fs.h),
//! [`include/linux/mnt_idmapping.h`](srctree/include/linux/mnt_idmapping.h)

use super::{
    dcache::{
        climb,
        inode_of,
        parent_of,
        InodeKey,
        Spot,
        Top, //
    },
    path::FdPath,
    rename_lock::Still, //
};
use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    task::cred::{
        self,
        with_creds, //
    },
};
use kernel::{
    cred::Credential,
    fs::File,
    sync::{
        aref::ARef,
        rcu, //
    }, //
};

/// So often the tree is looked at while it is renamed all the time.
pub(crate) const ATTEMPTS: usize = 64;

/// How the ids of a mount are mapped.
///
/// # Invariants
///
/// The reference that the pointer stands for is ours.
struct Idmap(NonNull<bindings::mnt_idmap>);

// SAFETY: An idmap does not change, and its count is atomic.
unsafe impl Send for Idmap {}
// SAFETY: An idmap does not change, and its count is atomic.
unsafe impl Sync for Idmap {}

impl Drop for Idmap {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the reference is ours, and given back once.
        unsafe { bindings::mnt_idmap_put(self.0.as_ptr()) };
    }
}

/// The two whose rights decide, and through which mount they look.
pub(crate) struct Viewer {
    opener: ARef<Credential>,
    caller: ARef<Credential>,
    idmap: Idmap,
}

/// Tells viewers apart: those that are equal see the same. To be compared while both exist.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ViewerKey([usize; 3]);

/// Where to begin.
#[derive(Clone, Copy)]
pub(crate) enum From<'a> {
    /// At this directory.
    Directory(Spot<'a>),
    /// At the directory that has this.
    Object(Spot<'a>),
}

impl Viewer {
    /// The opener of `file` and the current task, through the mount of `path`. Process context.
    pub(crate) fn new(file: &File, path: &FdPath) -> Result<Self> {
        // SAFETY: The mount is valid for as long as `path`.
        let idmap = unsafe { bindings::wqd_mount_idmap(path.mount()) };
        // Every mount has one.
        let idmap = NonNull::new(idmap).ok_or(EINVAL)?;
        Ok(Self {
            opener: file.cred().into(),
            caller: cred::current(),
            // INVARIANT: The reference that was returned is ours.
            idmap: Idmap(idmap),
        })
    }

    /// To be compared with that of another.
    pub(crate) fn key(&self) -> ViewerKey {
        let address = |cred: &Credential| cred.as_ptr() as usize;
        ViewerKey([
            address(&self.opener),
            address(&self.caller),
            self.idmap.0.as_ptr() as usize,
        ])
    }

    /// Whether all directories from `top` down to where `from` begins may be read and searched, at one moment.
    /// Process context, also inside read sections; no spinlocks.
    pub(crate) fn sees(&self, from: From<'_>, top: InodeKey) -> bool {
        for _ in 0..ATTEMPTS {
            let still = Still::now();
            let seen = self.sees_now(from, top);
            if still.holds() {
                return seen;
            }
        }
        false
    }

    /// As [`Self::sees`]; what it says counts only if nothing was renamed meanwhile.
    pub(crate) fn sees_now(&self, from: From<'_>, top: InodeKey) -> bool {
        let both = [&self.opener, &self.caller];
        let same = self.opener.as_ptr() == self.caller.as_ptr();
        both.into_iter()
            .skip(usize::from(same))
            .all(|cred| with_creds(cred, || self.may_search(from, top)))
    }

    /// For the current credentials.
    fn may_search(&self, from: From<'_>, top: InodeKey) -> bool {
        let rcu = rcu::read_lock();
        let start = match from {
            From::Directory(spot) => spot.dentry(&rcu),
            From::Object(spot) => spot
                .dentry(&rcu)
                // SAFETY: The section keeps it: it was in the tree after it began.
                .and_then(|at| NonNull::new(unsafe { parent_of(at) })),
        };
        let Some(start) = start else {
            return false;
        };
        let top = Top::Directory(top);
        let mut seen = false;
        let visit = |at| {
            // SAFETY: The section keeps what is visited: it was in the tree after it began.
            let inode = unsafe { inode_of(at) };
            // SAFETY: An inode that was of a dentry after the section began is not freed in it; the idmap is
            // valid by its type invariant.
            let may = !inode.is_null()
                && unsafe { bindings::wqd_may_search(self.idmap.0.as_ptr(), inode) };
            // SAFETY: The section keeps what is visited: it was in the tree after it began.
            seen = may && unsafe { top.is(at) };
            may && !seen
        };
        // SAFETY: The section keeps `start`, which was in the tree after it began, and so what is
        // above it.
        unsafe { climb(&rcu, start, visit) };
        seen
    }
}

impl ViewerKey {
    /// Of no viewer.
    pub(crate) const NONE: Self = Self([0; 3]);
}
