// SPDX-License-Identifier: GPL-2.0

//! Tests of the lists: order, merged walks, look-ups, and walks over lists that change.

use super::{
    super::{
        hooks::Window,
        ConnectorRef,
        MarkRef,
        Subscriber,
        Walk, //
    },
    party::{
        Party,
        Probe, //
    },
    target::{
        marks_of,
        Target, //
    },
    world::{
        sleep_ms,
        World, //
    },
};
use crate::rust::prelude::*;

/// Whether a walk over one list shows marks of parties in the right order, seen from outside: by the
/// addresses of their groups.
fn in_order(target: &Target) -> bool {
    let reader = Probe::context().read();
    let mut walk = Walk::new(&reader, [Some(target.connector())]);
    let mut last = None;
    let mut ordered = true;
    while let Some(run) = walk.next_group() {
        run.for_each(|_, mark| {
            let place = core::ptr::from_ref(mark.watch().group()).addr();
            ordered &= last.is_none_or(|last| last <= place);
            last = Some(place);
        });
    }
    ordered
}

/// Puts a watch of some of `parties` on each of `N` targets, and of some two where the party may
/// have several; then walks. `None` if the walk did not show each party once, in order, with all
/// its marks in the order of the lists; otherwise the number of marks.
fn merged<const N: usize>(parties: &[Party], wanted: fn(usize, usize) -> usize) -> Result<bool> {
    let mut targets = KVec::new();
    for _ in 0..N {
        let (target, list) = Target::new()?;
        // In the order in which they go.
        targets.push((list, target), GFP_KERNEL)?;
    }
    // From the last to the first, so that insertion has to look for its place.
    for (p, party) in parties.iter().enumerate().rev() {
        for (l, (list, _)) in targets.iter().enumerate() {
            for _ in 0..wanted(p, l) {
                party.add(list, 1)?;
            }
        }
    }

    let mut lists = [None; N];
    for (list, (connector, _)) in lists.iter_mut().zip(targets.iter()) {
        *list = Some(&**connector);
    }
    let mut right = true;
    {
        let reader = Probe::context().read();
        let mut walk = Walk::new(&reader, lists);
        for (p, party) in parties.iter().enumerate() {
            if (0..N).all(|l| wanted(p, l) == 0) {
                continue;
            }
            let Some(run) = walk.next_group() else {
                right = false;
                break;
            };
            let mut seen = [0; N];
            let mut last = 0;
            run.for_each(|l, mark| {
                right &= mark.watch().is_of(party) && l >= last;
                last = l;
                seen[l] += 1;
            });
            right &= (0..N).all(|l| seen[l] == wanted(p, l));
        }
        right &= walk.next_group().is_none();
    }
    drop_all(parties, &targets)?;
    Ok(right)
}

/// Removes every watch that `parties` have on `targets`.
fn drop_all<T>(parties: &[Party], targets: &[(ConnectorRef<Probe>, T)]) -> Result {
    for party in parties {
        for (target, _) in targets {
            while let Some(probe) = target.find(&party.0.group, |_, _| true) {
                party.remove(&probe)?;
            }
        }
    }
    Ok(())
}

/// As [`Party::add`], but its mark goes in without `mark_mutex`, which is then free for the action of a
/// window.
fn enter(party: &Party, list: &ConnectorRef<Probe>) -> Result {
    let probe = Probe::new(&party.0, 1)?;
    let mark = MarkRef::new(probe.clone(), 0)?;
    list.clone().insert(&mark).map_err(|_| EINVAL)?;
    let mut group = party.0.group.lock();
    group.add(probe.clone())?;
    probe.marks().attach(mark);
    Ok(())
}

