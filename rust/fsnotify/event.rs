// SPDX-License-Identifier: GPL-2.0

//! What an fsnotify event says: bits, name, and the object that it is about.
//!
//! A view of the arguments of one callback; nothing is copied and no reference is taken. The names
//! and inodes are stable for the length of the call: entry events run with the directory locked,
//! and fsnotify takes a snapshot of the name of a child. Used by `crate::source::fs`.
//!
//! C header: [`include/linux/fsnotify_backend.h`](srctree/include/linux/fsnotify_backend.h)

use crate::rust::prelude::*;
use crate::rust::{
    bindings,
    fs::device_number::encode_device,
    fs::{
        dcache::{
            InodeKey,
            Spot,
            Top, //
        },
        file_handle::InodeRef,
        held_path::HeldPath, //
    },
};
use core::{
    hint::black_box,
    marker::PhantomData, //
};

/// Bits of an event.
pub(crate) mod bit {
    use crate::rust::bindings;

    /// Read.
    pub(crate) const ACCESS: u32 = bindings::FS_ACCESS;
    /// Written or truncated.
    pub(crate) const MODIFY: u32 = bindings::FS_MODIFY;
    /// Closed after having been open for writing.
    pub(crate) const CLOSE_WRITE: u32 = bindings::FS_CLOSE_WRITE;
    /// Closed after having been open for reading only.
    pub(crate) const CLOSE_NOWRITE: u32 = bindings::FS_CLOSE_NOWRITE;
    /// Opened.
    pub(crate) const OPEN: u32 = bindings::FS_OPEN;
    /// Opened to be executed.
    pub(crate) const OPEN_EXEC: u32 = bindings::FS_OPEN_EXEC;
    /// An entry was renamed: old name.
    pub(crate) const MOVED_FROM: u32 = bindings::FS_MOVED_FROM;
    /// An entry was renamed: new name.
    pub(crate) const MOVED_TO: u32 = bindings::FS_MOVED_TO;
    /// An entry was created.
    pub(crate) const CREATE: u32 = bindings::FS_CREATE;
    /// An entry was deleted.
    pub(crate) const DELETE: u32 = bindings::FS_DELETE;
    /// The object itself was deleted.
    pub(crate) const DELETE_SELF: u32 = bindings::FS_DELETE_SELF;
    /// The file system is being unmounted.
    pub(crate) const UNMOUNT: u32 = bindings::FS_UNMOUNT;
    /// Both names of a rename in one event.
    pub(crate) const RENAME: u32 = bindings::FS_RENAME;
    /// A file system reports an error.
    pub(crate) const ERROR: u32 = bindings::FS_ERROR;
    /// A mount has come into a namespace.
    pub(crate) const MNT_ATTACH: u32 = bindings::FS_MNT_ATTACH;
    /// A mount has left a namespace; with the other: has moved.
    pub(crate) const MNT_DETACH: u32 = bindings::FS_MNT_DETACH;
    /// May it be opened?
    pub(crate) const OPEN_PERM: u32 = bindings::FS_OPEN_PERM;
    /// May it be opened to be executed?
    pub(crate) const OPEN_EXEC_PERM: u32 = bindings::FS_OPEN_EXEC_PERM;
    /// May it be read?
    pub(crate) const ACCESS_PERM: u32 = bindings::FS_ACCESS_PERM;
    /// A range of it is about to be accessed.
    pub(crate) const PRE_ACCESS: u32 = bindings::FS_PRE_ACCESS;
    /// The object is a directory.
    pub(crate) const ISDIR: u32 = bindings::FS_ISDIR;
    /// A mark wants what happens to children; an event happened to a child.
    pub(crate) const EVENT_ON_CHILD: u32 = bindings::FS_EVENT_ON_CHILD;
}

/// The arguments of one callback.
///
/// # Invariants
///
/// They are those of one call of `handle_event`, which lasts at least for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Event<'a> {
    mask: u32,
    data_type: c_int,
    data: *const c_void,
    dir: *mut bindings::inode,
    name: *const bindings::qstr,
    _call: PhantomData<&'a ()>,
}

/// An inode, as far as records tell of it.
#[derive(Clone, Copy)]
pub(crate) struct InodeId {
    /// Its number.
    pub(crate) number: u64,
    /// Its device, in the encoding of stat(2).
    pub(crate) device: u32,
}

impl InodeId {
    /// What is said of an inode that is not known.
    pub(crate) const UNKNOWN: Self = Self {
        number: 0,
        device: 0,
    };
}

