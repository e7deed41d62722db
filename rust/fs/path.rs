// SPDX-License-Identifier: GPL-2.0

//! What a descriptor points to: path, inode, mount and superblock.
//!
//! Used by the sources of whatever is watched through a descriptor: `source/fs/`, `source/sb.rs`,
//! `source/block.rs`, and by [`super::mount_ns`].
//!
//! C headers: [`include/linux/path.h`](srctree/include/linux/path.h),
//! [`include/linux/file.h`](srctree/include/linux/file.h)

use super::dcache::InodeKey;
use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    fs::device_number::encode_device,
    task::user_ns::UserNamespace, //
};
use kernel::{
    error::to_result,
    fs::file::LocalFile,
    sync::aref::ARef, //
};

/// The path behind a descriptor of the current process; one opened with `O_PATH` will do.
///
/// Keeps the file open, and with it path, inode, mount and superblock.
pub(crate) struct FdPath {
    file: ARef<LocalFile>,
}

impl FdPath {
    /// Looks the descriptor up. `EBADF`.
    ///
    /// Process context.
    pub(crate) fn from_fd(fd: i32) -> Result<Self> {
        let fd = u32::try_from(fd).map_err(|_| EBADF)?;

        // SAFETY: No requirements.
        let file = unsafe { bindings::fget_raw(fd) };
        let file = NonNull::new(file).ok_or(EBADF)?;

        // SAFETY: The reference that was returned is ours. The file comes from the table of the
        // current task, to which this value is bound, because `ARef<LocalFile>` is not `Send`.
        let file = unsafe { ARef::from_raw(file.cast()) };

        Ok(Self { file })
    }

    /// The path; valid as long as `self`.
    pub(crate) fn as_ptr(&self) -> *const bindings::path {
        // SAFETY: The file is valid.
        unsafe { bindings::wqd_file_path(self.file.as_ptr()) }
    }

    /// The dentry; valid as long as `self`.
    pub(crate) fn dentry(&self) -> *mut bindings::dentry {
        // SAFETY: The path of an open file is valid and does not change.
        unsafe { (*self.as_ptr()).dentry }
    }

    /// The inode; valid as long as `self`.
    pub(crate) fn inode(&self) -> *mut bindings::inode {
        // SAFETY: The dentry of an open file is valid and keeps its inode.
        unsafe { (*self.dentry()).d_inode }
    }

    /// The mount; valid as long as `self`.
    pub(crate) fn mount(&self) -> *mut bindings::vfsmount {
        // SAFETY: The path of an open file is valid and does not change.
        unsafe { (*self.as_ptr()).mnt }
    }

    /// The superblock; valid as long as `self`.
    pub(crate) fn superblock(&self) -> *mut bindings::super_block {
        // SAFETY: The dentry of an open file is valid and keeps its superblock.
        unsafe { (*self.dentry()).d_sb }
    }

    /// The inode, as something to compare with.
    pub(crate) fn inode_key(&self) -> InodeKey {
        InodeKey::new(self.inode())
    }

    /// The user namespace that the file system belongs to.
    pub(crate) fn user_namespace(&self) -> &UserNamespace {
        // SAFETY: The superblock is valid.
        let ns = unsafe { (*self.superblock()).s_user_ns };
        // SAFETY: A superblock keeps its namespace, and the path the superblock.
        unsafe { UserNamespace::from_ptr(ns) }
    }

    /// Whether the file system is one of the kernel's own, which cannot be mounted: that of pipes,
    /// for example.
    pub(crate) fn is_internal(&self) -> bool {
        // SAFETY: The superblock is valid; the flag does not change.
        let flags = unsafe { (*self.superblock()).s_flags };
        flags & bindings::SB_NOUSER != 0
    }

    /// Whether it is a directory.
    pub(crate) fn is_dir(&self) -> bool {
        // SAFETY: The inode is valid, and its type does not change.
        let mode = unsafe { (*self.inode()).i_mode };

        u32::from(mode) & bindings::S_IFMT == bindings::S_IFDIR
    }

    /// The device of the file system, in the encoding of stat(2).
    pub(crate) fn superblock_device(&self) -> u32 {
        // SAFETY: The superblock is valid; the number does not change.
        encode_device(unsafe { (*self.superblock()).s_dev })
    }

    /// The device's number in the encoding of stat(2), if it is a block device.
    pub(crate) fn block_device(&self) -> Option<u32> {
        // SAFETY: The inode is valid; type and number do not change.
        let (mode, device) = unsafe { ((*self.inode()).i_mode, (*self.inode()).i_rdev) };
        (u32::from(mode) & bindings::S_IFMT == bindings::S_IFBLK).then(|| encode_device(device))
    }

    /// Whether it is a regular file.
    pub(crate) fn is_regular(&self) -> bool {
        // SAFETY: The inode is valid, and its type does not change.
        let mode = unsafe { (*self.inode()).i_mode };

        u32::from(mode) & bindings::S_IFMT == bindings::S_IFREG
    }

    /// Whether its file system may be asked about before a file of it is opened or read: some take
    /// locks there which the listener could need.
    pub(crate) fn allows_questions(&self) -> bool {
        // SAFETY: The superblock is valid, and its type does not change.
        let flags = unsafe { (*(*self.superblock()).s_type).fs_flags };

        flags as u32 & bindings::FS_DISALLOW_NOTIFY_PERM == 0
    }

    /// Whether its file system tells before a file's content is accessed.
    pub(crate) fn announces_access(&self) -> bool {
        // SAFETY: The superblock is valid; the flag is set when it is made.
        let flags = unsafe { (*self.superblock()).s_iflags };

        flags as u64 & u64::from(bindings::SB_I_ALLOW_HSM) != 0
    }

    /// Whether the current credentials allow to read the inode: `EACCES` and what file systems
    /// return.
    ///
    /// Process context, may sleep.
    pub(crate) fn check_readable(&self) -> Result {
        self.check(bindings::MAY_READ)
    }

    /// As [`Self::check_readable`], and whether they allow to search the directory.
    pub(crate) fn check_searchable(&self) -> Result {
        self.check(bindings::MAY_READ | bindings::MAY_EXEC)
    }

    fn check(&self, may: u32) -> Result {
        // SAFETY: The path is valid.
        to_result(unsafe { bindings::wqd_path_permission(self.as_ptr(), may as c_int) })
    }
}
