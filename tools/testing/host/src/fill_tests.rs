// SPDX-License-Identifier: GPL-2.0

//! The watermark: a sleeper is never left asleep beyond the limit.
//!
//! A queue, a consumer that sleeps and wakes as the ring says, and a timer; the model counts what
//! really lies unread. Operations are random, the limits too, and the counters wrap.

use crate::{
    consumer::Consumer,
    module::queue::{
        fill::{Signal, Watermark},
        host::{Queue, Records},
    },
    ring::record::kind,
    rust::prelude::Arc,
    shim::watch::{Reason, Watch},
};
use proptest::prelude::*;

const SIZE: u32 = 512;

#[derive(Clone, Debug)]
enum Op {
    /// One event of so many records of a length.
    Post { count: u32, len: usize },
    /// A watch ends.
    Kill,
    /// The consumer reads up to so many records, asleep or not: another thread may do it.
    Take(u32),
    /// The consumer polls, and sleeps if there is nothing to do.
    Sleep,
    /// The timer runs out.
    Time,
    /// Another watermark, which wakes everybody.
    Mark(Option<Watermark>),
}

struct World {
    queue: Queue,
    mark: Option<Watermark>,
    unread: u32,
    asleep: bool,
    armed: bool,
    due: bool,
}

impl World {
    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Post { count, len } => {
                let (watch, fixed) = (Arc::new(Watch::new(1, 1, 1, false)), [7; 62]);
                let records = Records {
                    kind: kind::FS,
                    subtypes: (1 << count) - 1,
                    base: 0,
                    flags: 0,
                    fixed: &fixed[..len],
                    name: b"",
                };
                self.queue.post(&watch, &[records]);
                let signal = self.queue.signal();
                self.act(signal);
            }
            Op::Kill => {
                let watch = Arc::new(Watch::new(1, 1, 1, false));
                let signal = self.queue.kill(&watch, Reason::Removed);
                self.act(signal.expect("it lives"));
            }
            Op::Take(n) => {
                for _ in 0..n {
                    self.queue.consumer.next();
                }
            }
            Op::Sleep => {
                // As poll() does: it enters the wait queue, writes what waits, then it asks.
                while let Some(signal) = self.queue.flush() {
                    self.act(signal);
                }
                self.asleep = self.queue.readable(self.due) == Some(false);
            }
            Op::Time => {
                if std::mem::take(&mut self.armed) {
                    self.due = true;
                    self.asleep = false;
                }
            }
            Op::Mark(mark) => {
                self.mark = mark;
                self.queue.set_watermark(mark);
                self.asleep = false;
                let memory = &self.queue.memory;
                self.armed |= mark.is_some_and(|mark| mark.timed) && memory.head() != memory.tail();
            }
        }
        self.check();
    }

    fn act(&mut self, signal: Signal) {
        match signal {
            Signal::Quiet => {}
            Signal::Wake => self.asleep = false,
            Signal::WakeAndArm => {
                self.asleep = false;
                self.armed = true;
            }
            Signal::Arm { first } => {
                self.due &= !first;
                self.armed = true;
            }
        }
    }

    /// No reader sleeps that should read, by what really is in the ring.
    fn check(&mut self) {
        let memory = &self.queue.memory;
        let (head, tail) = (memory.head(), memory.tail());
        let used = head.wrapping_sub(tail);
        let mut looking = Consumer::new(memory.clone());
        self.unread = 0;
        while looking.next().is_some() {
            self.unread += 1;
        }
        memory.set_tail(tail);
        if !self.asleep {
            return;
        }
        let Some(mark) = self.mark else {
            assert_eq!(self.unread, 0, "asleep, with something to read");
            return;
        };
        assert!(
            mark.records == 0 || self.unread < mark.records,
            "{} of {mark:?}",
            self.unread
        );
        assert!(
            mark.slots == 0 || used < mark.slots,
            "{used} slots of {mark:?}"
        );
        assert!(
            !mark.timed || self.unread == 0 || self.armed,
            "{} wait without timer",
            self.unread
        );
    }
}

