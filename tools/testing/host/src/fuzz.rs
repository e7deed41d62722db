// SPDX-License-Identifier: GPL-2.0

//! What the fuzz targets do with their input: bytes become operations on a ring, or a filter and
//! records for it. A fault is a panic. The tests run the checked-in corpus through the same.

use crate::{
    checker::{Checker, Op},
    module::queue::filter::{Filter, ENTRY_WORDS},
    reference::FilterText,
    ring::MAX_RECORD_SLOTS,
};

/// Reads numbers from the front of the input; `None` at its end.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn u8(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn u32(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*first))
    }

    /// A length of 1 to 63.
    fn len(&mut self) -> Option<u32> {
        Some(u32::from(self.u8()?) % MAX_RECORD_SLOTS + 1)
    }

    fn op(&mut self) -> Option<Op> {
        let choice = self.u8()?;
        Some(match choice % 8 {
            0..3 => Op::Post {
                lens: vec![self.len()?],
                reserve: u32::from(choice / 8),
            },
            3 => Op::Post {
                lens: (0..choice / 64 + 2)
                    .map(|_| self.len())
                    .collect::<Option<_>>()?,
                reserve: 8,
            },
            4 => Op::Take(u32::from(choice / 8)),
            5 => Op::Tail(self.u32()?),
            6 => Op::TailBehindHead(u32::from(self.u8()?) << (choice / 32)),
            _ => Op::Scribble {
                word: u32::from(choice / 8),
                value: u64::from(self.u32()?) << 32 | u64::from(self.u32()?),
            },
        })
    }
}

/// A ring of 512 or 1024 slots that begins anywhere, and what happens to it.
pub fn ring(data: &[u8]) {
    let mut input = Input(data);
    let (Some(order), Some(head)) = (input.u8(), input.u32()) else {
        return;
    };
    let size = 512 << (order & 1);
    if matches!(head % size, 1 | 2) {
        return;
    }
    let mut checker = Checker::new(size, head);
    while let Some(op) = input.op() {
        checker.apply(&op);
    }
    checker.finish();
}

/// A filter as user space gives it (count, reserved word, entries of eleven words each), then
/// records: type, subtype, info.
pub fn filter(data: &[u8]) {
    let mut input = Input(data);
    let (Some(nr_filters), Some(reserved)) = (input.u32(), input.u32()) else {
        return;
    };
    let count = Filter::count(nr_filters, reserved);
    let mut entries = Vec::new();
    for _ in 0..count.unwrap_or(0) {
        let mut entry = [0; ENTRY_WORDS];
        for word in &mut entry {
            *word = input.u32().unwrap_or(0);
        }
        entries.push(entry);
    }
    let text = FilterText {
        nr_filters,
        reserved,
        entries: &entries,
    };
    check_filter(&text, || Some((input.u32()?, input.u8()?, input.u32()?)));
}

/// Parses the filter as the device does, and judges records by it.
pub(crate) fn check_filter(
    text: &FilterText<'_>,
    mut records: impl FnMut() -> Option<(u32, u8, u32)>,
) {
    let mut filter = Filter::new();
    let parsed = Filter::count(text.nr_filters, text.reserved)
        .and_then(|_| text.entries.iter().try_for_each(|entry| filter.push(entry)));
    assert_eq!(parsed.is_ok(), text.is_good(), "{parsed:?}");
    if parsed.is_err() {
        return;
    }
    while let Some((kind, subtype, info)) = records() {
        let passes = filter.passes(kind, subtype, info);
        let expected = text.passes(kind, subtype, info);
        assert_eq!(
            passes, expected,
            "type {kind}, subtype {subtype}, info {info:#x}"
        );
    }
}

#[cfg(test)]
mod tests {
    /// Runs every file of a folder of the corpus.
    fn corpus(folder: &str, target: fn(&[u8])) {
        let folder = format!("{}/corpus/{folder}", env!("CARGO_MANIFEST_DIR"));
        let mut files = 0;
        for entry in std::fs::read_dir(folder).expect("the corpus") {
            target(&std::fs::read(entry.expect("an entry").path()).expect("a file"));
            files += 1;
        }
        assert!(files >= 6, "{files} files");
    }

    #[test]
    fn the_corpus_of_rings_finds_no_fault() {
        corpus("ring", super::ring);
    }

    #[test]
    fn the_corpus_of_filters_finds_no_fault() {
        corpus("filter", super::filter);
    }
}
