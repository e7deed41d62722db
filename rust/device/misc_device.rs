// SPDX-License-Identifier: GPL-2.0

//! A misc device with poll, an access mode, and a way to recognise its open files.
//!
//! The `kernel` crate's `MiscDevice` has no poll and cannot set the mode of the device node. Here
//! the private data of an open file is an `Arc<T>`, so that others can share it beyond close, and
//! the file operations are a static of the implementer: their address tells whether some
//! descriptor belongs to this device ([`FileOperations::open_file`]).
//!
//! The kernel itself refuses what an open file does not offer: read(2) and write(2) give EINVAL,
//! lseek(2) and pread(2) ESPIPE.
//!
//! Used by `device.rs` for `/dev/watch_queue`.
//!
//! C header: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h)

use crate::rust::compat;
use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    sync::wait_queue::WaitQueue, //
};
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    error::to_result,
    fs::{
        file::LocalFile,
        File, //
    },
    mm::virt::VmaNew,
    seq_file::SeqFile,
    sync::{
        aref::ARef,
        ArcBorrow, //
    },
    types::{
        ForeignOwnable,
        Opaque, //
    }, //
};

/// What an open file of the device does. `Self` is its private data.
///
/// All functions run in process context and may sleep.
pub(crate) trait PollDevice: Send + Sync + Sized + 'static {
    /// A task opens the device.
    ///
    /// The file is not complete yet: it may be read, but not kept. This may happen as soon as the
    /// device is registered, so everything that it needs must exist by then.
    fn open(file: &File) -> Result<Arc<Self>>;

    /// The last reference to the file is gone: no descriptor, no mapping, no call under way.
    fn release(this: Arc<Self>, file: &File);

    /// ioctl(2), from 64-bit and 32-bit programs alike.
    ///
    /// The argument of a 32-bit program has been extended with zeros; that is right for pointers
    /// and unsigned numbers. The structures passed must have the same layout for both.
    fn ioctl(this: ArcBorrow<'_, Self>, file: &File, cmd: u32, arg: usize) -> Result<isize>;

    /// mmap(2), under the mm's lock for writing: nothing may be copied from or to user space.
    fn mmap(this: ArcBorrow<'_, Self>, file: &File, vma: &VmaNew) -> Result;

    /// Where poll(2) waits.
    fn wait_queue(&self) -> &WaitQueue;

    /// What poll(2) reports, as `POLL*` bits.
    ///
    /// The caller is on the wait queue by now, and a full barrier lies between that and this
    /// call: what is published later wakes the caller, what was published before is seen here.
    fn poll(this: ArcBorrow<'_, Self>, file: &File) -> u32;

    /// Adds lines to `/proc/PID/fdinfo/FD`.
    fn show_fdinfo(this: ArcBorrow<'_, Self>, m: &SeqFile);
}

/// Whether `file` was opened for reading.
pub(crate) fn opened_for_reading(file: &File) -> bool {
    // SAFETY: The reference keeps the file valid; this bit does not change after open.
    let mode = unsafe { (*file.as_ptr()).f_mode };

    mode & bindings::FMODE_READ != 0
}

/// Whether `file` was opened for writing.
pub(crate) fn opened_for_writing(file: &File) -> bool {
    // SAFETY: The reference keeps the file valid; this bit does not change after open.
    let mode = unsafe { (*file.as_ptr()).f_mode };

    mode & bindings::FMODE_WRITE != 0
}

/// The file operations of a [`PollDevice`].
///
/// # Invariants
///
/// `ops` is what [`Self::new`] made, and in a static, so that its address names `T`.
///
/// # Examples
///
/// ```ignore
/// static FILE_OPERATIONS: FileOperations<Example> = FileOperations::new();
/// ```
#[repr(transparent)]
pub(crate) struct FileOperations<T: PollDevice> {
    ops: bindings::file_operations,
    _private: PhantomData<fn(T)>,
}

// SAFETY: Nothing in it changes, and what it points to, functions and the module, may be used by
// every thread.
unsafe impl<T: PollDevice> Sync for FileOperations<T> {}

impl<T: PollDevice> FileOperations<T> {
    /// Makes the table. The owner is this module, so it cannot be unloaded while a file is open.
    pub(crate) const fn new() -> Self {
        Self {
            ops: bindings::file_operations {
                owner: compat::this_module().as_ptr(),
                open: Some(Self::open),
                release: Some(Self::release),
                poll: Some(Self::poll),
                unlocked_ioctl: Some(Self::ioctl),
                #[cfg(CONFIG_COMPAT)]
                compat_ioctl: Some(Self::compat_ioctl),
                mmap: Some(Self::mmap),
                show_fdinfo: Some(Self::show_fdinfo),
                ..pin_init::zeroed()
            },
            _private: PhantomData,
        }
    }

    /// The open file behind the descriptor `fd` of the current process.
    ///
    /// `EBADF` if there is no such descriptor, `EINVAL` if the file is not of this device.
    pub(crate) fn open_file(&'static self, fd: i32) -> Result<OpenFile<T>> {
        let fd = u32::try_from(fd).map_err(|_| EBADF)?;
        let file = LocalFile::fget(fd)?;

        // SAFETY: The file is valid, and its operations do not change after open.
        let ops = unsafe { (*file.as_ptr()).f_op };
        if !core::ptr::eq(ops, &self.ops) {
            return Err(EINVAL);
        }

        // SAFETY: The device has no file position, so there is no `fdget_pos` call under way that
        // could make use of it.
        let file = unsafe { LocalFile::assume_no_fdget_pos(file) };

        // INVARIANT: By the invariant of `self`, a file with these operations has been opened by
        // `Self::open`, which succeeded, else there would be no descriptor.
        Ok(OpenFile {
            file,
            _private: PhantomData,
        })
    }

    /// # Safety
    ///
    /// `file` must have been opened by [`Self::open`] and not be released before `'a` ends.
    unsafe fn private<'a>(file: *mut bindings::file) -> ArcBorrow<'a, T> {
        // SAFETY: The file is valid, and its private data does not change between open and release.
        let private = unsafe { (*file).private_data };

        // SAFETY: `open` put it there with `into_foreign()`, `release` takes it back.
        unsafe { <Arc<T> as ForeignOwnable>::borrow(private) }
    }

    /// # Safety
    ///
    /// To be called by the kernel as `open` of a misc device.
    unsafe extern "C" fn open(inode: *mut bindings::inode, raw_file: *mut bindings::file) -> c_int {
        // SAFETY: The file is being opened. There is nothing to read or write at a position.
        unsafe { bindings::nonseekable_open(inode, raw_file) };

        // SAFETY: The file stays valid for this call, and nothing else has it yet.
        let file = unsafe { File::from_raw_file(raw_file) };

        match T::open(file) {
            Ok(private) => {
                // SAFETY: The private data belongs to us during open. The misc device that was
                // there is not needed any more.
                unsafe { (*raw_file).private_data = private.into_foreign() };
                0
            }
            Err(err) => err.to_errno(),
        }
    }

    /// # Safety
    ///
    /// To be called by the kernel as `release` of a file that [`Self::open`] opened.
    unsafe extern "C" fn release(
        _inode: *mut bindings::inode,
        raw_file: *mut bindings::file,
    ) -> c_int {
        // SAFETY: The file is valid, and the private data is ours.
        let private = unsafe { (*raw_file).private_data };
        // SAFETY: `open` put it there with `into_foreign()`. This is the only call that takes it,
        // the last one for this file, so no borrow is left.
        let private = unsafe { <Arc<T> as ForeignOwnable>::from_foreign(private) };
        // SAFETY: The file stays valid for this call, and nothing else has it any more.
        let file = unsafe { File::from_raw_file(raw_file) };

        T::release(private, file);
        0
    }

    /// # Safety
    ///
    /// To be called by the kernel as `poll` of a file that [`Self::open`] opened.
    unsafe extern "C" fn poll(
        raw_file: *mut bindings::file,
        table: *mut bindings::poll_table_struct,
    ) -> bindings::__poll_t {
        // SAFETY: As the caller promises. The lifetime ends with the file's release.
        let this: ArcBorrow<'_, T> = unsafe { Self::private(raw_file) };

        // SAFETY: File and table are valid for this call. The wait queue is borrowed from the
        // private data, which is shared until release, so that it can be neither moved nor freed
        // before; the kernel takes all epoll items off before it calls release.
        unsafe { this.wait_queue().poll_wait(raw_file, table) };

        // SAFETY: The file stays valid for this call and has no position.
        let file = unsafe { File::from_raw_file(raw_file) };

        T::poll(this, file)
    }

    /// # Safety
    ///
    /// To be called by the kernel as `unlocked_ioctl` of a file that [`Self::open`] opened.
    unsafe extern "C" fn ioctl(raw_file: *mut bindings::file, cmd: c_uint, arg: c_ulong) -> c_long {
        // SAFETY: As the caller promises.
        let this: ArcBorrow<'_, T> = unsafe { Self::private(raw_file) };
        // SAFETY: The file stays valid for this call and has no position.
        let file = unsafe { File::from_raw_file(raw_file) };

        match T::ioctl(this, file, cmd, arg) {
            Ok(value) => value,
            Err(err) => err.to_errno() as c_long,
        }
    }

    /// # Safety
    ///
    /// To be called by the kernel as `compat_ioctl` of a file that [`Self::open`] opened.
    #[cfg(CONFIG_COMPAT)]
    unsafe extern "C" fn compat_ioctl(
        raw_file: *mut bindings::file,
        cmd: c_uint,
        arg: c_ulong,
    ) -> c_long {
        // CAST: Only the lower half comes from the program.
        let arg = arg as u32 as c_ulong;

        // SAFETY: The same requirements.
        unsafe { Self::ioctl(raw_file, cmd, arg) }
    }

    /// # Safety
    ///
    /// To be called by the kernel as `mmap` of a file that [`Self::open`] opened.
    unsafe extern "C" fn mmap(
        raw_file: *mut bindings::file,
        vma: *mut bindings::vm_area_struct,
    ) -> c_int {
        // SAFETY: As the caller promises.
        let this: ArcBorrow<'_, T> = unsafe { Self::private(raw_file) };
        // SAFETY: The file stays valid for this call and has no position.
        let file = unsafe { File::from_raw_file(raw_file) };
        // SAFETY: The kernel is setting this area up.
        let vma = unsafe { VmaNew::from_raw(vma) };

        match T::mmap(this, file, vma) {
            Ok(()) => 0,
            Err(err) => err.to_errno(),
        }
    }

    /// # Safety
    ///
    /// To be called by the kernel as `show_fdinfo` of a file that [`Self::open`] opened.
    unsafe extern "C" fn show_fdinfo(m: *mut bindings::seq_file, raw_file: *mut bindings::file) {
        // SAFETY: As the caller promises.
        let this: ArcBorrow<'_, T> = unsafe { Self::private(raw_file) };
        // SAFETY: The kernel lends us the seq_file for this call.
        let m = unsafe { SeqFile::from_raw(m) };

        T::show_fdinfo(this, m);
    }
}

/// An open file that is known to be of the device; it keeps the file open.
///
/// Dereferences to the private data.
///
/// # Invariants
///
/// `file` was opened by [`FileOperations::<T>`].
pub(crate) struct OpenFile<T: PollDevice> {
    file: ARef<File>,
    _private: PhantomData<fn(T)>,
}

impl<T: PollDevice> OpenFile<T> {
    /// The file itself.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// The private data, to be shared beyond the life of the file if need be.
    pub(crate) fn private(&self) -> ArcBorrow<'_, T> {
        // SAFETY: By the type invariant; our reference keeps the file from being released.
        unsafe { FileOperations::private(self.file.as_ptr()) }
    }
}

impl<T: PollDevice> Deref for OpenFile<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let private: *const T = &*self.private();

        // SAFETY: The private data lives as long as the file, which `self` keeps.
        unsafe { &*private }
    }
}

