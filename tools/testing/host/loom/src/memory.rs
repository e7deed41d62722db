// SPDX-License-Identifier: GPL-2.0

//! The memory of a ring over loom's atomics, a producer's view of it, and a consumer.
//!
//! The slots are loom's checked cells, so that a read which may meet a write is a fault even where
//! it happens to yield the right word.

use crate::ring::{
    producer::Producer,
    record::{head_word, kind},
    Slots, HEADER_SLOTS,
};
use loom::{
    cell::UnsafeCell,
    sync::atomic::{fence, AtomicU32, Ordering},
};
// Not loom's: the counting of references is not the question, and a model that fails can be dropped.
use std::sync::Arc;

pub(crate) const SIZE: u32 = Producer::MIN_SLOTS;

/// Index of the first slot that is looked at; loom need not know of the others.
pub(crate) const FIRST: u32 = HEADER_SLOTS;
/// Length of every record, in slots.
pub(crate) const LEN: u32 = 2;

/// The memory that both sides see: the header's head and tail, and a few slots.
pub(crate) struct Shared {
    slots: [UnsafeCell<u64>; 6],
    pub(crate) head: AtomicU32,
    pub(crate) tail: AtomicU32,
}

// SAFETY: The cells are what the tests are about: loom reports every access that is not ordered.
unsafe impl Sync for Shared {}

impl Shared {
    /// A ring in which the slots from [`FIRST`] on hold records 0, 1 and 2.
    pub(crate) fn new(head: u32, tail: u32) -> Arc<Self> {
        let word = |i: u32| record(i / LEN)[(i % LEN) as usize];
        Arc::new(Self {
            slots: std::array::from_fn(|i| UnsafeCell::new(word(i as u32))),
            head: AtomicU32::new(head),
            tail: AtomicU32::new(tail),
        })
    }

    pub(crate) fn slot(&self, index: u32) -> Option<&UnsafeCell<u64>> {
        self.slots.get(index.checked_sub(FIRST)? as usize)
    }

    /// Takes all records as the document says; calls `see` with each.
    pub(crate) fn drain(&self, mut see: impl FnMut([u64; LEN as usize])) {
        let head = self.head.load(Ordering::Acquire);
        // Only this thread stores it.
        let mut tail = self.tail.load(Ordering::Relaxed);
        while tail != head {
            let words = std::array::from_fn(|i| {
                let slot = self
                    .slot((tail + i as u32) % SIZE)
                    .expect("a slot of the model");
                // SAFETY: The cell lives as long as `self`; loom checks that nobody writes to it.
                slot.with(|word| unsafe { *word })
            });
            see(words);
            tail = tail.wrapping_add(LEN);
            self.tail.store(tail, Ordering::Release);
        }
    }
}

/// Record number `n`.
pub(crate) fn record(n: u32) -> [u64; LEN as usize] {
    [head_word(kind::FS, n, 0, LEN), u64::from(n) * 1000]
}

/// The producer's view, with the orderings to be tested.
pub(crate) struct View {
    shared: Arc<Shared>,
    pub(crate) publish: Ordering,
    pub(crate) load: Ordering,
}

impl View {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: shared.clone(),
            publish: Ordering::Release,
            load: Ordering::Acquire,
        }
    }
}

impl Slots for View {
    fn store(&mut self, index: u32, new: u64) {
        if let Some(slot) = self.shared.slot(index) {
            // SAFETY: The cell lives as long as `shared`; loom checks that nobody else uses it.
            slot.with_mut(|word| unsafe { *word = new });
        }
    }

    fn load_tail(&self) -> u32 {
        self.shared.tail.load(self.load)
    }

    fn load_tail_after_publish(&self) -> u32 {
        fence(Ordering::SeqCst);
        self.load_tail()
    }

    fn publish_head(&mut self, head: u32) {
        self.shared.head.store(head, self.publish);
    }
}

/// Posts record `n` if it fits; how much was in use before, if so.
pub(crate) fn post(producer: &mut Producer, view: &mut View, n: u32) -> Option<u32> {
    let tail = view.load_tail();
    producer.fits(tail, [LEN], 0).ok()?;
    let [first, second] = record(n);
    producer.put(view, first, &[second], &[]);
    producer.publish(view);
    Some(producer.head().wrapping_sub(tail) - LEN)
}
