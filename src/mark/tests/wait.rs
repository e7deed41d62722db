// SPDX-License-Identifier: GPL-2.0

//! Tests of walks that sleep: pins, resumption, and the gate of a group.

use super::{
    super::{
        hooks::Window,
        user_wait::{
            Pinned,
            Ticket, //
        },
        Context,
        Subscriber,
        Walk, //
    },
    party::{
        Party,
        Probe, //
    },
    target::Target,
    world::{
        sleep_ms,
        Line,
        World, //
    },
};
use crate::rust::prelude::*;
use kernel::{
    new_mutex,
    time::{
        Instant,
        Monotonic, //
    }, //
};

fn context() -> &'static Context<Probe> {
    Probe::context()
}

/// Which of `parties` the rest of a walk shows, dead or alive, and which alive, as bits.
fn rest<const N: usize>(walk: &mut Walk<'_, Probe, N>, parties: &[Party]) -> (u32, u32) {
    let (mut seen, mut alive) = (0, 0);
    while let Some(run) = walk.next_group() {
        run.for_each(|_, mark| {
            for (p, party) in parties.iter().enumerate() {
                let bit = u32::from(mark.watch().is_of(party)) << p;
                seen |= bit;
                if !mark.watch().is_dead() {
                    alive |= bit;
                }
            }
        });
    }
    (seen, alive)
}

/// A ticket for the first mark on `target`, if it can be had.
fn ticket(target: &Target) -> Option<Ticket<Probe>> {
    let reader = context().read();
    Ticket::new(target.connector().first(&reader)?)
}

/// Enters the gate of the first mark's group and leaves early; whether it was open.
fn early_return(target: &Target) -> Result {
    let _ticket = ticket(target).ok_or(ESHUTDOWN)?;
    Err(EINTR)
}

#[kunit_tests(watch_queue_marks_wait)]
mod suite {
    use super::*;

    // TRAPS: A9, A20
    #[test]
    fn a_walk_goes_on_where_it_slept() -> Result {
        let world = World::new()?;
        let (inode, inode_list) = Target::new()?;
        let (mount, mount_list) = Target::new()?;
        let parties = Party::in_order(5)?;
        // The first asks; the two cursors then stand on marks of two others.
        parties[0].add(&inode_list, 1)?;
        let on_inode = parties[1].add(&inode_list, 0x10)?;
        let on_mount = parties[2].add(&mount_list, 0x20)?;
        parties[3].add(&inode_list, 1)?;
        parties[4].add(&mount_list, 1)?;

        let reader = context().read();
        let mut walk = Walk::new(
            &reader,
            [None, Some(inode.connector()), Some(mount.connector())],
        );
        assert!(walk.next_group().is_some());
        let pinned = Pinned::new(walk);
        drop(reader);

        // While it sleeps, both go, and one more behind them; nothing waits for the sleeper.
        parties[1].remove(&on_inode)?;
        parties[2].remove(&on_mount)?;
        let third = inode_list
            .find(&parties[3].0.group, |_, _| true)
            .ok_or(EINVAL)?;
        parties[3].remove(&third)?;
        drop(third);
        context().flush();
        assert_eq!(world.dropped(), 1);
        // The pinned ones are still in their lists, but want nothing and belong to no watch.
        assert_eq!(inode.marks(), 2);
        assert_eq!(mount.marks(), 2);
        assert_eq!(inode_list.union() & 0x10, 0);
        assert_eq!(mount_list.union() & 0x20, 0);
        assert_eq!(inode.told() & 0x10, 0);
        assert_eq!(mount.told() & 0x20, 0);
        assert!(inode_list.find(&parties[1].0.group, |_, _| true).is_none());
        drop((on_inode, on_mount));

        let reader = context().read();
        let mut walk = pinned.resume(&reader);
        context().flush_puts();
        // Unpinned: out of the lists, but this walk stands on them still.
        assert_eq!(inode.marks(), 1);
        assert_eq!(mount.marks(), 1);
        sleep_ms(20);
        assert_eq!(world.dropped(), 1);
        assert!(rest(&mut walk, &parties) == (0b10110, 0b10000));
        drop(reader);
        context().flush();
        assert_eq!(world.dropped(), 3);
        Ok(())
    }

    // TRAPS: A8
    #[test]
    fn a_mark_on_its_way_out_is_not_pinned() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let parties = Party::in_order(3)?;
        parties[0].add(&list, 1)?;
        let going = Arc::new(Party::new(false)?, GFP_KERNEL)?;
        // Anywhere in the order, and alone of its kind in another list.
        let (other, other_list) = Target::new()?;
        going.add(&other_list, 1)?;
        parties[2].add(&list, 1)?;

