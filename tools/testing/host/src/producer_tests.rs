// SPDX-License-Identifier: GPL-2.0

//! The producer: what fits, where it goes, and that no tail can lead it astray.
//!
//! [`Checker`] compares every answer with the plain reference and panics when the producer stores
//! to a slot that is unread; [`crate::memory::Memory`] panics when it stores to the header.

use crate::{
    checker::{Checker, Op},
    reference,
    ring::{
        producer::{Producer, Refused},
        record::LOSS_RESERVE,
        HEADER_SLOTS, MAX_RECORD_SLOTS,
    },
};
use proptest::prelude::*;

const SIZE: u32 = Producer::MIN_SLOTS;

/// A head in the last round before the counters wrap.
const LAST_ROUND: u32 = 0u32.wrapping_sub(SIZE).wrapping_add(HEADER_SLOTS);

/// All indices at which a head can be.
fn indices() -> impl Iterator<Item = u32> {
    (0..SIZE).filter(|index| !(1..HEADER_SLOTS).contains(index))
}

// TRAPS: B2, B3
#[test]
fn an_empty_ring_takes_every_length_forever_b2_b3() {
    for len in 1..=MAX_RECORD_SLOTS {
        let mut checker = Checker::new(SIZE, LAST_ROUND);
        for round in 0..10_000 {
            assert_eq!(
                checker.post(&[len], 0),
                Ok(()),
                "{len} slots, round {round}"
            );
            assert!(checker.take());
            assert!(!checker.take());
        }
    }
}

// TRAPS: B2, B3
#[test]
fn an_empty_ring_takes_every_length_at_every_index_b2_b3() {
    for index in indices() {
        for base in [SIZE, 0u32.wrapping_sub(SIZE)] {
            let head = base.wrapping_add(index);
            for len in 1..=MAX_RECORD_SLOTS {
                let mut checker = Checker::new(SIZE, head);
                assert_eq!(
                    checker.post(&[len], LOSS_RESERVE),
                    Ok(()),
                    "{len} slots at {index}"
                );
                assert!(checker.take());
                checker.finish();
            }
        }
    }
}

#[test]
fn what_fits_is_what_the_reference_says_for_every_head_tail_and_length() {
    for head in indices().map(|index| SIZE * 7 + index) {
        let producer = Producer::starting_at(SIZE, head).expect("a good head");
        for used in 0..=SIZE + 2 {
            let tail = head.wrapping_sub(used);
            for len in [1, 2, 3, 4, 31, 62, 63] {
                for reserve in [0, LOSS_RESERVE] {
                    assert_eq!(
                        producer.fits(tail, [len], reserve),
                        reference::fits(SIZE, head, tail, &[len], reserve),
                        "head {head}, tail {tail}, {len} slots beside {reserve}"
                    );
                }
            }
        }
    }
}

// TRAPS: B5
#[test]
fn a_tail_that_cannot_be_is_told_from_a_full_ring_b5() {
    let head = SIZE * 3 + 100;
    let producer = Producer::starting_at(SIZE, head).expect("a good head");
    for (tail, expected) in [
        (head, Ok(0)),
        (head - SIZE, Ok(SIZE)),
        (head - SIZE - 1, Err(Refused::BadTail)),
        (head + 1, Err(Refused::BadTail)),
        (SIZE * 3, Ok(100)),
        (SIZE * 3 + 1, Err(Refused::BadTail)),
        (SIZE * 3 + 2, Err(Refused::BadTail)),
        (SIZE * 3 + 3, Ok(97)),
        (0, Err(Refused::BadTail)),
        (u32::MAX, Err(Refused::BadTail)),
    ] {
        assert_eq!(producer.used(tail), expected, "tail {tail}");
        let full = Err(Refused::Full);
        let fits = producer.fits(tail, [63; 7], 0);
        assert_eq!(
            fits,
            if tail == head {
                Ok(())
            } else {
                expected.and(full)
            },
            "tail {tail}"
        );
    }
}

