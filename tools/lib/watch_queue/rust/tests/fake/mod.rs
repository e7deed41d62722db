// SPDX-License-Identifier: MIT OR Apache-2.0

//! A ring in ordinary memory, written the way the kernel writes one, for the tests beside it.
#![allow(missing_docs, dead_code)] // each test file uses a part of it

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use watch_queue::{abi, Consumer};

/// The memory of a ring, and a producer that keeps its own head.
pub struct FakeRing {
    slots: Box<[AtomicU64]>,
    head: u32,
}

impl FakeRing {
    /// A fresh ring of `slots` slots with head and tail at `start`, which must be a position after
    /// the header.
    pub fn new(slots: u32, start: u32) -> Self {
        let ring = FakeRing {
            slots: (0..slots).map(|_| AtomicU64::new(0)).collect(),
            head: start,
        };
        ring.set_word(0, 0);
        ring.set_word(1, 3 << abi::LENGTH_SHIFT);
        ring.set_word(2, start);
        ring.set_word(3, start);
        ring.set_word(4, slots - 1);
        ring
    }

    /// A consumer of this ring, which must not outlive it.
    pub fn consumer(&self) -> std::io::Result<Consumer> {
        let base = NonNull::new(self.slots.as_ptr().cast_mut().cast()).expect("not empty");
        // SAFETY: The memory is valid and aligned; the tests drop the consumer before the ring.
        unsafe { Consumer::new(base, self.size()) }
    }

    pub fn size(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap()
    }

    pub fn word(&self, index: u32) -> u32 {
        self.atomic(index).load(Ordering::Acquire)
    }

    pub fn set_word(&self, index: u32, value: u32) {
        self.atomic(index).store(value, Ordering::Release);
    }

    pub fn tail(&self) -> u32 {
        self.word(3)
    }

    /// Writes a record as the kernel would, or says that there is no room. `record` is a whole
    /// number of slots and has its length in `info`.
    pub fn post(&mut self, record: &[u8]) -> bool {
        let length = u32::try_from(record.len() / 8).unwrap();
        let index = self.head & (self.size() - 1);
        let mut skip = 0;
        let mut header = if index == 0 { 3 } else { 0 };
        if index + header + length > self.size() {
            skip = self.size() - index;
            header = 3;
        }
        let used = self.head.wrapping_sub(self.tail());
        if used + skip + header + length > self.size() {
            return false;
        }
        if skip > 0 {
            self.write(index, &meta(abi::META_SKIP, skip)[..8]);
        }
        let start = self.head.wrapping_add(skip + header);
        self.write(start & (self.size() - 1), record);
        self.head = start.wrapping_add(length);
        self.set_word(2, self.head);
        true
    }

    /// Writes whole slots at `index`, whatever is there.
    pub fn write(&self, index: u32, bytes: &[u8]) {
        for (i, slot) in bytes.chunks_exact(8).enumerate() {
            let value = u64::from_ne_bytes(slot.try_into().unwrap());
            self.slots[index as usize + i].store(value, Ordering::Relaxed);
        }
    }

    fn atomic(&self, index: u32) -> &AtomicU32 {
        assert!(index < self.size() * 2);
        // SAFETY: The index was checked.
        let word = unsafe { self.slots.as_ptr().cast::<u32>().add(index as usize) };
        // SAFETY: The word is aligned and lives as long as `self`.
        unsafe { AtomicU32::from_ptr(word.cast_mut()) }
    }
}

/// A record of `type_` and `subtype` with `body`, padded, and `flags` in its info.
pub fn record(type_: u32, subtype: u8, flags: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    bytes.extend(body);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let info = u32::try_from(bytes.len()).unwrap() | flags;
    bytes[..4].copy_from_slice(&(type_ | u32::from(subtype) << 24).to_ne_bytes());
    bytes[4..8].copy_from_slice(&info.to_ne_bytes());
    bytes
}

/// A META record of `slots` slots.
pub fn meta(subtype: u8, slots: u32) -> Vec<u8> {
    record(abi::TYPE_META, subtype, 0, &vec![0; slots as usize * 8 - 8])
}

/// An FS record with a name.
pub fn fs(subtype: u8, cookie: u64, name: &[u8]) -> Vec<u8> {
    let offset = if name.is_empty() { 0 } else { 48 };
    fs_raw(
        subtype,
        cookie,
        [offset, u16::try_from(name.len()).unwrap(), 0, 0],
        name,
    )
}

/// An FS record with any offsets and what follows the fixed part.
pub fn fs_raw(subtype: u8, cookie: u64, offsets: [u16; 4], rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(cookie.to_ne_bytes());
    body.extend(0x0123_4567_89ab_cdef_u64.to_ne_bytes()); // inode
    body.extend(0x0801_u32.to_ne_bytes()); // dev
    body.extend((1_u32 << 30 | 1 << (subtype % 32)).to_ne_bytes()); // mask
    body.extend(42_u32.to_ne_bytes()); // pid
    body.extend(77_u32.to_ne_bytes()); // rename cookie
    for word in offsets {
        body.extend(word.to_ne_bytes());
    }
    body.extend(rest);
    if !rest.is_empty() {
        body.push(0);
    }
    record(abi::TYPE_FS, subtype, abi::INFO_FLAG_0, &body)
}
