// SPDX-License-Identifier: GPL-2.0

//! Nobody sleeps while there is something to read: the producer publishes and then looks at the wait
//! queue, the consumer enters the wait queue and then looks at the ring, each with a full barrier in
//! between (`src/queue/wake.rs`). And what the timer of a watermark runs for is not forgotten.

use crate::{
    memory::{post, record, Shared, View, FIRST, LEN, SIZE},
    ring::{producer::Producer, Slots},
};
use loom::{
    sync::{
        atomic::{fence, AtomicBool, AtomicUsize, Ordering},
        Condvar, Mutex,
    },
    thread,
};
// Not loom's: see memory.rs.
use std::sync::Arc;

/// The wait queue: whether a task is on it, and how it is woken.
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
    /// The module's: after every record, a full barrier, then the tasks that are there.
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

/// How a post forgets that the time of a watermark was over.
#[derive(Clone, Copy, PartialEq)]
enum Forget {
    /// The module's: a full barrier before it looks whether the timer runs.
    Barrier,
    /// A plain store.
    Store,
}

/// The timer runs out while a first record is posted: the record is due, or a thread starts the timer
/// for it (`src/queue/wake.rs`).
fn timer_and_first_record(forget: Forget) {
    loom::model(move || {
        // (armed, due)
        let timer = Arc::new((AtomicBool::new(true), AtomicBool::new(false)));
        let runs_out = {
            let timer = timer.clone();
            thread::spawn(move || {
                timer.0.store(false, Ordering::Relaxed);
                fence(Ordering::SeqCst);
                timer.1.swap(true, Ordering::AcqRel);
                fence(Ordering::SeqCst);
            })
        };
        if forget == Forget::Barrier {
            fence(Ordering::SeqCst);
            timer.1.swap(false, Ordering::AcqRel);
            fence(Ordering::SeqCst);
        } else {
            timer.1.store(false, Ordering::Relaxed);
        }
        let starts = !timer.0.load(Ordering::Relaxed);
        runs_out.join().unwrap();
        assert!(
            starts || timer.1.load(Ordering::Relaxed),
            "nothing will wake for this record"
        );
    });
}

// TRAPS: B6
#[test]
fn no_first_record_is_left_without_a_timer() {
    timer_and_first_record(Forget::Barrier);
}

#[test]
#[should_panic(expected = "nothing will wake")]
fn control_without_the_barrier_a_first_record_is_left_without_a_timer() {
    timer_and_first_record(Forget::Store);
}

/// How the delay of the timer is changed.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    /// The module's: the thread that starts the timer looks again at the delay after that.
    LookedAtAgain,
    /// Nobody looks again.
    LookedAtOnce,
}

/// The delay is changed while a post starts the timer: in the end it runs with the new one.
fn timer_and_new_delay(change: Change) {
    loom::model(move || {
        const OLD: usize = 1;
        const NEW: usize = 2;
        /// Not queued.
        const IDLE: usize = 0;
        let armed = Arc::new(AtomicBool::new(false));
        let delay = Arc::new(AtomicUsize::new(OLD));
        let queued = Arc::new(AtomicUsize::new(IDLE));
        // Queueing and queueing anew are full barriers.
        let requeue = |queued: &AtomicUsize, with| {
            fence(Ordering::SeqCst);
            queued.swap(with, Ordering::AcqRel);
            fence(Ordering::SeqCst);
        };
        let setter = {
            let (armed, delay, queued) = (armed.clone(), delay.clone(), queued.clone());
            thread::spawn(move || {
                delay.swap(NEW, Ordering::AcqRel);
                fence(Ordering::SeqCst);
                if armed.load(Ordering::Relaxed) {
                    armed.swap(true, Ordering::AcqRel);
                    requeue(&queued, NEW);
                    // It runs at once, for a new delay that is short.
                    armed.store(false, Ordering::Relaxed);
                    queued.swap(IDLE, Ordering::AcqRel);
                    fence(Ordering::SeqCst);
                }
            })
        };
        armed.swap(true, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        let mut with = delay.load(Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let _ = queued.compare_exchange(IDLE, with, Ordering::AcqRel, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        while change == Change::LookedAtAgain {
            let now = delay.load(Ordering::Relaxed);
            if now == with {
                break;
            }
            with = now;
            requeue(&queued, with);
        }
        setter.join().unwrap();
        assert_ne!(
            queued.load(Ordering::Relaxed),
            OLD,
            "the timer runs with the old delay"
        );
    });
}

#[test]
fn a_new_delay_holds_from_now_on() {
    timer_and_new_delay(Change::LookedAtAgain);
}

#[test]
#[should_panic(expected = "the old delay")]
fn control_without_a_second_look_the_old_delay_stays() {
    timer_and_new_delay(Change::LookedAtOnce);
}
