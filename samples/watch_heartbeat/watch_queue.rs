// SPDX-License-Identifier: GPL-2.0

//! The API of `include/linux/watch_queue_dev.h` for modules in Rust, as far as this sample needs it.
//!
//! All `unsafe` of the sample is here; another module in Rust may copy this file. A [`WatchList`] is
//! part of the watched object and ends with it. A watch has nothing that would have to be given
//! back, so there is no `release_watch()`.

use kernel::{
    error::{
        from_err_ptr,
        to_result, //
    },
    module::this_module,
    prelude::*,
    types::Opaque, //
};

#[allow(
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    unreachable_pub,
    unsafe_op_in_unsafe_fn
)]
mod bindings {
    use kernel::{
        bindings::*,
        ffi, //
    };
    use pin_init::MaybeZeroable;

    include!(env!("WQ_SAMPLE_BINDINGS"));
}

/// A queue of user space.
///
/// # Invariants
///
/// The pointer is what `watch_queue_dev_get_queue()` returned, and not given back yet.
pub(crate) struct Queue(*mut bindings::watch_queue);

impl Queue {
    /// The queue behind a descriptor of the current process. EBADF, EINVAL, EACCES.
    pub(crate) fn from_fd(fd: i32) -> Result<Self> {
        // SAFETY: Any number may be asked for.
        let queue = from_err_ptr(unsafe { bindings::watch_queue_dev_get_queue(fd) })?;
        // INVARIANT: Just returned.
        Ok(Self(queue))
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::watch_queue_dev_put_queue(self.0) };
    }
}

/// The watches on an object. Its end is the end of all watches on it.
///
/// # Invariants
///
/// `list` is an initialised list that has not ended.
#[pin_data(PinnedDrop)]
pub(crate) struct WatchList {
    #[pin]
    list: Opaque<bindings::watch_list>,
}

// SAFETY: A list may be used by any thread, and has no ties to the one that made it.
unsafe impl Send for WatchList {}
// SAFETY: A list may be used by several threads at once.
unsafe impl Sync for WatchList {}

impl WatchList {
    /// An empty list.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: As the C function initialises it: all zeros but the owner.
            list: Opaque::new(bindings::watch_list {
                owner: this_module::<crate::LocalModule>().as_ptr(),
                ..pin_init::zeroed()
            }),
        })
    }

    /// Lets `queue` have what is posted with `id`; its records get `info_id`. May sleep.
    pub(crate) fn add(&self, queue: &Queue, info_id: u8, id: u64) -> Result {
        let watch = bindings::watch {
            info_id: u32::from(info_id) << bindings::WATCH_INFO_ID__SHIFT,
            id,
            queue: queue.0,
            ..pin_init::zeroed()
        };
        // SAFETY: The watch is copied; queue and list are kept by the references.
        to_result(unsafe { bindings::watch_queue_dev_add_watch(&watch, self.list.get()) })
    }

    /// Posts a record with the words of `body` to the watches with `id`. EINVAL: the type is not for
    /// modules, or there are more than 62 words. Any context but NMI.
    pub(crate) fn post<const N: usize>(
        &self,
        kind: u32,
        subtype: u8,
        body: &[u64; N],
        id: u64,
    ) -> Result {
        #[repr(C)]
        struct Record<const N: usize> {
            kind_and_subtype: u32,
            info: u32,
            body: [u64; N],
        }

        const { assert!(N <= 62, "a record has at most 63 slots") };
        let record = Record {
            // `type` is the lower part of the bit field, which begins at the other end on
            // big-endian machines.
            kind_and_subtype: if cfg!(target_endian = "little") {
                kind & 0xff_ffff | u32::from(subtype) << 24
            } else {
                kind << 8 | u32::from(subtype)
            },
            info: (N as u32 + 1) << bindings::WATCH_LENGTH_SHIFT,
            body: *body,
        };
        // SAFETY: The record is complete and as long as it says; the list is kept by `self`.
        to_result(unsafe {
            bindings::watch_queue_dev_post(
                self.list.get(),
                (&raw const record).cast(),
                core::ptr::null(),
                id,
            )
        })
    }
}

#[pinned_drop]
impl PinnedDrop for WatchList {
    fn drop(self: Pin<&mut Self>) {
        // Nobody watches: that is fine, too.
        //
        // SAFETY: By the type invariant; nobody uses the list any more.
        unsafe {
            bindings::watch_queue_dev_remove_watch(self.list.get(), core::ptr::null_mut(), 0, true)
        };
    }
}