/// An error of a file system.
pub(crate) struct FsError {
    /// Its number in <errno.h>.
    pub(crate) errno: u32,
    /// What failed: `enum fserror_type`, if the kernel tells.
    pub(crate) kind: Option<u32>,
    /// The inode's number, 0 if the error is not about one.
    pub(crate) inode: u64,
    /// Its generation.
    pub(crate) generation: u32,
    /// Device of the file system, in the encoding of stat(2).
    pub(crate) device: u32,
    /// Where in the file's data, …
    pub(crate) pos: u64,
    /// … and how many bytes; both 0 when it is not about data or the kernel does not tell.
    pub(crate) len: u64,
}

/// A mount that has come, gone or moved; see `statmount(2)` for the ids.
pub(crate) struct MountMove {
    /// Unique id of the mount.
    pub(crate) mount: u64,
    /// On which mount it was, and is; 0: on none. `None`: the kernel does not tell.
    pub(crate) parents: Option<(u64, u64)>,
}

/// The data types of events that are about a dentry; see `enum fsnotify_data_type`.
const RANGE: c_int = bindings::fsnotify_data_type_FSNOTIFY_EVENT_FILE_RANGE as c_int;
const PATH: c_int = bindings::fsnotify_data_type_FSNOTIFY_EVENT_PATH as c_int;
const INODE: c_int = bindings::fsnotify_data_type_FSNOTIFY_EVENT_INODE as c_int;
const DENTRY: c_int = bindings::fsnotify_data_type_FSNOTIFY_EVENT_DENTRY as c_int;
const RENAME: c_int = bindings::fsnotify_data_type_FSNOTIFY_EVENT_RENAME as c_int;
/// Those of the others.
const MNT: c_int = bindings::fsnotify_data_type_FSNOTIFY_EVENT_MNT as c_int;
const ERROR: c_int = bindings::fsnotify_data_type_FSNOTIFY_EVENT_ERROR as c_int;

impl<'a> Event<'a> {
    /// # Safety
    ///
    /// The arguments are those of one call of `handle_event`, which lasts at least for `'a`.
    pub(in crate::rust) unsafe fn new(
        mask: u32,
        data: *const c_void,
        data_type: c_int,
        dir: *mut bindings::inode,
        name: *const bindings::qstr,
    ) -> Self {
        // INVARIANT: The caller vouches for it.
        Self {
            mask,
            data_type,
            data,
            dir,
            name,
            _call: PhantomData,
        }
    }

    /// All bits of the event.
    #[inline]
    pub(crate) fn mask(&self) -> u32 {
        self.mask
    }

