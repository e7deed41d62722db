// SPDX-License-Identifier: GPL-2.0

//! Devices and other things that are watched: the misc device itself, block and USB devices, keys.
//!
//! | file | what | context |
//! |---|---|---|
//! | [`block`] | failed operations of block devices | any |
//! | [`key`] | keys and keyrings | process |
//! | [`misc_device`] | misc device with poll and mode | process |
//! | [`usb`] | USB devices and buses | process |

pub(crate) mod block;
pub(crate) mod key;
pub(crate) mod misc_device;
pub(crate) mod usb;
