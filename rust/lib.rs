// SPDX-License-Identifier: GPL-2.0

//! What this module needs of the kernel and the `kernel` crate does not have.

pub(crate) mod arc_fifo;
pub(crate) mod bindings;
pub(crate) mod cred;
pub(crate) mod fsnotify;
pub(crate) mod fsnotify_event;
pub(crate) mod global;
pub(crate) mod handle_table;
pub(crate) mod irq_work;
pub(crate) mod kmem_cache;
pub(crate) mod memlock;
pub(crate) mod misc_device;
pub(crate) mod nofs;
pub(crate) mod path;
pub(crate) mod pid;
pub(crate) mod ratelimit;
pub(crate) mod raw_spinlock;
pub(crate) mod ring_memory;
pub(crate) mod ring_slots;
pub(crate) mod srcu_fast;
pub(crate) mod stack;
pub(crate) mod uaccess;
pub(crate) mod wait_queue;
pub(crate) mod workqueue;
