// SPDX-License-Identifier: GPL-2.0

//! The VFS: paths, the tree of names, mounts, superblocks.
//!
//! | file | what | context |
//! |---|---|---|
//! | [`above`] | the watched directories above a place | process |
//! | [`dcache`] | places in the tree of a file system | any that takes spinlocks |
//! | [`device_number`] | device numbers as programs know them | any |
//! | [`dcache_names`] | the same for what was opened by its handle | any that takes spinlocks |
//! | [`file_handle`] | what names a file for ever | process |
//! | [`held_path`] | a path that is kept for a while | process |
//! | [`mount_ns`] | mount namespaces: own, or of a descriptor | process |
//! | [`path`] | path and inode of a descriptor | process |
//! | [`rename_lock`] | whether anything is renamed meanwhile | any that takes spinlocks |
//! | [`superblock`] | what happens to superblocks beside fsnotify | any |
//! | [`text`] | names and paths, put together on the stack | any |
//! | [`viewer`] | what a user may see of a tree | process |

pub(crate) mod above;
pub(crate) mod dcache;
pub(crate) mod dcache_names;
pub(crate) mod device_number;
pub(crate) mod file_handle;
pub(crate) mod held_path;
pub(crate) mod mount_ns;
pub(crate) mod path;
pub(crate) mod rename_lock;
pub(crate) mod superblock;
pub(crate) mod text;
pub(crate) mod viewer;
