// SPDX-License-Identifier: GPL-2.0

//! The words of a record: those that a C compiler makes from the header for user space, and how a
//! name is laid out. `abi/words.c` makes the C side.

use crate::{
    memory::Memory,
    module::queue::filter::{ENTRY_WORDS, MAX_ENTRIES},
    reference,
    ring::{
        producer::Producer,
        record::{self, info, kind, meta},
        Slots, HEADER_SLOTS, MAX_RECORD_SLOTS, SLOT_BYTES,
    },
};

mod c {
    unsafe extern "C" {
        pub(super) safe fn wq_words_head(kind: u32, subtype: u32, flags: u32, slots: u32) -> u64;
        pub(super) safe fn wq_words_constant(n: u32) -> u32;
        pub(super) fn wq_words_ring(head: u32, tail: u32, mask: u32, out: *mut u64);
        pub(super) fn wq_words_removal(
            id: u8,
            handle: u64,
            cookie: u64,
            reason: u32,
            out: *mut u64,
        );
        pub(super) fn wq_words_loss(count: u64, cookie: u64, many: i32, out: *mut u64);
    }
}

/// What the C function stores in `N` slots.
fn words<const N: usize>(store: impl FnOnce(*mut u64)) -> [u64; N] {
    let mut out = [u64::MAX; N];
    store(out.as_mut_ptr());
    out
}

#[test]
fn constants_are_those_of_the_c_header() {
    let ours = [
        kind::META,
        kind::FS,
        kind::NR,
        kind::FOREIGN_FIRST,
        kind::MAX,
        meta::SKIP,
        meta::REMOVAL,
        meta::LOSS,
        info::OVERRUN,
        info::LENGTH,
        info::IN_SUBTREE,
        info::FLAG_0,
        info::ID_SHIFT,
        MAX_ENTRIES as u32,
        ENTRY_WORDS as u32,
        // Behind the end.
        0,
    ];
    for (n, ours) in ours.into_iter().enumerate() {
        assert_eq!(ours, c::wq_words_constant(n as u32), "constant {n}");
    }
}

#[test]
fn first_words_are_those_of_c_for_every_length() {
    for slots in 1..=MAX_RECORD_SLOTS {
        for (kind, subtype) in [(0, 0), (kind::FS, 255), (kind::MAX, 1), (0x80_0001, 0x80)] {
            for flags in [0, info::OVERRUN, info::ID | info::IN_SUBTREE, !info::LENGTH] {
                assert_eq!(
                    record::head_word(kind, subtype, flags, slots),
                    c::wq_words_head(kind, subtype, flags, slots),
                    "type {kind}, subtype {subtype}, flags {flags:#x}, {slots} slots"
                );
            }
        }
    }
}

// TRAPS: B12
#[test]
fn neither_flags_nor_large_numbers_change_the_length_b12() {
    for slots in 1..=MAX_RECORD_SLOTS {
        let word = record::head_word(u32::MAX, u32::MAX, u32::MAX, slots);
        assert_eq!(word, c::wq_words_head(kind::MAX, 255, !info::LENGTH, slots));
    }
}

// TRAPS: B1
#[test]
fn the_header_of_the_ring_is_that_of_c_and_fills_its_length_b1() {
    let (head, tail, mask) = (0x1234_5678, 0x9abc_def0, 511);
    // SAFETY: It stores as many words as the ring's header has.
    let theirs = words(|out| unsafe { c::wq_words_ring(head, tail, mask, out) });
    assert_eq!(record::header_words(head, tail, mask), theirs);
    assert_eq!(theirs[0], record::skip_word(HEADER_SLOTS));

    // The first record of a ring leaves the header alone, `mask` above all.
    let mut memory = Memory::new(512);
    let mut producer = Producer::new(512).expect("a good size");
    producer.init(&mut memory);
    memory.protect_header();
    let [first, _, mask] = memory.header();
    producer.put(
        &mut memory,
        record::head_word(kind::FS, 0, 0, 63),
        &[u64::MAX; 62],
        &[],
    );
    producer.publish(&mut memory);
    assert_eq!([memory.word(0), memory.word(2)], [first, mask]);
    assert_eq!(memory.mask(), 511);
}

#[test]
fn removal_and_loss_are_those_of_c() {
    let (handle, cookie) = (0x1122_3344_5566_7788, 0x99aa_bbcc_ddee_ff00);
    for id in [0, 1, 127, 255] {
        for reason in 0..6 {
            // SAFETY: It stores four words.
            let theirs =
                words(|out| unsafe { c::wq_words_removal(id, handle, cookie, reason, out) });
            assert_eq!(record::removal(id, handle, cookie, reason), theirs);
        }
    }
    for (many, ours) in [(0, Some(cookie)), (1, None)] {
        // SAFETY: It stores three words.
        let theirs = words(|out| unsafe { c::wq_words_loss(u64::MAX - 1, cookie, many, out) });
        assert_eq!(record::loss(u64::MAX - 1, ours), theirs);
    }
}

#[test]
fn a_name_of_any_length_is_followed_by_a_nul_and_padded() {
    for fixed in [0, 1, 5] {
        let longest = (MAX_RECORD_SLOTS as usize - 1 - fixed) * SLOT_BYTES - 1;
        let name: Vec<u8> = (0..longest).map(|i| (i % 255 + 1) as u8).collect();
        for len in 0..=longest {
            let (name, fixed) = (&name[..len], &[7; 5][..fixed]);
            let mut expected = vec![1];
            expected.extend(fixed);
            expected.extend(reference::name_words(name));
            assert_eq!(
                record::slots(fixed.len(), name) as usize,
                expected.len(),
                "name of {len}"
            );

            let mut memory = Memory::new(512);
            // What was there before shines through nowhere.
            for index in 0..512 {
                memory.store(index, u64::MAX);
            }
            let mut producer = Producer::new(512).expect("a good size");
            producer.put(&mut memory, 1, fixed, name);
            let run = memory.run(HEADER_SLOTS, expected.len() as u32);
            let stored: Vec<u64> = run.iter().map(std::cell::Cell::get).collect();
            assert_eq!(stored, expected, "name of {len}");
            assert_eq!(memory.word(HEADER_SLOTS + expected.len() as u32), u64::MAX);
            assert_eq!(producer.head(), HEADER_SLOTS + expected.len() as u32);
        }
    }
}
