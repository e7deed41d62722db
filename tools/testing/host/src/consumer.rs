// SPDX-License-Identifier: GPL-2.0

//! A consumer written from the document of 2019 alone: it walks from tail to head by the lengths
//! of the records, and steps over META/SKIP, whether that is padding or the ring's header.
//!
//! It panics where a real one would have to give up: at a record without a length, one that
//! crosses the end of the ring, or one that reaches beyond the head.

use crate::{
    memory::{halves, Memory},
    ring::MAX_RECORD_SLOTS,
};

const LENGTH: u32 = 0x1f8;
const LENGTH_SHIFT: u32 = 3;

/// First word of a record: its type.
pub(crate) fn kind(word: u64) -> u32 {
    let first = halves(word)[0];
    if cfg!(target_endian = "little") {
        first & 0xff_ffff
    } else {
        first >> 8
    }
}

/// First word of a record: its subtype.
pub(crate) fn subtype(word: u64) -> u32 {
    let first = halves(word)[0];
    if cfg!(target_endian = "little") {
        first >> 24
    } else {
        first & 0xff
    }
}

/// First word of a record: `info`.
pub(crate) fn info(word: u64) -> u32 {
    halves(word)[1]
}

pub(crate) struct Consumer {
    memory: Memory,
    record: [u64; MAX_RECORD_SLOTS as usize],
}

impl Consumer {
    pub(crate) fn new(memory: Memory) -> Self {
        Self {
            memory,
            record: [0; MAX_RECORD_SLOTS as usize],
        }
    }

    /// Takes the next record out of the ring; `None` when it is empty.
    pub(crate) fn next(&mut self) -> Option<&[u64]> {
        let (head, mut tail) = (self.memory.head(), self.memory.tail());
        let mask = self.memory.mask();
        while tail != head {
            let index = tail & mask;
            let first = self.memory.word(index);
            let len = (info(first) & LENGTH) >> LENGTH_SHIFT;
            assert!(len != 0, "record without length at slot {index}");
            assert!(
                len <= head.wrapping_sub(tail),
                "record of {len} slots at slot {index} reaches beyond the head"
            );
            tail = tail.wrapping_add(len);
            if kind(first) == 0 && subtype(first) == 0 {
                self.memory.set_tail(tail);
                continue;
            }
            let record = &mut self.record[..len as usize];
            for (to, from) in record.iter_mut().zip(self.memory.run(index, len)) {
                *to = from.get();
            }
            self.memory.set_tail(tail);
            return Some(&self.record[..len as usize]);
        }
        None
    }
}
