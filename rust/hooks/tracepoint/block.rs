// SPDX-License-Identifier: GPL-2.0

//! The tracepoints of failing block devices.
//!
//! `block_rq_error` fires for requests; for devices without requests (dm, md, pmem) there is
//! `block_bio_error`, which patch 0012 adds, or else `block_bio_complete`, which fires for
//! successful operations, too. All fire in whatever context a driver completes operations.
//!
//! Used by `crate::source::block`.

use super::{
    Origin,
    Probe, //
};
use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    device::block::{
        status,
        BlockEvents,
        Failure, //
    },
};

/// What a tracepoint for bios calls.
type BioProbe = unsafe extern "C" fn(*mut c_void, *mut bindings::request_queue, *mut bindings::bio);

/// A probe for `block_rq_error`.
pub(crate) fn request_error<T: BlockEvents>() -> Probe {
    let function: unsafe extern "C" fn(
        *mut c_void,
        *mut bindings::request,
        bindings::blk_status_t,
        c_uint,
    ) = request_probe::<T>;
    // SAFETY: `TP_PROTO(struct request *rq, blk_status_t error, unsigned int nr_bytes)`; it may be
    // called in any context but NMI.
    unsafe { Probe::new(c"block_rq_error", function as *mut c_void, Origin::Mainline) }
}

/// A probe for `block_bio_error`.
pub(crate) fn bio_error<T: BlockEvents>() -> Probe {
    let function: BioProbe = bio_probe::<T>;
    // SAFETY: `TP_PROTO(struct request_queue *q, struct bio *bio)`; context as above.
    unsafe { Probe::new(c"block_bio_error", function as *mut c_void, Origin::Patch) }
}

/// A probe for `block_bio_complete`, which looks for errors.
pub(crate) fn bio_complete<T: BlockEvents>() -> Probe {
    let function: BioProbe = bio_probe::<T>;
    // SAFETY: `TP_PROTO(struct request_queue *q, struct bio *bio)`; the function takes the same and
    // may be called in any context.
    unsafe {
        Probe::new(
            c"block_bio_complete",
            function as *mut c_void,
            Origin::Mainline,
        )
    }
}

/// # Safety
///
/// `request` is a request that is being completed.
unsafe extern "C" fn request_probe<T: BlockEvents>(
    _data: *mut c_void,
    request: *mut bindings::request,
    error: bindings::blk_status_t,
    _bytes: c_uint,
) {
    // SAFETY: The caller promises it.
    T::failed(&unsafe { Failure::of_request(request, error) });
}

/// # Safety
///
/// `bio` is a bio that is being completed.
unsafe extern "C" fn bio_probe<T: BlockEvents>(
    _data: *mut c_void,
    _queue: *mut bindings::request_queue,
    bio: *mut bindings::bio,
) {
    // SAFETY: The caller promises it.
    let error = unsafe { (*bio).bi_status };
    // First, because this may be called for every operation there is.
    if error == status::OK {
        return;
    }
    // SAFETY: The caller promises it. What asked for silence gets it, as from the other tracepoints.
    if unsafe { bindings::wqd_bio_is_quiet(bio) } {
        return;
    }
    // SAFETY: The caller promises it.
    T::failed(&unsafe { Failure::of_bio(bio, error) });
}
