// SPDX-License-Identifier: GPL-2.0

//! Tests of how marks, watches and connectors end.

use super::{
    super::{
        hooks::Window,
        Context,
        MarkRef,
        Subscriber, //
    },
    party::{
        Party,
        Probe,
        GONE,
        REMOVED, //
    },
    target::Target,
    world::{
        sleep_ms,
        spin_until,
        world,
        Line,
        World, //
    },
};
use crate::rust::prelude::*;
use kernel::{
    new_mutex,
    sync::Mutex, //
};

fn flag() -> Result<Arc<Atomic<u32>>> {
    Ok(Arc::new(Atomic::new(0), GFP_KERNEL)?)
}

fn context() -> &'static Context<Probe> {
    Probe::context()
}

fn ended() -> u32 {
    world().ended()
}

#[kunit_tests(watch_queue_marks_life)]
mod suite {
    use super::*;

    // TRAPS: A5
    #[test]
    fn nothing_gets_into_the_list_of_an_ending_object() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let mut parties = Party::in_order(3)?;
        let low = parties.pop().ok_or(EINVAL)?;
        let low_watch = low.add(&list, 1)?;
        let mid = parties.pop().ok_or(EINVAL)?;
        let mid_watch = mid.add(&list, 1)?;
        let high = Arc::new(parties.pop().ok_or(EINVAL)?, GFP_KERNEL)?;

        // While the list is being emptied, another task adds in front of what is being looked at.
        let (middle, trying, result) = (flag()?, flag()?, flag()?);
        let thread = {
            let (middle, trying, result) = (middle.clone(), trying.clone(), result.clone());
            let (high, list) = (high.clone(), list.clone());
            world.spawn(move || {
                if spin_until(&middle, 1) {
                    trying.store(1, Relaxed);
                    let refused = matches!(high.add(&list, 1), Err(e) if e == ENOENT);
                    result.store(if refused { 1 } else { 2 }, Relaxed);
                }
            })?
        };
        let (hook_middle, hook_trying) = (middle.clone(), trying.clone());
        world.arm(Window::Ending, move || {
            hook_middle.store(1, Relaxed);
            spin_until(&hook_trying, 1);
            // Time to get as far as it can.
            for _ in 0..10_000 {
                core::hint::spin_loop();
            }
        })?;
        target.connector().end_all(GONE);
        assert_eq!(world.disarm(), 2);
        thread.flush();
        assert_eq!(result.load(Relaxed), 1);

        // And when all are dead. Each is with the reaper as soon as it is: a task that sees it
        // dead, as the end of its queue does, can flush and then unload the module.
        let (late_target, late_list) = Target::new()?;
        let late_watch = low.add(&late_list, 1)?;
        let late = flag()?;
        let (hook_late, hook_list, hook_high) = (late.clone(), late_list.clone(), high.clone());
        world.arm(Window::Ended, move || {
            let refused = matches!(hook_high.add(&hook_list, 1), Err(e) if e == ENOENT);
            context().flush();
            let reaped = ended() == 3 + 2;
            hook_late.store(if refused && reaped { 1 } else { 2 }, Relaxed);
        })?;
        late_target.connector().end_all(GONE);
        assert_eq!(world.disarm(), 1);
        assert_eq!(late.load(Relaxed), 1);

