// SPDX-License-Identifier: MIT OR Apache-2.0

//! The consumer on rings in memory: order and completeness for an honest producer of any timing,
//! and errors, but never a panic or a read outside, for hostile contents.
#![allow(missing_docs)]

mod fake;

use std::io::ErrorKind;

use fake::{fs, meta, record, FakeRing};
use proptest::prelude::*;
use watch_queue::{abi, Consumer, Corrupt, Kind};

const FOREIGN: u32 = 0x80_0000;

/// The reason inside an error of the consumer.
fn reason(error: std::io::Error) -> Corrupt {
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    *error
        .get_ref()
        .and_then(|e| e.downcast_ref())
        .expect("a Corrupt inside")
}

/// Reads everything and returns the records' bytes.
fn drain(consumer: &mut Consumer) -> Vec<Vec<u8>> {
    let mut seen = Vec::new();
    while let Some(record) = consumer.next().expect("an honest ring") {
        seen.push(record.bytes().to_vec());
    }
    seen
}

#[test]
fn an_empty_ring_has_no_record() {
    let ring = FakeRing::new(512, 3);
    let mut consumer = ring.consumer().unwrap();
    assert!(consumer.next().unwrap().is_none());
    assert_eq!(ring.tail(), 3);
}

#[test]
fn records_come_in_order_and_are_released_when_the_ring_is_empty() {
    let mut ring = FakeRing::new(512, 3);
    let mut consumer = ring.consumer().unwrap();
    let records = [
        fs(8, 1, b"one"),
        fs(9, 2, b""),
        record(FOREIGN, 255, 0, &[7; 100]),
    ];
    for record in &records {
        assert!(ring.post(record));
    }
    assert_eq!(consumer.next().unwrap().unwrap().bytes(), records[0]);
    assert_eq!(
        ring.tail(),
        3,
        "nothing is released while a batch is being read"
    );
    assert_eq!(drain(&mut consumer), records[1..]);
    assert_eq!(ring.tail(), ring.word(2));
}

#[test]
fn release_gives_back_what_was_read() {
    let mut ring = FakeRing::new(512, 3);
    let mut consumer = ring.consumer().unwrap();
    assert!(ring.post(&fs(8, 1, b"")) && ring.post(&fs(8, 2, b"")));
    consumer.next().unwrap().unwrap();
    consumer.release();
    assert_eq!(ring.tail(), 3 + 6);
    drop(consumer);
    let mut again = ring.consumer().unwrap();
    assert_eq!(drain(&mut again).len(), 1);
}

#[test]
fn dropping_the_consumer_releases_what_was_read() {
    let mut ring = FakeRing::new(512, 3);
    let mut consumer = ring.consumer().unwrap();
    assert!(ring.post(&fs(8, 1, b"")));
    consumer.next().unwrap().unwrap();
    drop(consumer);
    assert_eq!(ring.tail(), 9);
}

#[test]
fn a_batch_bounds_what_is_held_back() {
    let mut ring = FakeRing::new(512, 3);
    let mut consumer = ring.consumer().unwrap();
    consumer.set_batch(1);
    for i in 0..4 {
        assert!(ring.post(&fs(8, i, b"")));
    }
    for read in 0..4 {
        assert!(consumer.next().unwrap().is_some());
        assert_eq!(
            ring.tail(),
            3 + 6 * read,
            "all but the record at hand is released"
        );
    }
}

#[test]
fn every_record_length_wraps_at_every_distance_from_the_end() {
    for length in 1..=63 {
        for start in 3..128 {
            let mut ring = FakeRing::new(128, start);
            let mut consumer = ring.consumer().unwrap();
            let record = record(FOREIGN, 1, 0, &vec![0xa5; length * 8 - 8]);
            assert!(ring.post(&record));
            assert_eq!(drain(&mut consumer), [record]);
            assert_eq!(ring.tail(), ring.word(2));
        }
    }
}

#[test]
fn positions_wrap_at_the_end_of_their_range() {
    let mut ring = FakeRing::new(64, u32::MAX - 30);
    let mut consumer = ring.consumer().unwrap();
    for i in 0..40 {
        let record = fs(8, i, b"x");
        assert!(ring.post(&record));
        assert_eq!(drain(&mut consumer), [record]);
    }
    assert!(ring.tail() < 1000, "it has wrapped");
}

#[test]
fn the_ring_must_have_the_size_it_claims() {
    let ring = FakeRing::new(64, 3);
    ring.set_word(4, 127);
    let error = ring.consumer().unwrap_err();
    assert_eq!(
        reason(error),
        Corrupt::Header {
            mask: 127,
            slots: 64
        }
    );
}

#[test]
fn the_size_must_be_a_power_of_two() {
    let memory = [0_u64; 16];
    let base = std::ptr::NonNull::from(&memory).cast();
    for slots in [0, 1, 4, 12, 1 << 31] {
        // SAFETY: Bad sizes are refused before the memory is looked at.
        let error = unsafe { Consumer::new(base, slots) }.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{slots}");
    }
}

#[test]
fn a_head_out_of_reach_is_an_error_until_it_is_right_again() {
    let mut ring = FakeRing::new(64, 3);
    let mut consumer = ring.consumer().unwrap();
    assert!(ring.post(&fs(8, 1, b"")));
    let head = ring.word(2);
    for bad in [2, 3 + 65, u32::MAX, 0x8000_0000] {
        ring.set_word(2, bad);
        for _ in 0..2 {
            let error = consumer.next().unwrap_err();
            assert_eq!(
                reason(error),
                Corrupt::Head {
                    head: bad,
                    position: 3
                }
            );
        }
        assert!(consumer.resync().is_err());
    }
    ring.set_word(2, head);
    assert_eq!(drain(&mut consumer).len(), 1);
}