    /// The name of the entry or of the child, if the event has one; the old name of a rename.
    #[inline]
    pub(crate) fn name(&self) -> Option<&'a [u8]> {
        // SAFETY: Null or valid for the call.
        unsafe { self.name.as_ref() }.map(bytes)
    }

    /// As [`Self::name`], if it has at most `max` bytes; otherwise empty.
    #[inline(always)]
    pub(crate) fn name_within(&self, max: u32) -> &'a [u8] {
        // SAFETY: Null or valid for the call.
        match unsafe { self.name.as_ref() } {
            Some(name) if length(name) <= max => bytes(name),
            _ => &[],
        }
    }

    /// The path, when the event came through one.
    fn path(&self) -> Option<&'a bindings::path> {
        let path = match self.data_type {
            PATH => self.data.cast::<bindings::path>(),
            RANGE => {
                // SAFETY: The type says what `data` is.
                unsafe { (*self.data.cast::<bindings::file_range>()).path }
            }
            _ => return None,
        };
        // SAFETY: Null or valid for the call.
        unsafe { path.as_ref() }
    }

    fn dentry(&self) -> Option<*mut bindings::dentry> {
        match self.data_type {
            DENTRY => Some(self.data.cast_mut().cast()),
            RENAME => {
                // SAFETY: The type says what `data` is.
                Some(unsafe { (*self.data.cast::<bindings::fsnotify_rename_data>()).moved })
            }
            _ => self.path().map(|path| path.dentry),
        }
    }

    /// The inode that the event is about, null if there is none.
    #[inline(always)]
    fn raw_inode(&self) -> *mut bindings::inode {
        // Most events come through a path, so that is asked first.
        if self.data_type != PATH {
            // Hidden from the compiler, which would put the event into memory for all.
            return black_box(*self).other_inode();
        }
        // SAFETY: The type says what `data` is.
        unsafe { inode_of((*self.data.cast::<bindings::path>()).dentry) }
    }

    /// As [`Self::raw_inode`], if the event did not come through a path.
    #[inline(never)]
    fn other_inode(&self) -> *mut bindings::inode {
        if self.data_type == INODE {
            return self.data.cast::<bindings::inode>().cast_mut();
        }
        match self.dentry() {
            // SAFETY: Valid for the call.
            Some(dentry) => unsafe { inode_of(dentry) },
            None => core::ptr::null_mut(),
        }
    }

    /// The inode that the event is about: of an entry event, the entry's.
    #[inline(always)]
    pub(crate) fn inode(&self) -> InodeId {
        let inode = self.raw_inode();
        if inode.is_null() {
            return InodeId::UNKNOWN;
        }
        // No reference to the whole inode, most of which changes at any time.
        InodeId {
            // SAFETY: Valid for the call; a number that never changes.
            number: unsafe { (*inode).i_ino },
            // SAFETY: The inode is valid for the call, and has a superblock, whose number never
            // changes.
            device: encode_device(unsafe { (*(*inode).i_sb).s_dev }),
        }
    }

    /// The same, as something to compare with.
    #[inline]
    pub(crate) fn inode_key(&self) -> InodeKey {
        InodeKey::new(self.raw_inode())
    }

    /// The same, to be asked for its file handle.
    pub(crate) fn inode_ref(&self) -> Option<InodeRef<'a>> {
        let inode = self.raw_inode();
        // SAFETY: The code that reports the event keeps the inode for the call.
        (!inode.is_null()).then(|| unsafe { InodeRef::new(inode) })
    }

    /// The place of what the event is about, when the event came through an entry of a directory. For
    /// events about entries, [`Self::directory`] is what counts.
    #[inline]
    pub(crate) fn spot(&self) -> Option<Spot<'a>> {
        // SAFETY: The dentry is valid for the call.
        self.dentry().and_then(|dentry| unsafe { Spot::at(dentry) })
    }

    /// The directory of the entry, or of the child, as far as it was reported; the old directory of a
    /// rename.
    #[inline]
    pub(crate) fn directory(&self) -> Option<Spot<'a>> {
        match self.data_type {
            // SAFETY: The dentry is valid for the call.
            DENTRY => unsafe { Spot::above(self.data.cast_mut().cast()) },
            // SAFETY: Null, or a directory that is valid for the call.
            _ => unsafe { Spot::directory(self.dir) },
        }
    }

    /// The new directory of a rename, unless it is the old one.
    pub(crate) fn new_directory(&self) -> Option<Spot<'a>> {
        let moved = self.dentry()?;
        // SAFETY: Valid for the call; both directories are locked, so the parent does not change.
        let parent = unsafe { (*(*moved).d_parent).d_inode };
        if parent == self.dir {
            return None;
        }
        // SAFETY: What was moved is valid for the call; both directories are locked, so the parent
        // does not change.
        unsafe { Spot::above(moved) }
    }

    /// The root of the mount through which the event came, if it came through one.
    pub(crate) fn mount_top(&self) -> Option<Top> {
        let path = self.path()?;
        // SAFETY: The path is valid for the call, and keeps its mount.
        Some(Top::Mount(unsafe { (*path.mnt).mnt_root }))
    }

    /// Whether it is about the root of the mount through which it came.
    pub(crate) fn at_mount_root(&self) -> bool {
        // SAFETY: The path is valid for the call, and keeps its mount, whose root never changes.
        self.path()
            .is_some_and(|path| path.dentry == unsafe { (*path.mnt).mnt_root })
    }

    /// The error that a file system reports. `extended`: with what a patched kernel adds.
    pub(crate) fn error(&self, extended: bool) -> Option<FsError> {
        if self.data_type != ERROR {
            return None;
        }
        let raw = self.data.cast::<bindings::fs_error_report>();
        // SAFETY: The type says what `data` is; valid for the call.
        let report = unsafe { raw.as_ref() }?;
        let inode = core::ptr::NonNull::new(report.inode);
        let mut error = FsError {
            errno: report.error.unsigned_abs(),
            kind: None,
            // SAFETY: Valid for the call; neither number changes.
            inode: inode.map_or(0, |inode| unsafe { (*inode.as_ptr()).i_ino }),
            // SAFETY: The inode is valid for the call; the number does not change.
            generation: inode.map_or(0, |inode| unsafe { (*inode.as_ptr()).i_generation }),
            // SAFETY: A report has a superblock.
            device: encode_device(unsafe { (*report.sb).s_dev }),
            pos: 0,
            len: 0,
        };
        if extended {
            // SAFETY: The report is valid; in the next two, too.
            error.kind = u32::try_from(unsafe { bindings::wqd_fs_error_type(raw) }).ok();
            // SAFETY: The report is valid for the call.
            error.pos = unsafe { bindings::wqd_fs_error_pos(raw) };
            // SAFETY: The report is valid for the call.
            error.len = unsafe { bindings::wqd_fs_error_len(raw) };
        }
        Some(error)
    }

    /// The mount that has come, gone or moved. `extended`: with what a patched kernel adds.
    pub(crate) fn mount(&self, extended: bool) -> Option<MountMove> {
        if self.data_type != MNT {
            return None;
        }
        let raw = self.data.cast::<bindings::fsnotify_mnt>();
        let mut moved = MountMove {
            // SAFETY: The type says what `data` is; valid for the call.
            mount: unsafe { (*raw).mnt_id },
            parents: None,
        };
        // SAFETY: No requirements.
        if extended && unsafe { bindings::wqd_fsnotify_mnt_has_parents() } {
            // SAFETY: Valid for the call; below, too.
            let parent = unsafe { bindings::wqd_fsnotify_mnt_parent(raw) };
            // SAFETY: What fsnotify tells of a mount is valid for the call.
            let old = unsafe { bindings::wqd_fsnotify_mnt_prev_parent(raw) };
            moved.parents = Some((old, parent));
        }
        Some(moved)
    }

    /// The new name of a rename.
    pub(crate) fn new_name(&self) -> Option<&'a [u8]> {
        if self.data_type != RENAME {
            return None;
        }
        let dentry = self.dentry()?;
        // SAFETY: Valid for the call; both directories are locked, so the name does not change. All
        // members of the union are the same field.
        Some(bytes(unsafe { &(*dentry).__bindgen_anon_1.d_name }))
    }

    /// The path, held; when the event came through one.
    pub(crate) fn held_path(&self) -> Option<HeldPath> {
        // SAFETY: Valid for the call.
        self.path().map(|path| unsafe { HeldPath::new(path) })
    }

    /// Whether it came through the path of a regular file or of a directory, which user space can
    /// open without further effects.
    pub(crate) fn is_plain(&self) -> bool {
        // SAFETY: Valid for the call.
        self.path()
            .is_some_and(|path| unsafe { bindings::wqd_d_is_plain(path.dentry) })
    }

    /// First byte and length of the range that is about to be accessed; both 0 when the event has
    /// none.
    pub(crate) fn range(&self) -> (u64, u64) {
        if self.data_type != RANGE {
            return (0, 0);
        }
        // SAFETY: The type says what `data` is; valid for the call.
        let range = unsafe { &*self.data.cast::<bindings::file_range>() };
        (range.pos.unsigned_abs(), range.count as u64)
    }

    /// Whether the file was unlinked while it was open. False when the event is not about an open
    /// file.
    pub(crate) fn unlinked(&self) -> bool {
        // SAFETY: Valid for the call.
        self.path()
            .is_some_and(|path| unsafe { bindings::wqd_d_unlinked(path.dentry) })
    }
}

