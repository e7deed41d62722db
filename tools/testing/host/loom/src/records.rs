// SPDX-License-Identifier: GPL-2.0

//! What the consumer sees is what the producer wrote, and the producer writes nothing that the
//! consumer may still read: head is stored with release and loaded with acquire, and so is tail.

use crate::{
    memory::{post, record, Shared, View, FIRST, LEN, SIZE},
    ring::producer::Producer,
};
use loom::{sync::atomic::Ordering, thread};

/// Two records are published one by one, while the consumer reads.
fn publish(order: Ordering) {
    loom::model(move || {
        let shared = Shared::new(FIRST, FIRST);
        let mut view = View::new(&shared);
        view.publish = order;
        let producer = thread::spawn(move || {
            let mut producer = Producer::new(SIZE).unwrap();
            for n in [10, 11] {
                assert!(post(&mut producer, &mut view, n).is_some());
            }
        });
        let mut next = 10;
        for _ in 0..2 {
            shared.drain(|words| {
                assert_eq!(words, record(next));
                next += 1;
            });
        }
        producer.join().unwrap();
        shared.drain(|words| {
            assert_eq!(words, record(next));
            next += 1;
        });
        assert_eq!(next, 12);
    });
}

// TRAPS: B11
#[test]
fn no_torn_or_stale_record_is_seen() {
    publish(Ordering::Release);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn control_a_head_without_release_is_found() {
    publish(Ordering::Relaxed);
}

/// The ring is full; the consumer gives back a record, whose slots the producer uses at once.
fn reuse(order: Ordering) {
    loom::model(move || {
        let head = SIZE + FIRST;
        let shared = Shared::new(head, FIRST);
        let mut view = View::new(&shared);
        view.load = order;
        let producer = thread::spawn(move || {
            let mut producer = Producer::starting_at(SIZE, head).unwrap();
            post(&mut producer, &mut view, 20).is_some()
        });
        for n in 0..2 {
            let first = (n * LEN + FIRST) % SIZE;
            for (i, word) in (0..).zip(record(n)) {
                let slot = shared.slot(first + i).unwrap();
                // SAFETY: The cell lives as long as `shared`; loom checks that nobody writes to it.
                assert_eq!(slot.with(|word| unsafe { *word }), word);
            }
            shared.tail.store(first + LEN, Ordering::Release);
        }
        let posted = producer.join().unwrap();
        let head = shared.head.load(Ordering::Acquire);
        assert_eq!(head, SIZE + FIRST + if posted { LEN } else { 0 });
    });
}

// TRAPS: B11
#[test]
fn no_slot_is_written_before_the_consumer_has_read_it() {
    reuse(Ordering::Acquire);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn control_a_tail_without_acquire_is_found() {
    reuse(Ordering::Relaxed);
}