#[test]
fn the_reserve_is_kept_free_and_is_enough_for_a_loss() {
    for index in indices() {
        let mut checker = Checker::new(SIZE, SIZE + index);
        while checker.post(&[1], LOSS_RESERVE).is_ok() {}
        assert_eq!(checker.post(&[1], LOSS_RESERVE), Err(Refused::Full));
        assert_eq!(
            checker.post(&[3], 0),
            Ok(()),
            "LOSS in a ring begun at {index}"
        );
        checker.finish();
    }
}

#[test]
fn several_records_fit_all_or_none() {
    let mut checker = Checker::new(SIZE, LAST_ROUND);
    while checker.post(&[10, 20, 30], 0).is_ok() {}
    // Each of them alone may fit; those that came in came in whole, which the checker compares.
    assert_eq!(checker.post(&[10, 20, 30], 0), Err(Refused::Full));
    assert_eq!(checker.post(&[1], 0), Ok(()));
    for _ in 0..3 {
        assert!(checker.take());
    }
    assert_eq!(checker.post(&[10, 20, 30], 0), Ok(()));
    checker.finish();
}

#[test]
fn a_ring_is_a_power_of_two_and_its_head_is_not_in_the_header() {
    for size in [0, 1, 256, 511, 513, 768, u32::MAX] {
        assert!(Producer::new(size).is_none(), "{size} slots");
    }
    for size in (9..=31).map(|order| 1 << order) {
        let producer = Producer::new(size).expect("a good size");
        assert_eq!((producer.size(), producer.head()), (size, HEADER_SLOTS));
        assert!(Producer::starting_at(size, size.wrapping_mul(2) + 1).is_none());
        assert!(Producer::starting_at(size, 0u32.wrapping_sub(size) + 2).is_none());
    }
}

// TRAPS: B4, B5
#[test]
fn no_tail_and_no_scribble_wedges_the_ring_or_leads_into_the_header_b4_b5() {
    for head in [HEADER_SLOTS, LAST_ROUND, u32::MAX, SIZE] {
        for tail in (0..3 * SIZE).chain((0..64).map(|bit| (1u64 << bit).wrapping_sub(1) as u32)) {
            let mut checker = Checker::new(SIZE, head);
            checker.apply(&Op::Scribble {
                word: 1,
                value: u64::MAX,
            });
            checker.apply(&Op::Scribble {
                word: 2,
                value: u64::from(tail),
            });
            checker.apply(&Op::TailBehindHead(tail));
            for lens in [vec![1], vec![63], vec![5, 5]] {
                checker.apply(&Op::Post { lens, reserve: 8 });
            }
            checker.finish();
        }
    }
}

fn op() -> impl Strategy<Value = Op> {
    let lens = proptest::collection::vec(1..=MAX_RECORD_SLOTS, 1..6);
    prop_oneof![
        8 => (lens, 0..12u32).prop_map(|(lens, reserve)| Op::Post { lens, reserve }),
        4 => (0..12u32).prop_map(Op::Take),
        1 => any::<u32>().prop_map(Op::Tail),
        1 => (0..2 * SIZE).prop_map(Op::TailBehindHead),
        1 => (0..HEADER_SLOTS, any::<u64>()).prop_map(|(word, value)| Op::Scribble { word, value }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    // TRAPS: B2, B3, B4, B5
    #[test]
    fn any_sequence_agrees_with_the_reference(
        order in 9..12u32,
        round in prop_oneof![Just(0u32), Just(u32::MAX), any::<u32>()],
        index in HEADER_SLOTS..SIZE,
        ops in proptest::collection::vec(op(), 1..120),
    ) {
        let size = 1 << order;
        let head = (round & !(size - 1)) | index;
        let mut checker = Checker::new(size, head);
        for op in &ops {
            checker.apply(op);
        }
        checker.finish();
    }
}
