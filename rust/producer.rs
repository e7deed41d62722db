// SPDX-License-Identifier: GPL-2.0

//! The C side of the API for other modules: pointers in, safe values out.
//!
//! [`ProducerApi`] is the API without C; `source/api.rs` implements it and has its functions
//! exported by [`export_producer_api`]. The header says what a function may be given and where it
//! may be called. Checked here are only a record's type and length, and that errors fit.
//!
//! C header: [`include/linux/watch_queue_dev.h`](../include/linux/watch_queue_dev.h)

use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    sync::arc_fifo::{
        FifoItem,
        FifoLink, //
    },
};
use core::{
    cell::UnsafeCell,
    ptr, //
};
use kernel::{
    sync::ArcBorrow,
    types::ForeignOwnable, //
};

/// Most words that follow the first word of a record.
const BODY_WORDS: usize = 62;

/// Bits of `info` that a producer decides.
const INFO_BITS: u32 = bindings::WATCH_INFO_RECURSIVE
    | bindings::WATCH_INFO_IN_SUBTREE
    | bindings::WATCH_INFO_TYPE_FLAGS;

/// What other modules can do.
pub(crate) trait ProducerApi: 'static {
    /// A queue; they hold it as an [`Arc`].
    type Queue: Send + Sync + 'static;

    /// What a list consists of. As large as a pointer; all zeros is an empty list.
    type Slot: Zeroable + Sync + 'static;

    /// The queue behind a descriptor of the current process.
    fn queue(fd: i32) -> Result<Arc<Self::Queue>>;

    /// Adds a watch. Process context.
    fn add(queue: Arc<Self::Queue>, slot: &Self::Slot, claim: Arc<Claim>) -> Result;

    /// Ends one watch. Process context.
    fn remove(queue: &Self::Queue, slot: &Self::Slot, id: u64) -> Result;

    /// Ends all watches, and the list. `unloading`: because the module that owns it goes. Any
    /// context but NMI.
    fn end(slot: &Self::Slot, unloading: bool) -> Result;

    /// Posts a record. Any context but NMI.
    fn post(slot: &Self::Slot, record: &Record, id: u64);

    /// Waits for [`Claim::release`] of all watches that have ended.
    fn barrier();
}

/// What a producer has said about a watch.
pub(crate) struct Claim {
    watch: UnsafeCell<bindings::watch>,
    release: Option<unsafe extern "C" fn(*mut bindings::watch)>,
    id: u64,
    info_id: u32,
    released: Atomic<bool>,
    link: FifoLink<Claim>,
}

// SAFETY: The pointers in it are only handed back to the producer, which has promised to take them
// in any thread; `watch` is used by the one call that sets `released`.
unsafe impl Send for Claim {}
// SAFETY: Nothing is changed through a shared claim but by the one call that sets `released`.
unsafe impl Sync for Claim {}

impl Claim {
    /// Which posts the watch gets.
    #[inline]
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The watch's id in its place in `info`; not checked.
    pub(crate) fn info_id(&self) -> u32 {
        self.info_id
    }

    /// Whether [`Self::release`] has something to do.
    pub(crate) fn wants_release(&self) -> bool {
        self.release.is_some()
    }

    /// Tells the producer, once, that the watch has ended. Process context, no locks.
    pub(crate) fn release(&self) {
        let Some(release) = self.release else {
            return;
        };
        if self.released.xchg(true, Full) {
            return;
        }
        // SAFETY: The producer has promised that its function can be called until the barrier that
        // follows the end of its list has returned. The exchange made the copy ours alone.
        unsafe { release(self.watch.get()) };
    }
}

impl FifoItem for Claim {
    fn fifo_link(&self) -> &FifoLink<Self> {
        &self.link
    }
}

/// A record as a producer gave it: a copy, so that every watcher gets the same and the length is
/// that which was checked.
pub(crate) struct Record {
    /// Type, of those for modules.
    pub(crate) kind: u32,
    /// Subtype.
    pub(crate) subtype: u8,
    /// `info` without length, id and what the queue decides.
    pub(crate) flags: u32,
    words: usize,
    body: [u64; BODY_WORDS],
}

impl Record {
    /// What follows the first word.
    #[inline]
    pub(crate) fn body(&self) -> &[u64] {
        self.body.get(..self.words).unwrap_or(&[])
    }

