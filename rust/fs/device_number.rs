// SPDX-License-Identifier: GPL-2.0

//! Device numbers as programs know them.

use crate::rust::bindings;

/// A device number as stat(2) encodes it: 12 bits of major, 20 of minor.
pub(in crate::rust) fn encode_device(device: bindings::dev_t) -> u32 {
    let (major, minor) = (device >> 20, device & 0xf_ffff);
    (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12)
}
