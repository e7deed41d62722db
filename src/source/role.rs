// SPDX-License-Identifier: GPL-2.0

//! What a mark does for its watch: the part, and the class of the object that it is on.

use crate::{
    mark::Role,
    rust::fsnotify::place::Class, //
};

/// On the watched inode, mount or superblock: hears what the watch wants.
pub(crate) const OBJECT: Role = 0;
/// On the root of a subtree: keeps it in memory, and ends the watch when it dies.
pub(crate) const ROOT: Role = 1;
/// On the superblock of a subtree: hears what the watch wants, wherever it happens.
pub(crate) const TREE: Role = 2;
/// On a superblock or a mount namespace, for another source.
pub(crate) const OTHER: Role = 3;

const PART: Role = 0xff;
const CLASS_SHIFT: u32 = 8;

/// The role of `part` on an object of `class`.
pub(crate) const fn new(part: Role, class: Class) -> Role {
    part | (class as Role) << CLASS_SHIFT
}

/// The part.
#[inline]
pub(crate) const fn part(role: Role) -> Role {
    role & PART
}

/// The number of the class.
pub(crate) const fn class(role: Role) -> u32 {
    role >> CLASS_SHIFT
}
