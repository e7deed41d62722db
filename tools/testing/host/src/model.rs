// SPDX-License-Identifier: GPL-2.0

//! Streams records through the queue's state, a ring and a consumer, and keeps the books.
//!
//! Every record carries its number among all records that were posted, lost ones included. The
//! consumer reads nothing but records: it expects number after number, and a LOSS record must say
//! exactly how many are missing where it stands, and whose they were. So it knows at any time what
//! it missed, and in the end what it saw and what it missed is what was posted.
//!
//! In between user space misbehaves: tails that cannot be, tails that go backward, scribbles all
//! over the header. Repeatable: everything comes from the seed.

use crate::{
    consumer::{self, Consumer},
    module::queue::host::{Queue, Records},
    ring::record::{head_word, info, kind, meta},
    rust::prelude::Arc,
    shim::watch::{Reason, Watch},
};
use std::collections::VecDeque;

/// What a run saw; all in records.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Posted to the queue.
    pub posted: u64,
    /// Written to the ring, as the queue counts.
    pub delivered: u64,
    /// Not written, as the queue counts.
    pub lost: u64,
    /// Came out of the ring.
    pub seen: u64,
    /// Missing, as LOSS records say.
    pub missed: u64,
    /// Interludes of misbehaviour.
    pub hostile: u64,
    /// Watches that ended, each with its REMOVAL.
    pub removals: u64,
}

/// A small generator of random numbers (splitmix64): the same everywhere, and fast.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    fn below(&mut self, n: u32) -> u32 {
        (((self.next() >> 32) * u64::from(n)) >> 32) as u32
    }
}

/// Records that were lost one after the other, with no LOSS record in between.
#[derive(Clone, Copy)]
struct Gap {
    count: u64,
    /// Index of the only watch that lost them.
    watch: Option<usize>,
}

/// Longest name: with its NUL it fills what the record has left.
const MAX_NAME: usize = 479;
const WATCHES: usize = 8;

/// One run.
pub struct Model {
    random: Random,
    queue: Queue,
    watches: Vec<Arc<Watch>>,
    handles: u64,
    /// Number of the next record to post.
    posted: u64,
    /// Lost, and not yet told by a LOSS record.
    gap: Option<Gap>,
    /// Told, and not yet read.
    told: VecDeque<Gap>,
    /// Ended, and not yet read: handles.
    ended: VecDeque<u64>,
    reader: Reader,
    summary: Summary,
}

/// What the consumer knows.
#[derive(Default)]
struct Reader {
    /// Number of the next record.
    expected: u64,
    /// The last record was a LOSS.
    after_loss: bool,
    seen: u64,
    missed: u64,
    removals: u64,
}

impl Model {
    /// A run over a ring of `size` slots (a power of two, at least 512); it begins shortly before
    /// the counters wrap.
    pub fn new(size: u32, seed: u64) -> Self {
        let mut model = Self {
            random: Random(seed),
            queue: Queue::new(size, 0u32.wrapping_sub(size).wrapping_add(3)),
            watches: Vec::new(),
            handles: 0,
            posted: 0,
            gap: None,
            told: VecDeque::new(),
            ended: VecDeque::new(),
            reader: Reader::default(),
            summary: Summary::default(),
        };
        for id in 0..WATCHES {
            let watch = model.watch(id);
            model.watches.push(watch);
        }
        model
    }

    /// Posts at least `records` more records.
    pub fn run(&mut self, records: u64) {
        let end = self.posted + records;
        while self.posted < end {
            match self.random.below(1 << 16) {
                0..16 => self.misbehave(),
                16..32 => self.replace_watch(),
                32..1024 => {
                    self.poll();
                }
                1024..16384 => {
                    let n = self.random.below(48);
                    self.take(n);
                }
                _ => self.post(),
            }
        }
    }