/// The registration of the device: the node exists as long as this value.
///
/// Should be the last thing that a module initialises and the first that it drops.
///
/// # Invariants
///
/// `misc` is registered.
#[pin_data(PinnedDrop)]
#[repr(transparent)]
pub(crate) struct PollDeviceRegistration<T: PollDevice> {
    #[pin]
    misc: Opaque<bindings::miscdevice>,
    _device: PhantomData<fn(T)>,
}

// SAFETY: A misc device may be deregistered by another thread than registered it.
unsafe impl<T: PollDevice> Send for PollDeviceRegistration<T> {}
// SAFETY: There are no methods.
unsafe impl<T: PollDevice> Sync for PollDeviceRegistration<T> {}

impl<T: PollDevice> PollDeviceRegistration<T> {
    /// Registers the device: `/dev/name` with the access bits `mode`.
    ///
    /// May sleep.
    pub(crate) fn new(
        name: &'static CStr,
        mode: u16,
        ops: &'static FileOperations<T>,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            misc <- Opaque::try_ffi_init(move |slot: *mut bindings::miscdevice| {
                let misc = bindings::miscdevice {
                    minor: bindings::MISC_DYNAMIC_MINOR as c_int,
                    name: name.as_char_ptr(),
                    fops: &ops.ops,
                    mode,
                    ..pin_init::zeroed()
                };

                // SAFETY: `slot` is valid for writing.
                unsafe { slot.write(misc) };

                // INVARIANT: Registered, if this succeeds.
                //
                // SAFETY: `slot` holds a complete description and stays in place until `drop()`
                // deregisters it.
                to_result(unsafe { bindings::misc_register(slot) })
            }),
            _device: PhantomData,
        })
    }
}

#[pinned_drop]
impl<T: PollDevice> PinnedDrop for PollDeviceRegistration<T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant it is registered. Open files do not refer to it.
        unsafe { bindings::misc_deregister(self.misc.get()) };
    }
}

/// Whether what was printed did not fit: then it will all be printed again, into a larger buffer.
pub(crate) fn is_full(seq: &SeqFile) -> bool {
    // CAST: `SeqFile` has the layout of the C structure.
    let seq = core::ptr::from_ref(seq).cast::<bindings::seq_file>();
    // SAFETY: The structure is valid, and nothing else uses it meanwhile, as the maker of the
    // reference promised.
    let count = unsafe { (*seq).count };

    // SAFETY: The maker of the reference promised a valid structure that nothing else uses
    // meanwhile.
    count == unsafe { (*seq).size }
}
