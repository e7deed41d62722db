// SPDX-License-Identifier: GPL-2.0

//! Tests of slots: connectors that come and go with their marks, and objects that end.

use super::{
    super::{
        hooks::Window,
        slot::Slot,
        ConnectorRef,
        Context,
        Subscriber, //
    },
    party::{
        Party,
        Probe,
        GONE, //
    },
    target::marks_of,
    world::{
        spin_until,
        Line,
        World, //
    },
};
use crate::rust::prelude::*;
use crate::rust::sync::irq_work::{
    IrqHandler,
    IrqWork, //
};
use kernel::{
    new_mutex,
    sync::Mutex, //
};

/// The id of what these tests add.
const ID: u64 = 7;

fn context() -> &'static Context<Probe> {
    Probe::context()
}

fn slot() -> Result<Arc<Slot<Probe>>> {
    Ok(Arc::new(Slot::new(), GFP_KERNEL)?)
}

/// Something that an action leaves for its test, or takes from it.
fn stash<T>(content: Option<T>) -> Result<Arc<Mutex<Option<T>>>> {
    Arc::pin_init(new_mutex!(content, "test.stash"), GFP_KERNEL)
}

/// Whether the slot has a connector for the id.
fn occupied(slot: &Slot<Probe>) -> bool {
    slot.get(&context().read(), ID).is_some()
}

/// How many marks there are behind the slot.
fn marks(slot: &Slot<Probe>) -> usize {
    let reader = context().read();
    slot.get(&reader, ID)
        .map_or(0, |list| marks_of(&reader, list))
}

/// Ends its slot in a hard interrupt.
struct Ender(Arc<Slot<Probe>>);

impl IrqHandler for Ender {
    fn run(work: &IrqWork<Self>) {
        work.0.end(GONE);
    }
}

#[kunit_tests(watch_queue_marks_slot)]
mod suite {
    use super::*;

    #[test]
    fn a_connector_lives_as_long_as_its_marks() -> Result {
        let world = World::new()?;
        let slot = slot()?;
        let party = Party::new(true)?;
        assert!(!occupied(&slot));

        let list = slot.connector(ID)?;
        assert!(slot.connector(ID)?.as_ptr() == list.as_ptr());
        let first = party.add(&list, 1)?;
        let second = party.add(&list, 1)?;
        drop(list);
        assert_eq!(marks(&slot), 2);
        party.remove(&first)?;
        assert_eq!(marks(&slot), 1);
        party.remove(&second)?;
        assert!(!occupied(&slot));
        context().flush();
        assert_eq!(world.hits(Window::FreeBox), 1);

        // And again, with one that is looked up and not used.
        drop(slot.connector(ID)?);
        assert!(!occupied(&slot));
        context().flush();
        assert_eq!(world.hits(Window::FreeBox), 2);
        Ok(())
    }

    // TRAPS: A6
    #[test]
    fn an_ended_slot_has_no_connector_and_gets_none() -> Result {
        let world = World::new()?;
        let party = Party::new(false)?;
        let empty = slot()?;
        empty.end(GONE);
        assert!(empty.is_ended());
        assert!(matches!(empty.connector(ID), Err(e) if e == ENOENT));

        // Between the look-up and the first mark.
        let slot = slot()?;
        let list = slot.connector(ID)?;
        assert!(!slot.is_ended());
        slot.end(GONE);
        slot.end(GONE);
        assert!(slot.is_ended());
        assert!(!occupied(&slot));
        assert!(matches!(slot.connector(ID), Err(e) if e == ENOENT));
        drop(slot);
        assert!(matches!(party.add(&list, 1), Err(e) if e == ENOENT));
        drop(list);
        context().flush();
        assert_eq!(world.hits(Window::FreeBox), 1);
        assert_eq!(world.kills(), 0);
        Ok(())
    }

    // TRAPS: A7b
    #[test]
    fn who_comes_second_frees_his_and_takes_the_first() -> Result {
        let world = World::new()?;
        let slot = slot()?;
        let other = stash::<ConnectorRef<Probe>>(None)?;

        let (hook_slot, hook_other) = (slot.clone(), other.clone());
        world.arm(Window::Publish, move || {
            *hook_other.lock() = hook_slot.connector(ID).ok();
        })?;
        let list = slot.connector(ID)?;
        assert_eq!(world.disarm(), 2);
        let first = other.lock().take().ok_or(EINVAL)?;
        assert!(first.as_ptr() == list.as_ptr());
        context().flush();
        assert_eq!(world.hits(Window::FreeBox), 1);
        drop(first);
        assert!(occupied(&slot));
        drop(list);
        assert!(!occupied(&slot));
        context().flush();
        assert_eq!(world.hits(Window::FreeBox), 2);
        Ok(())
    }

    #[test]
    fn an_end_beats_a_connector_that_is_not_there_yet() -> Result {
        let world = World::new()?;
        let slot = slot()?;
        let hook_slot = slot.clone();
        world.arm(Window::Publish, move || hook_slot.end(GONE))?;
        assert!(matches!(slot.connector(ID), Err(e) if e == ENOENT));
        assert_eq!(world.disarm(), 1);
        context().flush();
        assert_eq!(world.hits(Window::FreeBox), 1);
        Ok(())
    }