    /// Reads the rest and closes the books.
    pub fn finish(mut self) -> Summary {
        // What waits may need more than one ring.
        while self.poll() {
            self.take(u32::MAX);
        }
        let counters = self.queue.counters();
        let summary = Summary {
            posted: self.posted,
            delivered: counters.delivered,
            lost: counters.lost,
            seen: self.reader.seen,
            missed: self.reader.missed,
            removals: self.reader.removals,
            ..self.summary
        };
        assert!(self.ended.is_empty(), "a REMOVAL is missing");
        assert_eq!(counters.filtered, 0);
        assert_eq!(summary.posted, summary.delivered + summary.lost);
        assert_eq!(summary.seen, summary.delivered);
        assert_eq!(summary.missed, summary.lost);
        summary
    }

    fn watch(&mut self, id: usize) -> Arc<Watch> {
        self.handles += 1;
        let cookie = self.handles * WATCHES as u64 + id as u64;
        Arc::new(Watch::new(id as u8, self.handles, cookie, false))
    }

    /// One event: a record, or as many as an event has bits, or the two of a rename.
    fn post(&mut self) {
        let number = self.random.below(WATCHES as u32) as usize;
        let len = self.random.below(MAX_NAME as u32 + 1) as usize;
        let (subtypes, pair) = match self.random.below(16) {
            0 => (1 << 6, true),
            1 => (0b1_0000_0000_0010, false),
            2 => (0b111, false),
            _ => (1 << self.random.below(13), false),
        };
        let watch = &self.watches[number];
        let count = if pair {
            2
        } else {
            u64::from(u32::count_ones(subtypes))
        };
        let fixed = [self.posted, watch.cookie()];
        let name = name_of(self.posted);
        let records = |subtypes| Records {
            kind: kind::FS,
            subtypes,
            base: 0,
            flags: info::IN_SUBTREE,
            fixed: &fixed[..],
            name: &name[..len],
        };

        let before = self.queue.counters();
        let empty = self.queue.memory.head() == self.queue.memory.tail();
        let event = [records(subtypes), records(1 << 7)];
        let wrote = self
            .queue
            .post(watch, if pair { &event } else { &event[..1] });
        let after = self.queue.counters();
        self.posted += count;
        if wrote {
            self.tell();
        }
        match (after.delivered - before.delivered, after.lost - before.lost) {
            (n, 0) if n == count => (),
            (0, n) if n == count => {
                assert!(!empty, "an empty ring lost a record");
                let gap = self.gap.get_or_insert(Gap {
                    count: 0,
                    watch: Some(number),
                });
                gap.count += count;
                gap.watch = gap.watch.filter(|w| *w == number);
            }
            other => panic!("{count} records posted, (delivered, lost) {other:?}"),
        }
    }

    /// A LOSS record was written if there was something to tell.
    fn tell(&mut self) {
        self.told.extend(self.gap.take());
    }

    fn poll(&mut self) -> bool {
        if self.queue.flush().is_some() {
            self.tell();
        }
        self.queue.poll().expect("the tail is the consumer's")
    }

    /// Ends a watch and begins another with the same id. What it lost is told before that, so that
    /// a number is enough to name a watch; so only when nothing is to be told.
    fn replace_watch(&mut self) {
        if self.gap.is_some() || !self.told.is_empty() {
            return;
        }
        let number = self.random.below(WATCHES as u32) as usize;
        let watch = self.watch(number);
        let old = std::mem::replace(&mut self.watches[number], watch);
        assert!(self.queue.kill(&old, Reason::Removed).is_some());
        assert!(self.queue.kill(&old, Reason::Removed).is_none());
        self.ended.push_back(old.handle_number());
    }

    fn take(&mut self, n: u32) {
        for _ in 0..n {
            let Self {
                queue,
                reader,
                told,
                ended,
                watches,
                ..
            } = self;
            if !reader.take(&mut queue.consumer, told, ended, watches) {
                return;
            }
        }
    }

