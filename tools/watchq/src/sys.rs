// SPDX-License-Identifier: GPL-2.0

//! The system calls that no crate in use has a safe function for. The only `unsafe` of this program.

use std::ffi::{CStr, OsString};
use std::io;
use std::mem::{offset_of, MaybeUninit};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStringExt;
use std::ptr;

use linux_raw_sys::general::{__NR_listmount, __NR_statmount, mnt_id_req, statmount};
use linux_raw_sys::general::{STATMOUNT_FS_TYPE, STATMOUNT_MNT_POINT, STATMOUNT_SB_SOURCE};
use rustix::ioctl::{ioctl, opcode, Getter, Opcode};

/// Whether the program ignores a signal, which it may have been started with.
pub fn is_ignored(signal: i32) -> io::Result<bool> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: Without a new action the call changes nothing; it writes the old one, for which there is
    // room.
    if unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: The kernel has filled it in, and zeros would be valid as well.
    let action = unsafe { action.assume_init() };
    Ok(action.sa_sigaction == libc::SIG_IGN)
}

/// What the kernel tells of a mount.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MountStat {
    /// Where it is, as seen from the root of its namespace's tasks or ours; empty when it cannot be
    /// reached from there.
    pub point: OsString,
    pub fs_type: OsString,
    pub source: OsString,
}

/// The number of a mount namespace that /proc/PID/ns/mnt leads to, for the two functions below. Unlike
/// an open file, it does not keep the namespace alive.
pub fn mount_namespace(fd: BorrowedFd<'_>) -> io::Result<u64> {
    // NS_GET_MNTNS_ID
    const GET_ID: Opcode = opcode::read::<u64>(0xb7, 5);
    // SAFETY: The command writes one u64.
    let arg = unsafe { Getter::<GET_ID, u64>::new() };
    // SAFETY: The argument is the command's own.
    Ok(unsafe { ioctl(fd, arg) }?)
}

/// Whether it is a namespace, as the links in /proc/PID/ns lead to.
pub fn is_namespace(fd: BorrowedFd<'_>) -> bool {
    // NSFS_MAGIC
    rustix::fs::fstatfs(fd).is_ok_and(|stat| stat.f_type == 0x6e73_6673)
}

/// Asks for a mount by its unique id, in a namespace or (0) our own. Looks up no path, so it never waits
/// for a file system, nor for its server.
pub fn statmount(namespace: u64, id: u64) -> io::Result<MountStat> {
    const WANTED: u32 = STATMOUNT_MNT_POINT | STATMOUNT_FS_TYPE | STATMOUNT_SB_SOURCE;
    let request = request(namespace, id, WANTED.into());
    // Words, as the structure is aligned to them.
    let mut answer = vec![0_u64; 256];
    loop {
        // SAFETY: The request says its size; the kernel writes no more than the length of the answer.
        let done = unsafe {
            libc::syscall(
                __NR_statmount.into(),
                &raw const request,
                answer.as_mut_ptr(),
                answer.len() * size_of::<u64>(),
                0,
            )
        };
        match io::Error::last_os_error() {
            _ if done == 0 => break,
            // The strings did not fit; they are three, of a page at most.
            error if error.raw_os_error() == Some(libc::EOVERFLOW) && answer.len() < 1 << 16 => {
                answer.resize(answer.len() * 4, 0);
            }
            error => return Err(error),
        }
    }
    let bytes: Vec<u8> = answer.into_iter().flat_map(u64::to_ne_bytes).collect();
    let number = |at: usize| {
        let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
        word.copied().map_or(0, u32::from_ne_bytes) as usize
    };
    let mask = number(offset_of!(statmount, mask));
    let text = |bit: u32, at: usize| {
        let start = size_of::<statmount>().saturating_add(number(at));
        let text = bytes.get(start..).filter(|_| mask & bit as usize != 0);
        let text = text.and_then(|text| CStr::from_bytes_until_nul(text).ok());
        OsString::from_vec(text.unwrap_or_default().to_bytes().to_vec())
    };
    Ok(MountStat {
        point: text(STATMOUNT_MNT_POINT, offset_of!(statmount, mnt_point)),
        fs_type: text(STATMOUNT_FS_TYPE, offset_of!(statmount, fs_type)),
        source: text(STATMOUNT_SB_SOURCE, offset_of!(statmount, sb_source)),
    })
}

/// The unique ids of the mounts that are mounted on the mount `id` or on one of those; `None` for all
/// mounts of the namespace.
pub fn listmount(namespace: u64, id: Option<u64>) -> io::Result<Vec<u64>> {
    // LSMT_ROOT
    let id = id.unwrap_or(u64::MAX);
    let mut all = Vec::new();
    let mut some = vec![0_u64; 512];
    loop {
        let request = request(namespace, id, all.last().copied().unwrap_or(0));
        // SAFETY: The request says its size; the kernel writes no more ids than there is room for.
        let count = unsafe {
            libc::syscall(
                __NR_listmount.into(),
                &raw const request,
                some.as_mut_ptr(),
                some.len(),
                0,
            )
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        all.extend(some.iter().take(count));
        if count < some.len() {
            return Ok(all);
        }
    }
}

fn request(namespace: u64, id: u64, param: u64) -> mnt_id_req {
    mnt_id_req {
        size: size_of::<mnt_id_req>() as u32,
        spare: 0,
        mnt_id: id,
        param,
        mnt_ns_id: namespace,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mounts_say_of_themselves() {
        // An old kernel of the machine that builds may not have the call.
        let ids = match listmount(0, None) {
            Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => return,
            ids => ids.unwrap(),
        };
        let stats = ids.iter().filter_map(|id| statmount(0, *id).ok());
        let proc = stats.into_iter().find(|stat| stat.point == "/proc");
        assert_eq!(proc.unwrap().fs_type, "proc");
        assert!(statmount(0, 1).is_err());
    }

    #[test]
    fn the_sizes_are_those_of_the_kernel() {
        assert_eq!((size_of::<mnt_id_req>(), size_of::<statmount>()), (32, 512));
    }
}
