// SPDX-License-Identifier: GPL-2.0

//! Structures that grow, passed between programs and the kernel.
//!
//! Each begins with its size as the program knows it (as in clone3(2)). A newer program may talk to
//! an older kernel, as long as what the kernel does not know is zero; an older program to a newer
//! kernel, for which what is missing is zero.
//!
//! Used by the ioctls of `device.rs`. Process context; touches user memory, so no spinlock may be
//! held, nor any lock that a page fault might take.

use crate::rust::prelude::*;
use kernel::{
    page::PAGE_SIZE,
    uaccess::UserSlice, //
};
use zerocopy::Immutable;

/// Reads the structure at `address`, which begins with its size. Returns it with that size.
///
/// `min_size` is the size of the first published version. `EINVAL` if the size is smaller, `E2BIG`
/// if it is larger than a page or if anything is not zero that lies beyond `T`, `EFAULT` if it
/// cannot be read.
///
/// The size in the result is the one that was checked, whatever other threads do to the original.
pub(crate) fn read_struct<T: FromBytes + IntoBytes>(
    address: usize,
    min_size: usize,
) -> Result<(T, usize)> {
    const HEAD: usize = size_of::<u32>();
    const { assert!(size_of::<T>() >= HEAD && size_of::<T>() <= PAGE_SIZE) };

    let user = UserPtr::from_addr(address);
    let head: u32 = UserSlice::new(user, HEAD).reader().read()?;
    let size = head as usize;

    if size < min_size.max(HEAD) {
        return Err(EINVAL);
    }
    if size > PAGE_SIZE {
        return Err(E2BIG);
    }

    let mut reader = UserSlice::new(user, size).reader();
    let mut value = T::new_zeroed();
    let bytes = value.as_mut_bytes();
    let known = bytes.len().min(size);
    reader.read_slice(&mut bytes[..known])?;
    bytes[..HEAD].copy_from_slice(&head.to_ne_bytes());

    let mut chunk = [0u8; 64];
    while !reader.is_empty() {
        let len = reader.len().min(chunk.len());
        reader.read_slice(&mut chunk[..len])?;
        if chunk[..len].iter().any(|&byte| byte != 0) {
            return Err(E2BIG);
        }
    }

    Ok((value, size))
}

/// Writes `value` to `address`, but no more than the `user_size` bytes that [`read_struct`] found
/// there. What the program knows and the kernel does not stays as it is: zero.
///
/// `EFAULT` if it cannot be written.
pub(crate) fn write_struct<T: IntoBytes + Immutable>(
    address: usize,
    user_size: usize,
    value: &T,
) -> Result {
    let bytes = value.as_bytes();
    let len = bytes.len().min(user_size);

    UserSlice::new(UserPtr::from_addr(address), len)
        .writer()
        .write_slice(&bytes[..len])
}