fn mark() -> impl Strategy<Value = Option<Watermark>> {
    let limits = (0..20u32, prop_oneof![Just(0), 1..SIZE], any::<bool>());
    proptest::option::weighted(
        0.9,
        limits.prop_filter_map("no limit", |(records, slots, timed)| {
            let any = records != 0 || slots != 0 || timed;
            any.then_some(Watermark {
                records,
                slots,
                timed,
            })
        }),
    )
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (1..4u32, 0..20usize).prop_map(|(count, len)| Op::Post { count, len }),
        1 => Just(Op::Kill),
        3 => prop_oneof![0..6u32, Just(u32::from(u16::MAX))].prop_map(Op::Take),
        6 => Just(Op::Sleep),
        1 => Just(Op::Time),
        1 => mark().prop_map(Op::Mark),
    ]
}

fn world(mark: Option<Watermark>) -> World {
    let mut queue = Queue::new(SIZE, 0u32.wrapping_sub(SIZE).wrapping_add(3));
    queue.set_watermark(mark);
    World {
        queue,
        mark,
        unread: 0,
        asleep: false,
        armed: false,
        due: false,
    }
}

#[test]
fn a_sleeper_is_woken_at_the_limit_and_not_before() {
    let post = Op::Post { count: 1, len: 4 };
    for (mark, at) in [
        (
            Watermark {
                records: 5,
                slots: 0,
                timed: false,
            },
            5,
        ),
        (
            Watermark {
                records: 0,
                slots: 23,
                timed: false,
            },
            5,
        ),
        (
            Watermark {
                records: 7,
                slots: 15,
                timed: false,
            },
            3,
        ),
    ] {
        let mut world = world(Some(mark));
        // Also after the counters have wrapped. What fills the end of the ring counts as slots.
        for _ in 0..100 {
            world.apply(&Op::Sleep);
            for n in 1..=at {
                world.apply(&post);
                let (head, tail) = (world.queue.memory.head(), world.queue.memory.tail());
                let full = mark.slots != 0 && head.wrapping_sub(tail) >= mark.slots;
                let many = mark.records != 0 && n >= mark.records;
                assert_eq!(world.asleep, !full && !many, "{mark:?} at record {n}");
            }
            assert!(!world.asleep);
            world.apply(&Op::Take(u32::from(u16::MAX)));
        }
    }
}

#[test]
fn a_loss_wakes_whatever_the_watermark() {
    let mut world = world(Some(Watermark {
        records: 1_000_000,
        slots: 0,
        timed: false,
    }));
    world.apply(&Op::Sleep);
    while world.queue.counters().lost == 0 {
        assert!(world.asleep);
        world.apply(&Op::Post { count: 1, len: 4 });
    }
    assert!(!world.asleep, "a loss and nobody was told");
    // The first look writes the LOSS record; it is still to be read at the second.
    assert_eq!(world.queue.poll(), Some(true));
    assert_eq!(world.queue.poll(), Some(true));
}

#[test]
fn a_timer_that_ran_out_does_not_count_for_a_watermark_without_time() {
    let timed = |timed| {
        Some(Watermark {
            records: 5,
            slots: 0,
            timed,
        })
    };
    let mut world = world(timed(true));
    world.apply(&Op::Post { count: 1, len: 4 });
    world.apply(&Op::Time);
    assert_eq!(world.queue.readable(world.due), Some(true));
    world.apply(&Op::Mark(timed(false)));
    assert_eq!(world.queue.readable(world.due), Some(false));
}

#[test]
fn whatever_is_written_starts_the_timer() {
    let mark = Some(Watermark {
        records: 0,
        slots: 0,
        timed: true,
    });
    let mut world = world(mark);
    // A REMOVAL alone.
    world.apply(&Op::Kill);
    assert!(world.armed);
    // A REMOVAL that had to wait: it is written by a task that polls.
    while world.queue.counters().lost == 0 {
        world.apply(&Op::Post { count: 1, len: 4 });
    }
    world.apply(&Op::Kill);
    world.apply(&Op::Take(u32::from(u16::MAX)));
    assert_eq!(world.queue.readable(false), Some(false));
    world.armed = false;
    world.apply(&Op::Sleep);
    assert!(world.armed);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..Default::default() })]

    // TRAPS: B6
    #[test]
    fn nobody_sleeps_beyond_the_limit(first in mark(), ops in proptest::collection::vec(op(), 1..200)) {
        let mut world = world(first);
        for op in &ops {
            world.apply(op);
        }
    }
}