/// The inode of an entry.
///
/// # Safety
///
/// The dentry is valid.
#[inline(always)]
unsafe fn inode_of(dentry: *const bindings::dentry) -> *mut bindings::inode {
    // SAFETY: The caller vouches for it.
    let inode = unsafe { &raw const (*dentry).d_inode };
    // Some file systems announce a new name before its inode, which may come meanwhile.
    //
    // SAFETY: The caller vouches for the dentry, and so for its field. A change stores a whole
    // pointer.
    unsafe { inode.read_volatile() }
}

/// The length of a name.
#[inline]
fn length(name: &bindings::qstr) -> u32 {
    // SAFETY: Both members of the union are plain numbers over the same bytes.
    unsafe { name.__bindgen_anon_1.__bindgen_anon_1.len }
}

/// The bytes of a name.
#[inline]
fn bytes<'a>(name: &'a bindings::qstr) -> &'a [u8] {
    // SAFETY: A name has as many bytes as it says.
    unsafe { core::slice::from_raw_parts(name.name, length(name) as usize) }
}

/// A number that is the same in both halves of one rename and in no other rename for a long time.
pub(crate) fn rename_cookie() -> u32 {
    // SAFETY: It only advances a counter.
    unsafe { bindings::fsnotify_get_cookie() }
}