#[test]
fn bad_lengths_are_errors_and_resync_goes_on_behind_them() {
    // Position, length in slots, head: empty, past head, past the end of the ring.
    for (position, slots, head) in [(3, 0, 13), (3, 11, 13), (60, 5, 80), (64, 63, 80)] {
        let ring = FakeRing::new(64, position);
        let mut consumer = ring.consumer().unwrap();
        ring.write(position & 63, &record(FOREIGN, 0, 0, &[])[..8]);
        ring.set_word((position & 63) * 2 + 1, slots << abi::LENGTH_SHIFT);
        ring.set_word(2, head);
        for _ in 0..2 {
            let error = consumer.next().unwrap_err();
            assert_eq!(reason(error), Corrupt::Length { position, slots });
        }
        consumer.resync().unwrap();
        assert_eq!(ring.tail(), head);
        assert!(consumer.next().unwrap().is_none());
    }
}

#[test]
fn a_scribbled_tail_does_not_lead_the_consumer_astray() {
    let mut ring = FakeRing::new(64, 3);
    let mut consumer = ring.consumer().unwrap();
    assert!(ring.post(&fs(8, 1, b"")));
    ring.set_word(3, 0xdead_beef);
    assert_eq!(drain(&mut consumer).len(), 1);
    assert_eq!(ring.tail(), 9, "and it is repaired");
}

#[test]
fn a_record_of_skips_only_is_stepped_over() {
    let mut ring = FakeRing::new(64, 3);
    let mut consumer = ring.consumer().unwrap();
    assert!(ring.post(&meta(abi::META_SKIP, 20)) && ring.post(&meta(abi::META_SKIP, 1)));
    assert!(consumer.next().unwrap().is_none());
    assert_eq!(ring.tail(), 3 + 21);
}

proptest! {
    /// Whatever the order of posts and reads, every accepted record comes once and in order, and
    /// no room is lost.
    #[test]
    fn an_honest_producer_loses_nothing(
        start in any::<u32>(),
        batch in 1_u32..200,
        steps in prop::collection::vec((1_usize..=63, 0_usize..4), 1..300),
    ) {
        let start = if start & 127 < 3 { start | 3 } else { start };
        let mut ring = FakeRing::new(128, start);
        let mut consumer = ring.consumer().unwrap();
        consumer.set_batch(batch);
        let mut expected = std::collections::VecDeque::new();
        for (i, (length, reads)) in steps.into_iter().enumerate() {
            let mut body = vec![i as u8; length * 8 - 8];
            body.reverse();
            let record = record(FOREIGN, i as u8, 0, &body);
            if ring.post(&record) {
                expected.push_back(record);
            }
            for _ in 0..reads {
                let seen = consumer.next().unwrap().map(|r| r.bytes().to_vec());
                prop_assert_eq!(seen, expected.pop_front());
            }
        }
        for record in expected {
            let seen = consumer.next().unwrap().map(|r| r.bytes().to_vec());
            prop_assert_eq!(seen, Some(record));
        }
        prop_assert!(consumer.next().unwrap().is_none());
        prop_assert_eq!(ring.tail(), ring.word(2));
    }

    /// Random contents: each record lies inside the ring, kinds are read without a panic, and the
    /// walk ends.
    #[test]
    fn hostile_contents_are_survived(
        words in prop::collection::vec(any::<u32>(), 128),
        small in any::<bool>(),
        distance in any::<u32>(),
        tail in any::<u32>(),
    ) {
        let ring = FakeRing::new(64, tail);
        for (index, word) in words.iter().enumerate().skip(6) {
            // Mostly short records of known types, so that the walk gets somewhere.
            let word = if small && index % 2 == 0 { word & 0x0300_0007 } else { *word };
            let word = if small && index % 2 == 1 { word & 0xffff_0278 } else { word };
            ring.set_word(index as u32, word);
        }
        let mut consumer = ring.consumer().unwrap();
        ring.set_word(2, tail.wrapping_add(if small { distance % 65 } else { distance }));
        let mut slots = 0;
        loop {
            match consumer.next() {
                Err(error) => {
                    reason(error);
                    break;
                }
                Ok(None) => break,
                Ok(Some(record)) => {
                    slots += record.bytes().len() / 8;
                    prop_assert!(slots <= 64);
                    match record.kind() {
                        Err(error) => {
                            reason(error);
                        }
                        Ok(Kind::Fs(event)) => {
                            let inside = record.bytes().as_ptr_range();
                            for part in [event.name().map(|n| n.as_encoded_bytes()),
                                         event.handle()].into_iter().flatten() {
                                let part = part.as_ptr_range();
                                prop_assert!(inside.start <= part.start && part.end <= inside.end);
                            }
                        }
                        Ok(_) => {}
                    }
                }
            }
        }
    }
}

/// A producer in another thread: what it writes before head is what the consumer sees.
#[test]
fn records_are_complete_when_another_thread_posts_them() {
    const COUNT: u32 = 20_000;
    let mut ring = FakeRing::new(256, 3);
    let mut consumer = ring.consumer().unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut expected = 0;
            while expected < COUNT {
                let Some(record) = consumer.next().unwrap() else {
                    std::thread::yield_now();
                    continue;
                };
                for word in record.bytes()[8..].chunks_exact(4) {
                    assert_eq!(u32::from_ne_bytes(word.try_into().unwrap()), expected);
                }
                expected += 1;
            }
        });
        for number in 0..COUNT {
            let body = number.to_ne_bytes().repeat(2 * (1 + number as usize % 20));
            let record = record(FOREIGN, 0, 0, &body);
            while !ring.post(&record) {
                assert!(!reader.is_finished(), "the reader has failed");
                std::thread::yield_now();
            }
        }
    });
}