#[kunit_tests(watch_queue_marks_list)]
mod suite {
    use super::*;
    use crate::mark::Connector;
    use kernel::sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Arc, //
    };

    #[test]
    fn a_list_is_sorted_by_address() -> Result {
        let _world = World::new()?;
        let (target, list) = Target::new()?;
        let parties = Party::in_order(12)?;

        // 5 has no divisor in common with 12: each party once, scattered.
        for i in 0..12 {
            parties[i * 5 % 12].add(&list, 1)?;
            assert!(in_order(&target));
            assert_eq!(target.marks(), i + 1);
        }
        for i in 0..12 {
            let party = &parties[i * 7 % 12];
            let probe = list.find(&party.0.group, |_, _| true).ok_or(EINVAL)?;
            party.remove(&probe)?;
            assert!(in_order(&target));
            assert_eq!(target.marks(), 11 - i);
        }
        Ok(())
    }

    #[test]
    fn a_walk_merges_up_to_six_lists() -> Result {
        let _world = World::new()?;
        let mut parties = Party::in_order(6)?;
        // Some may have several watches on one object.
        for p in [1, 4] {
            let mut with_dups = Party::new(true)?;
            core::mem::swap(&mut parties[p], &mut with_dups);
        }
        parties.sort_unstable_by_key(Party::address);

        // None, one, or all parties on some lists; lists without a mark; parties without one.
        let one = |p: usize, l: usize| usize::from((p * 7 + l * 3) % 4 != 0 && p != 2);
        let few = |p: usize, l: usize| usize::from(p % 6 == l);
        assert!(merged::<1>(&parties, one)?);
        assert!(merged::<2>(&parties, one)?);
        assert!(merged::<3>(&parties, one)?);
        assert!(merged::<4>(&parties, one)?);
        assert!(merged::<5>(&parties, one)?);
        assert!(merged::<6>(&parties, one)?);
        assert!(merged::<6>(&parties, few)?);
        assert!(merged::<3>(&parties, |_, l| usize::from(l == 1))?);
        assert!(merged::<2>(&parties, |_, _| 0)?);
        Ok(())
    }

    #[test]
    fn marks_of_a_group_with_duplicates_are_shown_together() -> Result {
        let _world = World::new()?;
        let mut parties = KVec::new();
        for _ in 0..4 {
            parties.push(Party::new(true)?, GFP_KERNEL)?;
        }
        parties.sort_unstable_by_key(Party::address);

        assert!(merged::<2>(&parties, |p, l| (p + l) % 3)?);
        assert!(merged::<4>(&parties, |p, l| (p * 5 + l) % 4)?);
        Ok(())
    }

    #[test]
    fn find_and_union_know_live_watches_only() -> Result {
        let _world = World::new()?;
        let (target, list) = Target::new()?;
        let first = Party::new(false)?;
        let second = Party::new(false)?;

        assert!(list.find(&first.0.group, |_, _| true).is_none());
        assert_eq!(list.union(), 0);
        let a = first.add(&list, 0x1)?;
        let b = second.add(&list, 0x6)?;
        assert!(list
            .find(&first.0.group, |_, _| true)
            .is_some_and(|x| Arc::ptr_eq(&x, &a)));
        assert!(list
            .find(&second.0.group, |_, _| true)
            .is_some_and(|x| Arc::ptr_eq(&x, &b)));
        assert_eq!(target.told(), 0x7);

        // In place.
        b.set_wants(0x10);
        second.0.group.lock().announce(&b);
        assert_eq!(target.told(), 0x11);

        // Dead but still in the list.
        assert!(a.end(9));
        assert!(list.find(&first.0.group, |_, _| true).is_none());
        assert_eq!(list.union(), 0x10);
        assert_eq!(target.marks(), 2);
        // It is no obstacle to a new one.
        let c = first.add(&list, 0x20)?;
        assert!(list
            .find(&first.0.group, |_, _| true)
            .is_some_and(|x| Arc::ptr_eq(&x, &c)));

        first.0.group.lock().remove(a.handle());
        second.remove(&b)?;
        assert_eq!(target.told(), 0x20);
        first.remove(&c)?;
        assert_eq!(target.told(), 0);
        assert_eq!(target.marks(), 0);
        Ok(())
    }

    // TRAPS: A4
    #[test]
    fn a_place_is_still_right_when_the_list_is_locked() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let parties = Arc::new(Party::in_order(6)?, GFP_KERNEL)?;
        for p in [0, 1, 4] {
            parties[p].add(&list, 1)?;
        }

        // What was in front of the place goes, and others come on both sides of what then is.
        let (hook_parties, hook_list) = (parties.clone(), list.clone());
        world.arm(Window::Place, move || {
            for party in &hook_parties[..2] {
                if let Some(probe) = hook_list.find(&party.0.group, |_, _| true) {
                    let _ = party.remove(&probe);
                }
            }
            for p in [2, 5] {
                let _ = hook_parties[p].add(&hook_list, 1);
            }
        })?;
        enter(&parties[3], &list)?;
        // Those of the action count, too.
        assert_eq!(world.disarm(), 3);
        Probe::context().flush();
        assert_eq!(target.marks(), 4);
        assert!(in_order(&target));
        assert_eq!(world.dropped(), 2);

        // The same in front of all.
        let (hook_parties, hook_list) = (parties.clone(), list.clone());
        world.arm(Window::Place, move || {
            let _ = hook_parties[0].add(&hook_list, 1);
        })?;
        enter(&parties[1], &list)?;
        assert_eq!(world.disarm(), 2);
        assert_eq!(target.marks(), 6);
        assert!(in_order(&target));
        Ok(())
    }

    // TRAPS: A4, A13
    #[test]
    fn a_walk_goes_on_from_unlinked_marks() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let parties = Party::in_order(8)?;
        // 6 and 7 come later, before and behind what is removed.
        for party in &parties[..6] {
            party.add(&list, 1)?;
        }
        let changed = target.changed();
        assert_eq!(changed, 6);

        {
            let reader = Probe::context().read();
            let mut walk = Walk::new(&reader, [Some(target.connector())]);
            assert!(walk.next_group().is_some());

            // The cursor stands on the second. It goes, and the two behind it, in both orders.
            for p in [1, 3, 2] {
                let probe = list.find(&parties[p].0.group, |_, _| true).ok_or(EINVAL)?;
                parties[p].remove(&probe)?;
            }
            parties[7].add(&list, 1)?;
            // The reaper has started; it may not free what we stand on.
            sleep_ms(30);
            assert_eq!(world.dropped(), 0);

            let mut seen = [false; 8];
            while let Some(run) = walk.next_group() {
                run.for_each(|_, mark| {
                    for (party, seen) in parties.iter().zip(seen.iter_mut()) {
                        *seen |= mark.watch().is_of(party);
                    }
                });
            }
            // Where it stood, what stayed, and what came.
            assert!(seen[1] && seen[4] && seen[5] && seen[7]);
            assert!(!seen[0] && !seen[6]);
        }
        Probe::context().flush();
        assert_eq!(world.dropped(), 3);
        assert_eq!(target.marks(), 4);
        Ok(())
    }

    // TRAPS: A4
    #[test]
    fn walks_are_right_while_marks_come_and_go() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let mut parties = Party::in_order(5)?;
        let last = parties.pop().ok_or(EINVAL)?;
        let middle = parties.remove(2).map_err(|_| EINVAL)?;
        let _middle = middle.add(&list, 1)?;
        let _last = last.add(&list, 1)?;
        let stop = Arc::new(Atomic::new(false), GFP_KERNEL)?;
        let rounds = Arc::new(Atomic::new(0u32), GFP_KERNEL)?;

        let (thread_list, thread_stop, thread_rounds) =
            (list.clone(), stop.clone(), rounds.clone());
        let changer = world.spawn(move || {
            while !thread_stop.load(Relaxed) {
                for party in &parties {
                    let _ = party.add(&thread_list, 1);
                }
                for party in &parties {
                    if let Some(probe) = thread_list.find(&party.0.group, |_, _| true) {
                        let _ = party.remove(&probe);
                    }
                }
                thread_rounds.fetch_add(1, Relaxed);
            }
        })?;
        let mut wrong = 0;
        for walks in 0..200_000 {
            // Enough of both, however busy the machine is.
            if walks >= 2000 && rounds.load(Relaxed) >= 3 {
                break;
            }
            if walks % 200 == 199 {
                sleep_ms(1);
            }
            let reader = Probe::context().read();
            let connector: &Connector<Probe> = target.connector();
            let mut walk = Walk::new(&reader, [Some(connector)]);
            let (mut middles, mut lasts) = (0, 0);
            while let Some(run) = walk.next_group() {
                run.for_each(|_, mark| {
                    middles += u32::from(mark.watch().is_of(&middle));
                    lasts += u32::from(mark.watch().is_of(&last));
                });
            }
            wrong += u32::from(middles != 1 || lasts != 1 || marks_of(&reader, connector) > 5);
        }
        stop.store(true, Relaxed);
        changer.flush();
        assert_eq!(wrong, 0);
        assert!(rounds.load(Relaxed) > 0);
        Ok(())
    }
}
