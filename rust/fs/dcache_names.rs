// SPDX-License-Identifier: GPL-2.0

//! The other names of what was reached by a file handle.
//!
//! A file that is opened by its handle while none of its names is in the dentry cache gets a dentry with
//! no directory above it, and keeps that when it is looked up by name later: then it has another
//! dentry, with a place. An NFS server opens files like that. So to find where such a file is, all
//! its dentries are looked at ([`super::dcache`] says what each of them tells).
//!
//! The list of dentries is read under the inode's lock, the tree above them as it always is.
//!
//! C header: [`include/linux/dcache.h`](srctree/include/linux/dcache.h)

use super::{
    dcache::{
        inode_of,
        position_of,
        prepend_path_of,
        InodeKey,
        Path,
        Position,
        Spot,
        Top, //
    },
    rename_lock::Still,
    text::Text, //
};
use crate::rust::bindings;
use crate::rust::prelude::*;
use core::marker::PhantomData;
use kernel::sync::rcu;

/// Attempts, if something is renamed at that very moment.
const ATTEMPTS: usize = 8;

/// Most names that are looked at.
const MAX_NAMES: u32 = 64;

/// The lock of an inode's list of dentries, held.
struct Names<'a> {
    inode: NonNull<bindings::inode>,
    _rcu: PhantomData<&'a rcu::Guard>,
}

impl<'a> Names<'a> {
    /// Of what `spot` leads to, if it is no directory: those have one dentry.
    fn of(spot: &Spot<'_>, rcu: &'a rcu::Guard) -> Option<Self> {
        let dentry = spot.dentry(rcu)?;
        // SAFETY: The section keeps the dentry.
        let inode = NonNull::new(unsafe { inode_of(dentry) }.cast_mut())?;
        // SAFETY: The inode was of a dentry after the section began, so it is not freed in it.
        unsafe { bindings::wqd_lock_aliases(inode.as_ptr()) };
        Some(Self {
            inode,
            _rcu: PhantomData,
        })
    }

    /// The dentries that have a name, [`MAX_NAMES`] at most.
    fn iter(&self) -> impl Iterator<Item = NonNull<bindings::dentry>> + use<'_, 'a> {
        let next = |previous| {
            // SAFETY: The lock keeps the list; `previous` is null or in it.
            NonNull::new(unsafe { bindings::wqd_next_name(self.inode.as_ptr(), previous) })
        };
        core::iter::successors(next(core::ptr::null_mut()), move |at| next(at.as_ptr()))
            .take(MAX_NAMES as usize)
    }

    /// How many names the file has on its file system.
    fn count(&self) -> u32 {
        // SAFETY: The inode can be read.
        unsafe { bindings::wqd_inode_nlink(self.inode.as_ptr()) }
    }
}

impl Drop for Names<'_> {
    fn drop(&mut self) {
        // SAFETY: Taken in `of()`; the section goes on.
        unsafe { bindings::wqd_unlock_aliases(self.inode.as_ptr()) };
    }
}

impl Spot<'_> {
    /// Whether another name of it is known.
    pub(super) fn has_other_names(&self, rcu: &rcu::Guard) -> bool {
        Names::of(self, rcu).is_some_and(|names| names.iter().next().is_some())
    }

    /// Where it is by its other names: inside `top`, if one of them is; outside only if all of them are
    /// known, and outside.
    #[cold]
    pub(super) fn seen_by_other_names(&self, rcu: &rcu::Guard, top: InodeKey) -> Position {
        for _ in 0..ATTEMPTS {
            let still = Still::now();
            let Some(names) = Names::of(self, rcu) else {
                break;
            };
            let mut outside = 0;
            let inside = names.iter().any(|dentry| {
                // SAFETY: It was in the list after the section began.
                let position = unsafe { position_of(rcu, dentry, top) };
                outside += u32::from(position == Position::Outside);
                position == Position::Below
            });
            let all = outside != 0 && outside >= names.count();
            drop(names);
            if still.holds() {
                return match (inside, all) {
                    (true, _) => Position::Below,
                    (false, true) => Position::Outside,
                    (false, false) => Position::Unknown,
                };
            }
        }
        Position::Unknown
    }

    /// The path from `top` to it by another name, as [`Spot::prepend_path`].
    #[cold]
    pub(super) fn prepend_other_path<const N: usize>(
        &self,
        rcu: &rcu::Guard,
        top: Top,
        text: &mut Text<N>,
    ) -> Path {
        let Some(names) = Names::of(self, rcu) else {
            return Path::Adrift;
        };
        let mut came = Path::Adrift;
        for dentry in names.iter() {
            let mut path = Text::<N>::new();
            // SAFETY: It was in the list after the section began.
            match unsafe { prepend_path_of(rcu, dentry, top, &mut path) } {
                Path::Found => {
                    return match text.prepend(path.as_bytes()) {
                        true => Path::Found,
                        false => Path::TooLong,
                    };
                }
                Path::TooLong => came = Path::TooLong,
                _ => {}
            }
        }
        came
    }
}
