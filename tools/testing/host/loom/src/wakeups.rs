// SPDX-License-Identifier: GPL-2.0

//! Nobody sleeps while there is something to read: the producer publishes and then looks at the wait
//! queue, the consumer enters the wait queue and then looks at the ring, each with a full barrier in
//! between (`src/queue/wake.rs`).

use crate::{
    memory::{post, record, Shared, View, FIRST, LEN, SIZE},
    ring::{producer::Producer, Slots},
};
use loom::{
    sync::{
        atomic::{fence, AtomicBool, Ordering},
        Condvar, Mutex,
    },
    thread,
};
// Not loom's: see memory.rs.
use std::sync::Arc;

/// The wait queue: whether somebody is on it, and how he is woken.
struct Sleepers {
    entered: AtomicBool,
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Sleepers {
    fn new() -> Self {
        Self {
            entered: AtomicBool::new(false),
            woken: Mutex::new(false),
            changed: Condvar::new(),
        }
    }

    /// poll_wait(): ends in a full barrier.
    fn enter(&self) {
        self.entered.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    fn sleep(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !*woken {
            woken = self.changed.wait(woken).unwrap();
        }
        *woken = false;
    }

    /// wake_up(): does nothing when the list is empty.
    fn wake(&self) {
        if self.entered.load(Ordering::Relaxed) {
            *self.woken.lock().unwrap() = true;
            self.changed.notify_one();
        }
    }
}

/// When a producer wakes.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// The module's: after every record, a full barrier, then whoever is there.
    Always,
    /// The same without the barrier.
    NoBarrier,
    /// That of 2019: if the ring was empty by the tail that was read before the record was put.
    WasEmpty,
    /// The module's watermark of [`LEN`] slots: if the fill crosses it by a tail that is read after a
    /// full barrier.
    Crossing,
}

/// How poll() looks at the ring.
#[derive(Clone, Copy, PartialEq)]
enum Poll {
    /// As the module: the producer's own head, under the ring lock.
    Locked,
    /// Just head and tail in the shared memory, as in 2019; the barriers alone must do.
    Unlocked,
}

/// A consumer that sleeps whenever there is nothing must get two records; one that sleeps for ever
/// is a deadlock, which loom reports.
fn sleep_and_wake(rule: Rule, poll: Poll) {
    loom::model(move || {
        let shared = Shared::new(FIRST, FIRST);
        let ring = Arc::new(Mutex::new(Producer::new(SIZE).unwrap()));
        let sleepers = Arc::new(Sleepers::new());
        let producer = {
            let (ring, sleepers, mut view) = (ring.clone(), sleepers.clone(), View::new(&shared));
            thread::spawn(move || {
                for n in [0, 1] {
                    let mut producer = ring.lock().unwrap();
                    let before = post(&mut producer, &mut view, n).unwrap();
                    let wanted = match rule {
                        Rule::Always | Rule::NoBarrier => true,
                        Rule::WasEmpty => before == 0,
                        Rule::Crossing => {
                            let used = producer.used(view.load_tail_after_publish()).unwrap();
                            used.saturating_sub(LEN) < LEN && used >= LEN
                        }
                    };
                    drop(producer);
                    if !wanted {
                        continue;
                    }
                    if rule != Rule::NoBarrier {
                        fence(Ordering::SeqCst);
                    }
                    sleepers.wake();
                }
            })
        };

        let mut next = 0;
        let mut drain = || {
            shared.drain(|words| {
                assert_eq!(words, record(next));
                next += 1;
            });
            next
        };
        while drain() < 2 {
            sleepers.enter();
            let tail = shared.tail.load(Ordering::Relaxed);
            let nothing = match poll {
                Poll::Locked => ring.lock().unwrap().used(tail) == Ok(0),
                Poll::Unlocked => shared.head.load(Ordering::Acquire) == tail,
            };
            if nothing {
                sleepers.sleep();
            }
            sleepers.entered.store(false, Ordering::Relaxed);
        }
        producer.join().unwrap();
    });
}

// TRAPS: B6
#[test]
fn no_wake_up_is_lost() {
    sleep_and_wake(Rule::Always, Poll::Locked);
}

// TRAPS: B6
#[test]
fn no_wake_up_is_lost_even_if_poll_takes_no_lock() {
    sleep_and_wake(Rule::Always, Poll::Unlocked);
}

// TRAPS: B6
#[test]
fn no_wake_up_is_lost_at_a_watermark() {
    sleep_and_wake(Rule::Crossing, Poll::Unlocked);
}

#[test]
#[should_panic(expected = "deadlock")]
fn control_the_rule_of_2019_loses_a_wake_up() {
    sleep_and_wake(Rule::WasEmpty, Poll::Unlocked);
}

#[test]
#[should_panic(expected = "deadlock")]
fn control_without_the_barrier_a_wake_up_is_lost() {
    sleep_and_wake(Rule::NoBarrier, Poll::Unlocked);
}
