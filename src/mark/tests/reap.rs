// SPDX-License-Identifier: GPL-2.0

//! Tests of the reapers, and of counts that have gone wrong.

use super::{
    super::{
        entry::put_unless_last,
        Context,
        Subscriber, //
    },
    party::{
        Party,
        Probe,
        GONE, //
    },
    target::Target,
    world::{
        sleep_ms,
        Line,
        World, //
    },
};
use crate::rust::prelude::*;
use kernel::sync::Refcount;

fn context() -> &'static Context<Probe> {
    Probe::context()
}

#[kunit_tests(watch_queue_marks_reap)]
mod suite {
    use super::*;

    // TRAPS: A23
    #[test]
    fn what_is_saturated_is_never_freed() -> Result {
        let count = Refcount::new(2);
        assert!(put_unless_last(&count));
        assert!(!put_unless_last(&count));
        assert_eq!(count.as_atomic().load(Relaxed), 1);

        // Put too often, or saturated: it stays as it is, and no drop is told to free.
        for stuck in [0, -1, i32::MIN / 2, i32::MIN] {
            count.set(stuck);
            assert!(put_unless_last(&count));
            assert_eq!(count.as_atomic().load(Relaxed), stuck);
        }
        Ok(())
    }

    // TRAPS: A24
    #[test]
    fn flush_waits_for_all_that_was_detached_before() -> Result {
        let world = World::new()?;
        let (_target, list) = Target::new()?;
        let party = Party::new(true)?;
        for round in 1..=5 {
            for _ in 0..20 {
                party.add(&list, 1)?;
            }
            // A reader that saw them, and takes its time.
            let line = Line::new(2)?;
            let done = Arc::new(Atomic::new(0u32), GFP_KERNEL)?;
            let (thread_line, thread_done) = (line.clone(), done.clone());
            let reader = world.spawn(move || {
                let _reader = context().read();
                thread_line.wait();
                sleep_ms(20);
                thread_done.fetch_add(1, Full);
            })?;
            line.wait();
            while let Some(probe) = list.find(&party.0.group, |_, _| true) {
                party.remove(&probe)?;
            }
            context().flush();
            assert_eq!(done.load(Acquire), 1);
            assert_eq!(world.dropped(), 20 * round);
            assert_eq!(world.live(), 0);
            reader.flush();
        }
        Ok(())
    }

    // TRAPS: A24
    #[test]
    fn flush_waits_for_step_two() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let mut parties = Party::in_order(10)?;
        for party in &parties {
            party.add(&list, 1)?;
        }
        drop(list);
        target.connector().end_all(GONE);
        context().flush();
        assert_eq!(world.ended(), 10);
        assert_eq!(world.live(), 0);
        assert_eq!(target.unneeded(), 1);
        parties.clear();
        assert_eq!(world.owners_dropped().0, 10);
        Ok(())
    }
}
