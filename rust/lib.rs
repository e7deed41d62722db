// SPDX-License-Identifier: GPL-2.0

//! What this module needs of the kernel and the `kernel` crate does not have.

pub(crate) mod bindings;
pub(crate) mod irq_work;
pub(crate) mod misc_device;
pub(crate) mod raw_spinlock;
pub(crate) mod ring_memory;
pub(crate) mod srcu_fast;
pub(crate) mod uaccess;
pub(crate) mod wait_queue;
pub(crate) mod workqueue;
