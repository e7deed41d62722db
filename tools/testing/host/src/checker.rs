// SPDX-License-Identifier: GPL-2.0

//! A producer, a consumer and a queue of what must come out, driven by operations.
//!
//! Each operation is checked at once: what fits against [`reference`], where the producer stores
//! against what is unread, what the consumer takes against what was put. The property tests make
//! the operations at random, the fuzz target from its input.

use crate::{
    consumer::Consumer,
    memory::Memory,
    reference,
    ring::{
        producer::{Producer, Refused},
        record, Slots, HEADER_SLOTS, MAX_RECORD_SLOTS,
    },
};
use std::collections::VecDeque;

/// What may happen to a ring.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Post records of these lengths, all or none, beside so much that is kept free.
    Post { lens: Vec<u32>, reserve: u32 },
    /// Take up to so many records out.
    Take(u32),
    /// Store this tail, as nobody should.
    Tail(u32),
    /// Store a tail that far from the head.
    TailBehindHead(u32),
    /// Overwrite a word of the header; the tail stays.
    Scribble { word: u32, value: u64 },
}

/// Notes where the producer stores.
struct Noting<'a> {
    memory: &'a mut Memory,
    stored: &'a mut Vec<u32>,
}

impl Slots for Noting<'_> {
    fn store(&mut self, index: u32, word: u64) {
        self.stored.push(index);
        self.memory.store(index, word);
    }

    fn load_tail(&self) -> u32 {
        self.memory.load_tail()
    }

    fn publish_head(&mut self, head: u32) {
        self.memory.publish_head(head);
    }
}

pub(crate) struct Checker {
    memory: Memory,
    producer: Producer,
    consumer: Consumer,
    /// Where the head must be.
    head: u32,
    /// Written and not yet taken.
    unread: VecDeque<Vec<u64>>,
    /// The header's words that never change: the first and the third.
    header: [u64; HEADER_SLOTS as usize],
    /// Set while the tail is not the one that the consumer left.
    hostile: bool,
    records: u64,
    stored: Vec<u32>,
    /// What the run was begun with.
    reserve: u32,
}

impl Checker {
    /// An empty ring of `size` slots with its counters at `head`.
    pub(crate) fn new(size: u32, head: u32) -> Self {
        let producer = Producer::starting_at(size, head).expect("a size and a head that can be");
        let mut memory = Memory::new(size);
        producer.init(&mut memory);
        memory.protect_header();
        assert_eq!(memory.header(), record::header_words(head, head, size - 1));
        Self {
            header: memory.header(),
            consumer: Consumer::new(memory.clone()),
            memory,
            producer,
            head,
            unread: VecDeque::new(),
            hostile: false,
            records: 0,
            stored: Vec::new(),
            reserve: 0,
        }
    }

    pub(crate) fn apply(&mut self, op: &Op) {
        match op {
            Op::Post { lens, reserve } => {
                let _ = self.post(lens, *reserve);
            }
            Op::Take(n) => {
                self.repair();
                for _ in 0..*n {
                    if !self.take() {
                        break;
                    }
                }
            }
            Op::Tail(tail) => self.set_tail(*tail),
            Op::TailBehindHead(n) => self.set_tail(self.head.wrapping_sub(*n)),
            Op::Scribble { word, value } => {
                let tail = self.memory.tail();
                self.memory.set_word(word % HEADER_SLOTS, *value);
                self.memory.set_tail(tail);
            }
        }
    }