        context().flush();
        for watch in [low_watch, mid_watch, late_watch] {
            assert_eq!(watch.removals(), 1);
            assert_eq!(watch.reason(), GONE);
        }
        assert_eq!(low.count() + mid.count() + high.count(), 0);
        assert_eq!(low.in_table() + mid.in_table() + high.in_table(), 0);
        assert_eq!(target.marks(), 0);
        assert_eq!(world.ended(), 3 + 2);
        // The refused ones are not dead; they never were.
        assert_eq!(world.kills(), 3);
        Ok(())
    }

    // TRAPS: A6, A26
    #[test]
    fn an_object_that_dies_without_marks_is_freed() -> Result {
        let world = World::new()?;
        let party = Party::new(false)?;
        let (target, list) = Target::new()?;

        target.connector().end_all(GONE);
        let second = list.clone();
        assert!(party.add(&list, 1).is_err());
        drop(list);
        assert_eq!(target.unneeded(), 0);
        assert!(target.connector().try_get().is_some());
        assert_eq!(target.unneeded(), 0);
        drop(second);
        assert_eq!(target.unneeded(), 1);
        // Nothing brings it back.
        assert!(target.connector().try_get().is_none());
        assert!(target.connector().first_ref().is_none());
        assert_eq!(world.kills(), 0);
        assert_eq!(party.count(), 0);
        assert_eq!(party.in_table(), 0);
        Ok(())
    }

    #[test]
    fn the_last_mark_gives_the_connector_back() -> Result {
        let _world = World::new()?;
        let (target, list) = Target::new()?;
        let party = Party::new(true)?;
        let first = party.add(&list, 1)?;
        let second = party.add(&list, 2)?;
        drop(list);

        party.remove(&first)?;
        assert_eq!(target.unneeded(), 0);
        party.remove(&second)?;
        assert_eq!(target.unneeded(), 1);
        assert!(target.connector().try_get().is_none());
        // It is DESTROYING, so the death of the object finds nothing to do.
        assert!(!target.connector().set_destroying());
        Ok(())
    }

    // TRAPS: A1, A2
    #[test]
    fn a_failed_add_leaves_nothing_and_may_be_repeated() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let (dying, dying_list) = Target::new()?;
        let party = Party::new(false)?;
        let there = party.add(&list, 0x1)?;
        let changed = target.changed();

        // Twice in one group: nothing happened to the object and to the group.
        assert!(matches!(party.add(&list, 0x2), Err(e) if e == EEXIST));
        assert_eq!(party.count(), 1);
        assert_eq!(target.marks(), 1);
        assert_eq!(target.changed(), changed);
        assert_eq!(list.union(), 0x1);
        context().flush();
        assert_eq!(world.dropped(), 1);

        // The very same mark, refused three times, goes in at last.
        dying.connector().end_all(GONE);
        let probe = Probe::new(&party.0, 0x4)?;
        let mark = MarkRef::new(probe.clone(), 0)?;
        let mut given = dying_list;
        for _ in 0..2 {
            given = given.insert(&mark).err().ok_or(EINVAL)?.0;
        }
        drop(given);
        assert_eq!(dying.unneeded(), 1);
        let back = list.clone().insert(&mark).err().ok_or(EINVAL)?.0;
        party.remove(&there)?;
        assert!(back.insert(&mark).is_ok());
        let mut group = party.0.group.lock();
        group.add(probe.clone())?;
        probe.marks().attach(mark);
        // A handle that is in use: the table is as before.
        assert!(group.add(probe.clone()) == Err(EBUSY));
        drop(group);
        assert_eq!(party.count(), 1);
        list.announce();
        assert_eq!(target.told(), 0x4);

        party.remove(&probe)?;
        drop((probe, there));
        context().flush();
        assert_eq!(world.live(), 0);
        assert_eq!(world.dropped(), 3);
        Ok(())
    }

    // TRAPS: A3
    #[test]
    fn the_last_mark_keeps_its_watch_and_its_group() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let party = Party::new(false)?;
        let probe = party.add(&list, 1)?;
        let reader = context().read();
        party.remove(&probe)?;
        drop(party);
        drop(probe);
        // Only the mark, which waits for us, has the watch, and only the watch the group.
        sleep_ms(20);
        assert_eq!(world.dropped(), 0);
        assert!(world.owners_dropped() == (0, 0));
        drop(reader);
        context().flush();
        assert_eq!(world.dropped(), 1);
        assert!(world.owners_dropped() == (1, 0));
        assert_eq!(target.marks(), 0);
        Ok(())
    }

    #[test]
    fn two_killers_one_removal() -> Result {
        let world = World::new()?;
        let rounds = 20;
        let mut by_object = 0;
        for round in 0..rounds {
            let (target, list) = Target::new()?;
            let party = Arc::new(Party::new(false)?, GFP_KERNEL)?;
            let probe = party.add(&list, 1)?;
            let line = Line::new(2)?;
            let removed = flag()?;
            let remover = {
                let (party, probe, line) = (party.clone(), probe.clone(), line.clone());
                let removed = removed.clone();
                world.spawn(move || {
                    line.wait();
                    removed.store(u32::from(party.remove(&probe).is_ok()), Relaxed);
                })?
            };
            let ender = {
                let target = target.clone();
                world.spawn(move || {
                    line.wait();
                    for _ in 0..round % 4 * 10_000 {
                        core::hint::spin_loop();
                    }
                    target.connector().end_all(GONE);
                })?
            };
            remover.flush();
            ender.flush();
            context().flush();
            drop((remover, ender));

            by_object += u32::from(probe.reason() == GONE);
            let reason = if removed.load(Relaxed) == 1 {
                REMOVED
            } else {
                GONE
            };
            assert_eq!(probe.reason(), reason);
            assert_eq!(probe.removals(), 1);
            assert_eq!(party.count(), 0);
            assert_eq!(party.in_table(), 0);
            assert_eq!(target.marks(), 0);
        }
        pr_info!("two_killers: the object won {by_object} of {rounds} rounds\n");
        assert_eq!(world.kills(), rounds);
        assert_eq!(world.ended(), rounds);
        assert_eq!(world.live(), 0);
        Ok(())
    }

    #[test]
    fn a_watch_with_two_marks_ends_once() -> Result {
        let world = World::new()?;
        let (sb, sb_list) = Target::new()?;
        let (root, root_list) = Target::new()?;
        let party = Party::new(false)?;
        let probe = Probe::new(&party.0, 0)?;
        party.add_mark(&probe, &sb_list, 0x10)?;
        party.add_mark(&probe, &root_list, 0x20)?;
        assert_eq!(sb.told(), 0x10);
        assert_eq!(root.told(), 0x20);
        drop((sb_list, root_list));

        root.connector().end_all(GONE);
        sb.connector().end_all(GONE);
        context().flush();
        assert_eq!(probe.removals(), 1);
        assert_eq!(world.ended(), 1);
        assert_eq!(sb.unneeded(), 1);
        assert_eq!(root.unneeded(), 1);
        drop(probe);
        assert_eq!(world.live(), 0);
        Ok(())
    }

    #[test]
    fn a_mark_pinned_at_the_last_moment_stays() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let party = Party::new(false)?;
        let probe = party.add(&list, 1)?;
        drop(list);
        let pins = Arc::pin_init(
            new_mutex!(KVec::<MarkRef<Probe>>::new(), "test.pins"),
            GFP_KERNEL,
        )?;

        let (hook_pins, hook_target): (Arc<Mutex<_>>, _) = (pins.clone(), target.clone());
        world.arm(Window::LastPut, move || {
            let reader = context().read();
            let first = hook_target.connector().first(&reader);
            if let Some(pin) = first.and_then(|mark| mark.try_pin()) {
                let _ = hook_pins.lock().push(pin, GFP_KERNEL);
            }
        })?;
        party.remove(&probe)?;
        assert_eq!(world.disarm(), 1);
        context().flush();
        // Dead, but in its list.
        assert_eq!(pins.lock().len(), 1);
        assert_eq!(target.marks(), 1);
        assert_eq!(target.unneeded(), 0);
        assert_eq!(world.dropped(), 0);
        drop(probe);

        let pinned = pins.lock().pop();
        drop(pinned);
        assert_eq!(target.marks(), 0);
        assert_eq!(target.unneeded(), 1);
        context().flush();
        assert_eq!(world.live(), 0);
        Ok(())
    }
}