        let (hook_going, hook_list) = (going.clone(), other_list.clone());
        world.arm(Window::Pin, move || {
            if let Some(probe) = hook_list.find(&hook_going.0.group, |_, _| true) {
                let _ = hook_going.remove(&probe);
            }
        })?;
        let reader = context().read();
        // The list of the mark that goes is looked at first, so the hook hits it.
        let walk = Walk::new(&reader, [Some(other.connector()), Some(target.connector())]);
        let pinned = Pinned::new(walk);
        drop(reader);
        // Once for it, once for the mark of the other list.
        assert_eq!(world.disarm(), 2);
        // It was not held: its list is empty, and it can be freed although the walk sleeps.
        assert_eq!(other.marks(), 0);
        context().flush();
        assert_eq!(world.dropped(), 1);

        let reader = context().read();
        let mut walk = pinned.resume(&reader);
        assert!(rest(&mut walk, &parties) == (0b101, 0b101));
        Ok(())
    }

    #[test]
    fn a_sleeping_walk_skips_what_it_cannot_pin() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let parties = Arc::new(Party::in_order(3)?, GFP_KERNEL)?;
        for party in parties.iter() {
            party.add(&list, 1)?;
        }

        // The cursor's mark and the one behind it go.
        let (hook_parties, hook_list) = (parties.clone(), list.clone());
        world.arm(Window::Pin, move || {
            for party in &hook_parties[..2] {
                if let Some(probe) = hook_list.find(&party.0.group, |_, _| true) {
                    let _ = party.remove(&probe);
                }
            }
        })?;
        let reader = context().read();
        let walk = Walk::new(&reader, [Some(target.connector())]);
        let pinned = Pinned::new(walk);
        drop(reader);
        assert!(world.disarm() >= 2);

        let reader = context().read();
        let mut walk = pinned.resume(&reader);
        assert!(rest(&mut walk, &parties) == (0b100, 0b100));
        Ok(())
    }

    // TRAPS: A20
    #[test]
    fn a_mark_that_is_pinned_while_it_is_let_go_wants_nothing() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let party = Party::new(false)?;
        let probe = party.add(&list, 0x10)?;
        assert_eq!(target.told(), 0x10);

        // A walk pins the mark when its watch is dead and out of the table already.
        let kept = Arc::pin_init(new_mutex!(None::<KBox<Ticket<Probe>>>), GFP_KERNEL)?;
        let (hook_kept, hook_list) = (kept.clone(), list.clone());
        world.arm(Window::Retire, move || {
            let reader = context().read();
            let ticket = hook_list.first(&reader).and_then(Ticket::new);
            drop(reader);
            *hook_kept.lock() = ticket.and_then(|ticket| KBox::new(ticket, GFP_KERNEL).ok());
        })?;
        party.remove(&probe)?;
        assert_eq!(world.disarm(), 1);
        assert!(kept.lock().is_some());
        // The mark is still there, and the object knows that it wants nothing.
        assert_eq!(target.marks(), 1);
        assert_eq!(target.told(), 0);
        let ticket = kept.lock().take();
        drop(ticket);
        context().flush_puts();
        assert_eq!(target.marks(), 0);
        Ok(())
    }

    #[test]
    fn pins_that_are_given_up_leave_the_lists() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let party = Party::new(false)?;
        let probe = party.add(&list, 1)?;
        drop(list);

        let reader = context().read();
        let walk = Walk::new(&reader, [Some(target.connector())]);
        let pinned = Pinned::new(walk);
        drop(reader);
        party.remove(&probe)?;
        drop(probe);
        assert_eq!(target.unneeded(), 0);
        // The sleeper was killed: it does not resume.
        drop(pinned);
        assert_eq!(target.unneeded(), 1);
        assert_eq!(target.marks(), 0);
        context().flush();
        assert_eq!(world.live(), 0);
        Ok(())
    }

    // TRAPS: A19
    #[test]
    fn who_resumes_leaves_the_last_reference_to_the_workqueue() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let party = Party::new(false)?;
        let probe = party.add(&list, 1)?;
        drop(list);

        let reader = context().read();
        let walk = Walk::new(&reader, [Some(target.connector())]);
        let pinned = Pinned::new(walk);
        drop(reader);
        party.remove(&probe)?;
        drop(probe);
        let putter = Arc::new(Atomic::new(0i32), GFP_KERNEL)?;
        let seen = putter.clone();
        world.arm(Window::LastPut, move || {
            seen.store(current!().pid(), Release)
        })?;

        let reader = context().read();
        let mut walk = pinned.resume(&reader);
        // Inside the section: the job waits for no grace period.
        context().flush_puts();
        assert_eq!(world.disarm(), 1);
        let putter = putter.load(Acquire);
        assert!(putter != 0 && putter != current!().pid());
        assert_eq!(target.unneeded(), 1);
        // The walk stands on the mark still.
        assert!(rest(&mut walk, &[party]) == (1, 0));
        assert_eq!(world.dropped(), 0);
        drop(reader);
        context().flush();
        assert_eq!(world.live(), 0);
        Ok(())
    }

    // TRAPS: A27
    #[test]
    fn a_hundred_sleepers_hold_up_no_grace_period() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let parties = Party::in_order(3)?;
        for party in &parties {
            party.add(&list, 1)?;
        }
        let mut sleepers = KVec::new();
        for _ in 0..100 {
            let reader = context().read();
            let mut walk = Walk::new(&reader, [Some(target.connector())]);
            assert!(walk.next_group().is_some());
            sleepers.push(Pinned::new(walk), GFP_KERNEL)?;
        }

        // The first is not pinned; it is freed while all of them sleep.
        let probe = list.find(&parties[0].0.group, |_, _| true).ok_or(EINVAL)?;
        parties[0].remove(&probe)?;
        drop(probe);
        let begun = Instant::<Monotonic>::now();
        context().flush();
        assert_eq!(world.dropped(), 1);
        assert!(begun.elapsed().as_millis() < 1000);

        while let Some(pinned) = sleepers.pop() {
            let reader = context().read();
            let mut walk = pinned.resume(&reader);
            assert!(rest(&mut walk, &parties) == (0b110, 0b110));
        }
        Ok(())
    }

    // TRAPS: A8, A11
    #[test]
    fn a_gate_that_is_shut_lets_nobody_in_and_waits_for_the_rest() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let party = Party::new(false)?;
        party.add(&list, 1)?;
        drop(list);
        let gate = party.0.group.gate();

        // No task inside: there is nothing to wait for. An early return leaves none inside.
        gate.wait_empty();
        assert!(early_return(&target) == Err(EINTR));
        gate.wait_empty();

        let line = Line::new(2)?;
        let done = Arc::new(Atomic::new(0u32), GFP_KERNEL)?;
        let (thread_line, thread_done, thread_target) =
            (line.clone(), done.clone(), target.clone());
        let sleeper = world.spawn(move || {
            let Some(_ticket) = ticket(&thread_target) else {
                return;
            };
            thread_line.wait();
            sleep_ms(30);
            thread_done.fetch_add(1, Full);
        })?;
        line.wait();
        let second = ticket(&target);
        assert!(second.is_some());
        gate.shut();
        assert!(ticket(&target).is_none());
        assert!(early_return(&target) == Err(ESHUTDOWN));
        drop(second);
        gate.wait_empty();
        assert_eq!(done.load(Acquire), 1);
        sleeper.flush();
        Ok(())
    }

    // TRAPS: A8
    #[test]
    fn who_waits_on_behalf_of_a_watch_pins_its_mark() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let party = Party::new(false)?;
        let probe = party.add(&list, 1)?;
        drop(list);

        let waits = ticket(&target);
        assert!(waits.is_some());
        party.remove(&probe)?;
        drop(probe);
        // Its watch has ended, but the mark is still in the list.
        assert_eq!((target.marks(), target.unneeded()), (1, 0));
        drop(waits);
        context().flush_puts();
        assert_eq!((target.marks(), target.unneeded()), (0, 1));
        assert!(ticket(&target).is_none());
        context().flush();
        assert_eq!(world.live(), 0);
        Ok(())
    }

    // TRAPS: A12
    #[test]
    fn who_leaves_the_gate_keeps_the_group_until_he_has() -> Result {
        let world = World::new()?;
        let rounds = 30;
        for round in 0..rounds {
            let (target, list) = Target::new()?;
            let party = Party::new(false)?;
            party.add(&list, 1)?;
            drop(list);
            let line = Line::new(2)?;
            let (thread_target, thread_line) = (target.clone(), line.clone());
            let leaver = world.spawn(move || {
                let ticket = ticket(&thread_target);
                thread_line.wait();
                for _ in 0..round * 100 {
                    core::hint::spin_loop();
                }
                drop(ticket);
            })?;
            line.wait();
            let gate = party.0.group.gate();
            gate.shut();
            gate.wait_empty();
            // The group's end goes on at once, while the other may still be in its drop.
            drop(party);
            leaver.flush();
            drop(leaver);
            context().flush();
            assert_eq!(world.owners_dropped(), (round + 1, 0));
        }
        Ok(())
    }
}
