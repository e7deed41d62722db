// SPDX-License-Identifier: GPL-2.0

//! Memory: slab caches, the pages of a ring, what they are charged to, copies from and to user space.
//!
//! | file | what | context |
//! |---|---|---|
//! | [`kmem_cache`] | slab caches with a name | process; free: any |
//! | [`memlock`] | `RLIMIT_MEMLOCK` by user | process |
//! | [`nofs`] | allocate without entering file systems | process |
//! | [`ring_memory`] | pages shared by the kernel and a program | process |
//! | [`ring_slots`] | the slots in such pages, as the producer writes them | the ring lock |
//! | [`uaccess`] | structures that grow, from and to user space | process |

pub(crate) mod kmem_cache;
pub(crate) mod memlock;
pub(crate) mod nofs;
pub(crate) mod ring_memory;
pub(crate) mod ring_slots;
pub(crate) mod uaccess;