    #[test]
    fn a_connector_may_leave_after_its_slot_is_gone() -> Result {
        let world = World::new()?;
        let party = Party::new(false)?;
        let slot = stash(Some(KBox::new(Slot::<Probe>::new(), GFP_KERNEL)?))?;
        let list = slot.lock().as_ref().ok_or(EINVAL)?.connector(ID)?;
        let probe = party.add(&list, 1)?;
        drop(list);

        // The count has reached zero. A look-up helps the connector out of the slot and puts in
        // another, which ends with the object; then the slot is freed.
        let hook_slot = slot.clone();
        let helped = Arc::new(Atomic::new(0u32), GFP_KERNEL)?;
        let hook_helped = helped.clone();
        world.arm(Window::Unneeded, move || {
            if let Some(slot) = hook_slot.lock().take() {
                let second = slot.connector(ID);
                hook_helped.store(u32::from(second.is_ok()), Relaxed);
                slot.end(GONE);
                drop(slot);
                drop(second);
            }
        })?;
        party.remove(&probe)?;
        assert_eq!(world.disarm(), 2);
        assert_eq!(helped.load(Relaxed), 1);
        context().flush();
        assert_eq!(world.hits(Window::FreeBox), 2);
        Ok(())
    }

    #[test]
    fn an_object_may_end_in_a_hard_interrupt() -> Result {
        let world = World::new()?;
        let slot = slot()?;
        let parties = Party::in_order(4)?;
        let list = slot.connector(ID)?;
        for party in &parties {
            party.add(&list, 1)?;
        }
        drop(list);

        let ender = KBox::pin_init(IrqWork::new(Ender(slot.clone())), GFP_KERNEL)?;
        ender.queue();
        ender.sync();
        assert!(slot.is_ended());
        context().flush_ends();
        // Step one is done.
        assert_eq!(world.kills(), 4);
        context().flush();
        assert_eq!(world.ended(), 4);
        assert_eq!(world.live(), 0);
        assert_eq!(world.hits(Window::FreeBox), 1);
        Ok(())
    }

    #[test]
    fn each_id_has_a_list_of_its_own() -> Result {
        let world = World::new()?;
        let slot = slot()?;
        let party = Party::new(true)?;
        // Dense ones, and as a kernel's addresses are.
        let addresses = (1..=200).map(|n| 0xffff_8880_1234_0000 + n * 0x1240);
        let ids = Iterator::chain(0..200, addresses);
        for id in ids.clone() {
            party.add(&slot.connector(id)?, 1)?;
        }
        let reader = context().read();
        let mut longest = 0;
        for id in ids.clone() {
            let list = slot.get(&reader, id).ok_or(EINVAL)?;
            longest = longest.max(marks_of(&reader, list));
        }
        assert!(longest <= 3);
        assert!(slot.get(&reader, 200).is_none());
        drop(reader);
        // Two that share a place share the list: a post tells them apart.
        assert!(slot.connector(1)?.as_ptr() == slot.connector(1 << 16)?.as_ptr());

        slot.end(GONE);
        context().flush();
        assert_eq!(world.kills(), 400);
        assert_eq!(world.live(), 0);
        Ok(())
    }

    #[test]
    fn a_slot_that_is_dropped_leaves_its_watches() -> Result {
        let world = World::new()?;
        let party = Party::new(false)?;
        let slot = Slot::<Probe>::new();
        let probe = party.add(&slot.connector(ID)?, 1)?;
        drop(slot);
        context().flush();
        assert_eq!(world.kills(), 0);
        party.remove(&probe)?;
        drop(probe);
        context().flush();
        assert_eq!(world.live(), 0);
        assert_eq!(world.hits(Window::FreeBox), 1);
        Ok(())
    }

    #[test]
    fn ends_and_adds_race() -> Result {
        let world = World::new()?;
        let rounds = 16;
        let mut added = 0;
        for round in 0..rounds {
            let slot = slot()?;
            let party = Arc::new(Party::new(false)?, GFP_KERNEL)?;
            let line = Line::new(2)?;
            let count = Arc::new(Atomic::new(0u32), GFP_KERNEL)?;
            let adder = {
                let (slot, party, line) = (slot.clone(), party.clone(), line.clone());
                let count = count.clone();
                world.spawn(move || {
                    line.wait();
                    // Odd rounds: the connector goes each time; even ones: a watch stays.
                    while let Ok(list) = slot.connector(ID) {
                        let Ok(probe) = party.add(&list, 1) else {
                            continue;
                        };
                        count.fetch_add(1, Full);
                        drop(list);
                        if round % 2 == 1 {
                            let _ = party.remove(&probe);
                        } else {
                            break;
                        }
                    }
                })?
            };
            line.wait();
            // Odd rounds: in the middle of it. Even ones: before, during or after the only add.
            if round % 2 == 1 {
                spin_until(&count, round);
            }
            for _ in 0..round * 1000 {
                core::hint::spin_loop();
            }
            slot.end(GONE);
            adder.flush();
            drop(adder);
            added += count.load(Relaxed);
            assert!(slot.is_ended());
            context().flush();
            assert_eq!(party.count(), 0);
            assert_eq!(party.in_table(), 0);
            assert_eq!(world.live(), 0);
        }
        pr_info!("ends_and_adds: {added} watches in {rounds} rounds\n");
        // Each that got in has ended once.
        assert_eq!(world.kills(), added);
        assert!(added > 0);
        Ok(())
    }
}