    /// Posts if it fits, and says so.
    pub(crate) fn post(&mut self, lens: &[u32], reserve: u32) -> Result<(), Refused> {
        let (size, tail) = (self.producer.size(), self.memory.load_tail());
        let expected = reference::fits(size, self.head, tail, lens, reserve);
        let used = self.head.wrapping_sub(tail);
        // Every other record that is alone takes the short way.
        let short = lens.len() == 1 && self.records.is_multiple_of(2);
        if !short {
            let answer = self.producer.fits(tail, lens.iter().copied(), reserve);
            self.expect(answer, expected, tail, lens, reserve);
            answer?;
        }
        for &len in lens {
            let (first, fixed, name) = self.content(len);
            let mut slots = Noting {
                memory: &mut self.memory,
                stored: &mut self.stored,
            };
            if short {
                if reserve != self.reserve {
                    self.producer.stop_run();
                    self.reserve = reserve;
                }
                let answer = if self.producer.in_run(tail, len) {
                    Ok(())
                } else {
                    self.producer.start_run(&mut slots, len, reserve)
                };
                if answer.is_ok() {
                    assert!(self.producer.in_run(tail, len));
                    self.producer
                        .put_in_run(&mut slots, first, fixed.as_slice(), &name);
                }
                self.expect(answer, expected, tail, lens, reserve);
                answer?;
            } else {
                self.producer.put(&mut slots, first, &fixed, &name);
            }
            let words = joined(first, &fixed, &name);
            assert_eq!(words.len(), len as usize);
            self.head = self
                .head
                .wrapping_add(reference::cost(size, self.head, len));
            self.unread.push_back(words);
        }
        for index in self.stored.drain(..) {
            let from_tail = index.wrapping_sub(tail) & (size - 1);
            assert!(
                from_tail >= used,
                "slot {index} was unread (tail {tail}, {used} in use)"
            );
        }
        self.producer.publish(&mut self.memory);
        assert_eq!(self.memory.head(), self.head, "the published head");
        assert_eq!(
            self.memory.load_tail(),
            tail,
            "the tail is not the producer's to store"
        );
        Ok(())
    }

    fn expect(
        &self,
        answer: Result<(), Refused>,
        expected: Result<(), Refused>,
        tail: u32,
        lens: &[u32],
        reserve: u32,
    ) {
        let head = self.head;
        assert_eq!(
            answer, expected,
            "head {head}, tail {tail}, {lens:?} + {reserve}"
        );
    }

    /// Takes one record, which must be the next; false when the ring is empty.
    pub(crate) fn take(&mut self) -> bool {
        let taken = self.consumer.next();
        assert_eq!(taken, self.unread.pop_front().as_deref());
        taken.is_some()
    }

    /// As a consumer that starts again after nonsense: header restored, nothing unread.
    pub(crate) fn repair(&mut self) {
        let [first, _, third] = self.header;
        self.memory.set_word(0, first);
        self.memory.set_word(2, third);
        self.memory.set_head(self.head);
        if std::mem::take(&mut self.hostile) {
            self.memory.set_tail(self.head);
            self.unread.clear();
        }
    }

    /// Ends a run: the ring must be as good as new, whatever happened to it.
    pub(crate) fn finish(&mut self) {
        self.repair();
        while self.take() {}
        for len in 1..=MAX_RECORD_SLOTS {
            assert_eq!(
                self.post(&[len], 0),
                Ok(()),
                "an empty ring refused {len} slots"
            );
            assert!(self.take());
        }
        assert!(!self.take());
    }

    fn set_tail(&mut self, tail: u32) {
        self.hostile = true;
        self.memory.set_tail(tail);
    }

    /// A record of `len` slots that no other is like: first word, further words, name. How many
    /// there are of each depends on the record's number, so that all mixtures occur.
    fn content(&mut self, len: u32) -> (u64, Vec<u64>, Vec<u8>) {
        self.records += 1;
        let n = self.records as usize;
        let first = record::head_word(record::kind::FS, self.records as u32 & 0xff, 0, len);
        let fixed = n * 7 % len as usize;
        let name = match len as usize - 1 - fixed {
            0 => 0,
            slots => (8 * (slots - 1) + n % 8).max(1),
        };
        (
            first,
            (0..fixed).map(|i| self.records << 8 | i as u64).collect(),
            (0..name).map(|i| (n + i) as u8 | 1).collect(),
        )
    }
}

/// The words of a record; a name is followed by at least one NUL, up to the end of a word.
fn joined(first: u64, fixed: &[u64], name: &[u8]) -> Vec<u64> {
    let mut words = vec![first];
    words.extend(fixed);
    words.extend(reference::name_words(name));
    words
}
