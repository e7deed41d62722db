// SPDX-License-Identifier: GPL-2.0

//! The memory of a ring, shared by a producer and a consumer on one thread.
//!
//! The producer's side is the module's [`Slots`]; the consumer's side reads and writes what user
//! space can. What the producer stores is checked: inside the ring always, and outside of its
//! header once that was written. Used by everything here.

use crate::ring::{Slots, HEADER_SLOTS};
use std::{cell::Cell, rc::Rc};

/// Words of the ring's header, as user space sees them.
const HEAD_TAIL: u32 = 1;
const MASK: u32 = 2;

/// The two 32-bit fields of a word, the first in memory first.
pub(crate) fn halves(word: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = word.to_ne_bytes();
    [
        u32::from_ne_bytes([a, b, c, d]),
        u32::from_ne_bytes([e, f, g, h]),
    ]
}

/// The reverse of [`halves`].
pub(crate) fn join([first, second]: [u32; 2]) -> u64 {
    let ([a, b, c, d], [e, f, g, h]) = (first.to_ne_bytes(), second.to_ne_bytes());
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

/// One ring's memory; a clone is another view of the same.
#[derive(Clone)]
pub(crate) struct Memory {
    slots: Rc<[Cell<u64>]>,
    header_is_written: Rc<Cell<bool>>,
}

impl Memory {
    /// Zeroed memory of `size` slots.
    pub(crate) fn new(size: u32) -> Self {
        Self {
            slots: vec![Cell::new(0); size as usize].into(),
            header_is_written: Rc::new(Cell::new(false)),
        }
    }

    /// From now on the producer must not store to the header.
    pub(crate) fn protect_header(&self) {
        self.header_is_written.set(true);
    }

    pub(crate) fn size(&self) -> u32 {
        self.slots.len() as u32
    }

    pub(crate) fn word(&self, index: u32) -> u64 {
        self.slots[index as usize].get()
    }

    /// As user space: anything, anywhere.
    pub(crate) fn set_word(&self, index: u32, word: u64) {
        self.slots[index as usize].set(word);
    }

    /// A run of slots; it must not cross the end.
    pub(crate) fn run(&self, index: u32, len: u32) -> &[Cell<u64>] {
        &self.slots[index as usize..][..len as usize]
    }

    pub(crate) fn head(&self) -> u32 {
        halves(self.word(HEAD_TAIL))[0]
    }

    pub(crate) fn set_head(&self, head: u32) {
        self.set_word(HEAD_TAIL, join([head, self.tail()]));
    }

    pub(crate) fn tail(&self) -> u32 {
        halves(self.word(HEAD_TAIL))[1]
    }

    pub(crate) fn set_tail(&self, tail: u32) {
        self.set_word(HEAD_TAIL, join([self.head(), tail]));
    }

    pub(crate) fn mask(&self) -> u32 {
        halves(self.word(MASK))[0]
    }

    /// The header's words.
    pub(crate) fn header(&self) -> [u64; HEADER_SLOTS as usize] {
        std::array::from_fn(|i| self.word(i as u32))
    }

    /// Puts back what was read by [`Self::header`].
    pub(crate) fn set_header(&self, words: [u64; HEADER_SLOTS as usize]) {
        for (i, word) in words.into_iter().enumerate() {
            self.set_word(i as u32, word);
        }
    }
}

impl Slots for Memory {
    fn store(&mut self, index: u32, word: u64) {
        assert!(
            index >= HEADER_SLOTS || !self.header_is_written.get(),
            "the producer wrote to slot {index} of the header"
        );
        self.slots[index as usize].set(word);
    }

    fn load_tail(&self) -> u32 {
        self.tail()
    }

    fn publish_head(&mut self, head: u32) {
        self.set_head(head);
    }
}