    /// EINVAL: length 0, or a type that is not for modules.
    ///
    /// # Safety
    ///
    /// `n` points to a record that is as long as it says.
    unsafe fn copy(n: *const bindings::watch_notification) -> Result<Self> {
        let n = n.cast::<u32>();
        // SAFETY: A record begins with two 32-bit words. Volatile: each is read once.
        let first = unsafe { n.read_volatile() };
        // SAFETY: A record begins with two 32-bit words, of which this is the second. Volatile: it
        // is read once.
        let info = unsafe { n.add(1).read_volatile() };

        let (kind, subtype) = if cfg!(target_endian = "little") {
            (first & 0xff_ffff, first >> 24)
        } else {
            (first >> 8, first & 0xff)
        };
        // The field ends at 63 slots.
        let slots = (info & bindings::WATCH_INFO_LENGTH) >> bindings::WATCH_LENGTH_SHIFT;
        let words = slots.checked_sub(1).ok_or(EINVAL)? as usize;
        if kind < bindings::WATCH_TYPE_FOREIGN_FIRST {
            return Err(EINVAL);
        }

        let mut body = [0; BODY_WORDS];
        // SAFETY: The body has `words` words, at most 62, behind the first; ours has as many. Bytes,
        // because a record need not be aligned as a 64-bit word is.
        unsafe {
            ptr::copy_nonoverlapping(
                n.add(2).cast::<u8>(),
                body.as_mut_ptr().cast::<u8>(),
                words * 8,
            )
        };
        Ok(Self {
            kind,
            subtype: subtype as u8,
            flags: info & INFO_BITS,
            words,
            body,
        })
    }
}

/// # Safety
///
/// `wlist` was initialised and is kept by the caller for as long as it uses the result.
unsafe fn slot<'a, T: ProducerApi>(wlist: *mut bindings::watch_list) -> &'a T::Slot {
    const {
        assert!(size_of::<T::Slot>() == size_of::<*mut c_void>());
        assert!(align_of::<T::Slot>() == align_of::<*mut c_void>());
    }
    // SAFETY: The caller vouches for the list. Its field was set to zero, which is a valid slot of
    // the same size and alignment, and has been used as nothing else since.
    unsafe { &*(&raw const (*wlist).slot).cast::<T::Slot>() }
}

/// # Safety
///
/// As `watch_queue_dev_get_queue()` in the header.
pub(crate) unsafe fn get_queue<T: ProducerApi>(fd: c_int) -> *mut bindings::watch_queue {
    match T::queue(fd) {
        Ok(queue) => queue.into_foreign().cast(),
        Err(err) => err.to_ptr(),
    }
}

/// # Safety
///
/// As `watch_queue_dev_put_queue()` in the header.
pub(crate) unsafe fn put_queue<T: ProducerApi>(wqueue: *mut bindings::watch_queue) {
    // SAFETY: `get_queue` made it of an `Arc`, and the caller gives it back once.
    drop(unsafe { Arc::<T::Queue>::from_foreign(wqueue.cast()) });
}

/// # Safety
///
/// As `watch_queue_dev_add_watch()` in the header.
pub(crate) unsafe fn add_watch<T: ProducerApi>(
    watch: *const bindings::watch,
    wlist: *mut bindings::watch_list,
) -> c_int {
    // SAFETY: The caller passes a watch that was initialised.
    let watch = unsafe { watch.read() };
    // SAFETY: The caller keeps the list. The field does not change after initialisation.
    let release = unsafe { (*wlist).release_watch };
    // SAFETY: The queue of the watch came from `get_queue`, and the caller has not given it back.
    let queue: ArcBorrow<'_, T::Queue> = unsafe { Arc::borrow(watch.queue.cast()) };
    // SAFETY: The caller keeps the list.
    let slot = unsafe { slot::<T>(wlist) };

    let claim = Claim {
        id: watch.id,
        info_id: watch.info_id,
        watch: UnsafeCell::new(bindings::watch {
            queue: ptr::null_mut(),
            ..watch
        }),
        release,
        released: Atomic::new(false),
        link: FifoLink::new(),
    };
    let result = Arc::new(claim, GFP_KERNEL_ACCOUNT)
        .map_err(Error::from)
        .and_then(|claim| T::add(queue.into(), slot, claim));
    errno(result)
}

