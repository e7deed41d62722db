// SPDX-License-Identifier: GPL-2.0

//! Failed operations of block devices.
//!
//! What calls [`BlockEvents`] is in [`crate::rust::hooks::tracepoint::block`]; used by `crate::source::block`.
//!
//! C header: [`include/linux/blk_types.h`](srctree/include/linux/blk_types.h)

use crate::rust::{
    bindings,
    fs::device_number::encode_device, //
};

/// How an operation has failed (`blk_status_t`).
pub(crate) mod status {
    use crate::rust::bindings;

    pub(crate) const TIMEOUT: u8 = bindings::BLK_STS_TIMEOUT;
    pub(crate) const NOSPC: u8 = bindings::BLK_STS_NOSPC;
    pub(crate) const TRANSPORT: u8 = bindings::BLK_STS_TRANSPORT;
    pub(crate) const TARGET: u8 = bindings::BLK_STS_TARGET;
    pub(crate) const RESV_CONFLICT: u8 = bindings::BLK_STS_RESV_CONFLICT;
    pub(crate) const MEDIUM: u8 = bindings::BLK_STS_MEDIUM;
    pub(crate) const PROTECTION: u8 = bindings::BLK_STS_PROTECTION;
    pub(crate) const RESOURCE: u8 = bindings::BLK_STS_RESOURCE;
    pub(crate) const DEV_RESOURCE: u8 = bindings::BLK_STS_DEV_RESOURCE;
    pub(crate) const ZONE_OPEN_RESOURCE: u8 = bindings::BLK_STS_ZONE_OPEN_RESOURCE;
    pub(crate) const ZONE_ACTIVE_RESOURCE: u8 = bindings::BLK_STS_ZONE_ACTIVE_RESOURCE;
    pub(crate) const DURATION_LIMIT: u8 = bindings::BLK_STS_DURATION_LIMIT;
    pub(crate) const OK: u8 = 0;
    /// The operation is not known to the device; not an error of it.
    pub(crate) const NOTSUPP: u8 = bindings::BLK_STS_NOTSUPP;
    /// To be tried again; the caller asked not to wait.
    pub(crate) const AGAIN: u8 = bindings::BLK_STS_AGAIN;
    /// Internal to the device mapper.
    pub(crate) const DM_REQUEUE: u8 = bindings::BLK_STS_DM_REQUEUE;
}

/// A failed operation.
pub(crate) struct Failure {
    /// One of [`status`], or another one.
    pub(crate) status: u8,
    /// The disk, in the encoding of stat(2); 0 when it is not known.
    pub(crate) disk: u32,
    /// The partition that was used, or the disk; 0 when it is not known.
    pub(crate) part: u32,
    /// First sector that failed, in units of 512 bytes, counted from the beginning of the disk.
    pub(crate) sector: u64,
}

impl Failure {
    fn new(status: u8, place: &bindings::wqd_block_place) -> Self {
        Self {
            status,
            disk: encode_device(place.disk),
            part: encode_device(place.part),
            sector: place.sector,
        }
    }

    /// # Safety
    ///
    /// `request` is a request that is being completed.
    pub(in crate::rust) unsafe fn of_request(
        request: *const bindings::request,
        status: u8,
    ) -> Self {
        let mut place = pin_init::zeroed();
        // SAFETY: The caller promises it.
        unsafe { bindings::wqd_block_place_of_request(request, &mut place) };
        Self::new(status, &place)
    }

    /// # Safety
    ///
    /// `bio` is a bio that is being completed.
    pub(in crate::rust) unsafe fn of_bio(bio: *const bindings::bio, status: u8) -> Self {
        let mut place = pin_init::zeroed();
        // SAFETY: The caller promises it.
        unsafe { bindings::wqd_block_place_of_bio(bio, &mut place) };
        Self::new(status, &place)
    }
}

/// Hears of failed operations.
pub(crate) trait BlockEvents: 'static {
    /// An operation has failed. In whatever context a driver completes operations: often a hard
    /// interrupt, with the driver's locks held.
    fn failed(failure: &Failure);
}
