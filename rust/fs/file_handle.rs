// SPDX-License-Identifier: GPL-2.0

//! File handles: what names a file for ever, whatever it is called.
//!
//! The bytes are those of `name_to_handle_at(2)`, and `open_by_handle_at(2)` takes them. Used by
//! `crate::source::fs` for records.
//!
//! C header: [`include/linux/exportfs.h`](srctree/include/linux/exportfs.h)

use super::path::FdPath;
use crate::rust::bindings;
use crate::rust::prelude::*;
use core::marker::PhantomData;

/// Longest handle of a file system, in bytes: `MAX_HANDLE_SZ`.
const MAX_BYTES: usize = 128;

/// Longest `struct file_handle`, in words of eight bytes: length, type, and the handle.
pub(crate) const MAX_WORDS: usize = (HEADER_BYTES + MAX_BYTES) / 8;

/// Bytes before the handle itself.
const HEADER_BYTES: usize = 8;

/// Whether the file system of `path` can open files by their handles.
pub(crate) fn supported(path: &FdPath) -> bool {
    // SAFETY: The path keeps its superblock.
    unsafe { bindings::wqd_can_decode_fh(path.superblock()) }
}

/// An inode that is kept by a reference.
///
/// # Invariants
///
/// It is valid for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct InodeRef<'a>(*mut bindings::inode, PhantomData<&'a ()>);

impl InodeRef<'_> {
    /// # Safety
    ///
    /// `inode` is valid for `'a`.
    pub(in crate::rust) unsafe fn new(inode: *mut bindings::inode) -> Self {
        // INVARIANT: The caller vouches for it.
        Self(inode, PhantomData)
    }
}

/// A `struct file_handle`, padded with zeros to whole words.
pub(crate) struct FileHandle {
    words: [u64; MAX_WORDS],
    bytes: usize,
}

impl FileHandle {
    /// The handle of an inode; `None` if its file system gives none. Process context, may sleep:
    /// some file systems have to look things up.
    pub(crate) fn of(inode: InodeRef<'_>) -> Option<Self> {
        let mut words = [0u64; MAX_WORDS];
        // In units of four bytes, for the handle alone; the file system makes it what it has used.
        let mut len = (MAX_BYTES / 4) as c_int;
        let fid = words.get_mut(HEADER_BYTES / 8..)?.as_mut_ptr();
        // SAFETY: The inode is valid by its invariants; `fid` has room for so many units.
        let kind = unsafe {
            bindings::exportfs_encode_inode_fh(
                inode.0,
                fid.cast(),
                &mut len,
                core::ptr::null_mut(),
                0,
            )
        };
        let bytes = usize::try_from(len).ok()?.checked_mul(4)?;
        if kind <= 0 || kind == bindings::fid_type_FILEID_INVALID as c_int || bytes > MAX_BYTES {
            return None;
        }
        let header: [u32; 2] = [bytes as u32, kind as u32];
        *words.first_mut()? = crate::ring::record::word(header[0], header[1]);
        Some(Self {
            words,
            bytes: bytes + HEADER_BYTES,
        })
    }

    /// All of it, in whole words.
    pub(crate) fn words(&self) -> &[u64] {
        self.words.get(..self.bytes.div_ceil(8)).unwrap_or(&[])
    }

    /// Its length in bytes, header included.
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }
}
