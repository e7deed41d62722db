// SPDX-License-Identifier: GPL-2.0

//! What this module needs of the kernel and the `kernel` crate does not have.

pub(crate) mod bindings;
pub(crate) mod misc_device;
pub(crate) mod ring_memory;
pub(crate) mod wait_queue;