    /// User space overwrites the header in all ways, while events are posted; then it repairs it.
    fn misbehave(&mut self) {
        self.summary.hostile += 1;
        let memory = self.queue.memory.clone();
        let (header, tail) = (memory.header(), memory.tail());
        let bad = match self.random.below(4) {
            // Inside the header, in this round or another.
            0 => (tail & !(memory.size() - 1)) + 1 + self.random.below(2),
            // In front of the head.
            1 => memory.head().wrapping_add(1 + self.random.below(1 << 30)),
            // Further behind the head than the ring is long.
            2 => memory
                .head()
                .wrapping_sub(memory.size() + 1 + self.random.below(1 << 30)),
            // None of it.
            _ => tail,
        };
        for word in 0..3 {
            let value = self.random.next();
            memory.set_word(word, value);
        }
        memory.set_tail(bad);
        let before = self.queue.counters();
        for _ in 0..self.random.below(4) {
            self.post();
        }
        let after = self.queue.counters();
        if bad != tail {
            assert_eq!(before.delivered, after.delivered, "accepted tail {bad}");
            memory.set_header(header);
            return;
        }
        // Whatever was written was published; else the head is what it was.
        let published = memory.head();
        memory.set_header(header);
        if after.delivered != before.delivered {
            memory.set_head(published);
        }
    }
}

impl Reader {
    /// Takes one record and checks it; false when there is none.
    fn take(
        &mut self,
        consumer: &mut Consumer,
        told: &mut VecDeque<Gap>,
        ended: &mut VecDeque<u64>,
        watches: &[Arc<Watch>],
    ) -> bool {
        let Some(record) = consumer.next() else {
            return false;
        };
        let first = record[0];
        match (consumer::kind(first), consumer::subtype(first)) {
            (kind::META, meta::LOSS) => {
                let gap = told.pop_front().expect("LOSS, but nothing was lost");
                let cookie = gap.watch.map_or(0, |w| watches[w].cookie());
                let many = if gap.watch.is_none() { info::FLAG_0 } else { 0 };
                let head = head_word(kind::META, meta::LOSS, info::OVERRUN | many, 3);
                assert_eq!(record, [head, gap.count, cookie]);
                self.expected += gap.count;
                self.missed += gap.count;
                self.after_loss = true;
            }
            (kind::META, meta::REMOVAL) => {
                assert_eq!(
                    Some(record[1]),
                    ended.pop_front(),
                    "REMOVALs in order of death"
                );
                self.removals += 1;
            }
            (kind::FS, _) => self.event(record),
            other => panic!("record of type and subtype {other:?}"),
        }
        true
    }

    /// One of an event's records: they all carry the number of the first.
    fn event(&mut self, record: &[u64]) {
        let (first, number, cookie) = (record[0], record[1], record[2]);
        assert!(
            number <= self.expected && self.expected - number < 3,
            "record {number} instead of {}",
            self.expected
        );
        let id = consumer::info(first) >> info::ID_SHIFT;
        assert_eq!(
            u64::from(id),
            cookie % WATCHES as u64,
            "id and cookie of one watch"
        );
        let overrun = consumer::info(first) & info::OVERRUN != 0;
        assert_eq!(overrun, std::mem::take(&mut self.after_loss));
        self.name(number, &record[3..]);
        self.expected += 1;
        self.seen += 1;
    }

    /// A name of any length, its NUL, and zeros.
    fn name(&self, number: u64, words: &[u64]) {
        let Some((last, all)) = words.split_last() else {
            return;
        };
        for (i, word) in all.iter().enumerate() {
            assert_eq!(
                *word,
                mix(number, i),
                "slot {i} of the name in record {number}"
            );
        }
        let (last, whole) = (last.to_ne_bytes(), mix(number, all.len()).to_ne_bytes());
        let end = last.iter().position(|byte| *byte == 0).expect("a NUL");
        assert_eq!(
            last[..end],
            whole[..end],
            "end of the name in record {number}"
        );
        assert_eq!(
            last[end..],
            [0; 8][end..],
            "behind the name in record {number}"
        );
    }
}

/// The name in record `number`, as long as can be.
fn name_of(number: u64) -> [u8; 8 * MAX_NAME.div_ceil(8)] {
    let mut bytes = [0; 8 * MAX_NAME.div_ceil(8)];
    for (i, chunk) in bytes.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&mix(number, i).to_ne_bytes());
    }
    bytes
}

/// Slot `i` of the name in record `number`: no byte is zero.
fn mix(number: u64, i: usize) -> u64 {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (i as u64) << 56) | 0x0101_0101_0101_0101
}