/// # Safety
///
/// As `watch_queue_dev_remove_watch()` in the header.
pub(crate) unsafe fn remove_watch<T: ProducerApi>(
    wlist: *mut bindings::watch_list,
    wqueue: *mut bindings::watch_queue,
    id: u64,
    all: bool,
) -> c_int {
    // SAFETY: The caller keeps the list.
    let slot = unsafe { slot::<T>(wlist) };
    if all {
        // SAFETY: The caller keeps the list, whose owner is the caller's module or null.
        let unloading = unsafe { !bindings::wqd_module_is_live((*wlist).owner) };
        return errno(T::end(slot, unloading));
    }
    // SAFETY: The queue came from `get_queue`, and the caller has not given it back.
    let queue: ArcBorrow<'_, T::Queue> = unsafe { Arc::borrow(wqueue.cast()) };
    errno(T::remove(&queue, slot, id))
}

/// # Safety
///
/// As `watch_queue_dev_post()` in the header.
pub(crate) unsafe fn post<T: ProducerApi>(
    wlist: *mut bindings::watch_list,
    n: *const bindings::watch_notification,
    id: u64,
) -> c_int {
    // SAFETY: The caller vouches for the record.
    let record = match unsafe { Record::copy(n) } {
        Ok(record) => record,
        Err(err) => return err.to_errno(),
    };
    if !wlist.is_null() {
        // SAFETY: The caller keeps the list.
        T::post(unsafe { slot::<T>(wlist) }, &record, id);
    }
    0
}

fn errno(result: Result) -> c_int {
    match result {
        Ok(()) => 0,
        Err(err) => err.to_errno(),
    }
}

/// Defines the functions that `rust/helpers/exports.c` exports, for one [`ProducerApi`].
macro_rules! export_producer_api {
    ($api:ty) => {
        const _: () = {
            use ::kernel::ffi::c_int;
            use $crate::rust::{
                bindings,
                producer, //
            };

            /// # Safety
            ///
            /// See `include/linux/watch_queue_dev.h`, also for those below.
            #[no_mangle]
            unsafe extern "C" fn watch_queue_dev_get_queue(
                fd: c_int,
            ) -> *mut bindings::watch_queue {
                // SAFETY: The caller keeps to the header, as in those below.
                unsafe { producer::get_queue::<$api>(fd) }
            }

            /// # Safety
            ///
            /// See above.
            #[no_mangle]
            unsafe extern "C" fn watch_queue_dev_put_queue(wqueue: *mut bindings::watch_queue) {
                // SAFETY: The caller keeps to the header.
                unsafe { producer::put_queue::<$api>(wqueue) }
            }

            /// # Safety
            ///
            /// See above.
            #[no_mangle]
            unsafe extern "C" fn watch_queue_dev_add_watch(
                watch: *const bindings::watch,
                wlist: *mut bindings::watch_list,
            ) -> c_int {
                // SAFETY: The caller keeps to the header.
                unsafe { producer::add_watch::<$api>(watch, wlist) }
            }

            /// # Safety
            ///
            /// See above.
            #[no_mangle]
            unsafe extern "C" fn watch_queue_dev_remove_watch(
                wlist: *mut bindings::watch_list,
                wqueue: *mut bindings::watch_queue,
                id: u64,
                all: bool,
            ) -> c_int {
                // SAFETY: The caller keeps to the header.
                unsafe { producer::remove_watch::<$api>(wlist, wqueue, id, all) }
            }

            /// # Safety
            ///
            /// See above.
            #[no_mangle]
            unsafe extern "C" fn watch_queue_dev_post(
                wlist: *mut bindings::watch_list,
                n: *const bindings::watch_notification,
                _cred: *const bindings::cred,
                id: u64,
            ) -> c_int {
                // SAFETY: The caller keeps to the header.
                unsafe { producer::post::<$api>(wlist, n, id) }
            }

            /// Sleeps.
            #[no_mangle]
            extern "C" fn watch_queue_dev_barrier() {
                <$api as producer::ProducerApi>::barrier()
            }
        };
    };
}
pub(crate) use export_producer_api;
