// SPDX-License-Identifier: GPL-2.0

//! Tests of tables: connectors that are found by number, come and go with their marks, and objects
//! that end while others add, look up or remove.

use super::{
    super::{
        hooks::Window,
        table::Table,
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

/// Leases that there are, whatever test they are of.
static LEASES: Atomic<i32> = Atomic::new(0);

/// What an entry holds.
pub(super) struct Lease;

impl Lease {
    fn new() -> Option<Self> {
        LEASES.fetch_add(1, Full);
        Some(Self)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        LEASES.fetch_sub(1, Full);
    }
}

fn leases() -> i32 {
    LEASES.load(Relaxed)
}

fn context() -> &'static Context<Probe> {
    Probe::context()
}

/// The connector of an object, with a lease that it takes if it is new.
fn connector(table: &Arc<Table<Probe>>, key: u64) -> Result<ConnectorRef<Probe>> {
    let mut lease = Lease::new();
    table.connector(key, &mut lease)
}

/// How many marks the table leads to for an object.
fn marks(table: &Table<Probe>, key: u64) -> usize {
    let reader = context().read();
    table
        .get(&reader, key)
        .map_or(0, |list| marks_of(&reader, list))
}

/// Ends an object in a hard interrupt.
struct Ender(Arc<Table<Probe>>, u64);

impl IrqHandler for Ender {
    fn run(work: &IrqWork<Self>) {
        work.0.end(work.1, GONE);
    }
}

#[kunit_tests(watch_queue_marks_table)]
mod suite {
    use super::*;

    #[test]
    fn each_number_has_its_connector() -> Result {
        let world = World::new()?;
        let table = Table::<Probe>::new()?;
        let party = Party::new(true)?;
        // More than there are chains, so that some share one.
        let n = 1000u64;
        let mut probes = KVec::with_capacity(n as usize, GFP_KERNEL)?;
        for key in 0..n {
            let list = connector(&table, key * 64)?;
            for _ in 0..=key % 2 {
                probes.push((key, party.add(&list, 1)?), GFP_KERNEL)?;
            }
        }
        assert_eq!(leases(), n as i32);
        let mut right = 0;
        for key in 0..n {
            right += u64::from(marks(&table, key * 64) as u64 == 1 + key % 2);
        }
        assert_eq!(right, n);
        assert_eq!(marks(&table, n * 64), 0);
        assert_eq!(marks(&table, 1), 0);

        // Every other object loses its only watch, and the rest keep theirs.
        for (key, probe) in &probes {
            if key % 2 == 0 {
                party.remove(probe)?;
            }
        }
        right = 0;
        for key in 0..n {
            right += u64::from(marks(&table, key * 64) as u64 == 2 * (key % 2));
        }
        assert_eq!(right, n);
        context().flush();
        assert_eq!(world.hits(Window::FreeBox), n as u32 / 2);
        assert_eq!(leases(), n as i32 / 2);
        drop(party);
        assert!(table.is_empty());
        context().flush();
        assert_eq!(leases(), 0);
        Ok(())
    }

    #[test]
    fn an_entry_lives_as_long_as_its_marks() -> Result {
        let world = World::new()?;
        let table = Table::<Probe>::new()?;
        let party = Party::new(true)?;
        let list = connector(&table, 7)?;
        assert!(connector(&table, 7)?.as_ptr() == list.as_ptr());
        assert_eq!(leases(), 1);
        let first = party.add(&list, 1)?;
        let second = party.add(&list, 1)?;
        drop(list);
        party.remove(&first)?;
        assert_eq!(marks(&table, 7), 1);
        party.remove(&second)?;
        assert!(table.is_empty());
        context().flush();
        assert_eq!((world.hits(Window::FreeBox), leases()), (1, 0));

        // One that is looked up and not used; and one that needs a lease and gets none.
        drop(connector(&table, 7)?);
        assert!(table.is_empty());
        assert!(matches!(table.connector(7, &mut None), Err(e) if e == EINVAL));
        context().flush();
        assert_eq!((world.hits(Window::FreeBox), leases()), (2, 0));
        Ok(())
    }

    #[test]
    fn the_end_of_an_object_ends_its_watches_and_no_others() -> Result {
        let world = World::new()?;
        let table = Table::<Probe>::new()?;
        let parties = Party::in_order(3)?;
        for party in &parties {
            party.add(&connector(&table, 5)?, 1)?;
            party.add(&connector(&table, 6)?, 1)?;
        }
        // Between the look-up and the first mark.
        let empty = connector(&table, 4)?;
        table.end(4, GONE);
        table.end(5, GONE);
        table.end(5, GONE);
        assert_eq!(world.kills(), 3);
        assert_eq!((marks(&table, 5), marks(&table, 6)), (0, 3));
        for party in &parties {
            assert!(matches!(party.add(&empty, 1), Err(e) if e == ENOENT));
        }
        drop(empty);
        context().flush();
        assert_eq!(world.hits(Window::FreeBox), 2);

        // The number may stand for another object then.
        for party in &parties {
            party.add(&connector(&table, 5)?, 1)?;
        }
        assert_eq!(marks(&table, 5), 3);
        assert_eq!((world.kills(), leases()), (3, 2));
        drop(parties);
        context().flush();
        assert_eq!((world.live(), leases()), (0, 0));
        Ok(())
    }

    #[test]
    fn who_comes_second_frees_his_and_takes_the_first() -> Result {
        let world = World::new()?;
        let table = Table::<Probe>::new()?;
        let other = Arc::new(Atomic::new(0usize), GFP_KERNEL)?;

        let (hook_table, hook_other) = (table.clone(), other.clone());
        let party = Arc::new(Party::new(false)?, GFP_KERNEL)?;
        let hook_party = party.clone();
        world.arm(Window::Publish, move || {
            if let Ok(list) = connector(&hook_table, 9) {
                let _ = hook_party.add(&list, 1);
                hook_other.store(list.as_ptr().addr().get(), Relaxed);
            }
        })?;
        let list = connector(&table, 9)?;
        assert_eq!(world.disarm(), 2);
        assert_eq!(other.load(Relaxed), list.as_ptr().addr().get());
        context().flush();
        // The loser's, with its lease.
        assert_eq!((world.hits(Window::FreeBox), leases()), (1, 1));
        assert_eq!(marks(&table, 9), 1);
        Ok(())
    }

    #[test]
    fn a_look_up_helps_out_what_nobody_needs() -> Result {
        let world = World::new()?;
        let table = Table::<Probe>::new()?;
        let party = Party::new(false)?;
        let other = Arc::new(Party::new(false)?, GFP_KERNEL)?;
        let probe = party.add(&connector(&table, 3)?, 1)?;

        // The count has reached zero, but the entry is still there.
        let (hook_table, hook_other) = (table.clone(), other.clone());
        world.arm(Window::Unneeded, move || {
            if let Ok(list) = connector(&hook_table, 3) {
                let _ = hook_other.add(&list, 1);
            }
        })?;
        party.remove(&probe)?;
        assert_eq!(world.disarm(), 1);
        // The second one has its place, and the first does not take it away.
        assert_eq!(marks(&table, 3), 1);
        assert_eq!(other.count(), 1);
        context().flush();
        assert_eq!((world.hits(Window::FreeBox), leases()), (1, 1));
        Ok(())
    }

    #[test]
    fn an_end_meets_what_nobody_needs() -> Result {
        let world = World::new()?;
        let table = Table::<Probe>::new()?;
        let party = Party::new(false)?;
        let probe = party.add(&connector(&table, 3)?, 1)?;
        let hook_table = table.clone();
        world.arm(Window::Unneeded, move || hook_table.end(3, GONE))?;
        party.remove(&probe)?;
        assert_eq!(world.disarm(), 1);
        assert!(table.is_empty());
        assert_eq!(probe.removals(), 1);
        context().flush();
        assert_eq!((world.hits(Window::FreeBox), leases()), (1, 0));
        Ok(())
    }

    #[test]
    fn an_object_may_end_in_a_hard_interrupt() -> Result {
        let world = World::new()?;
        let table = Table::<Probe>::new()?;
        let parties = Party::in_order(4)?;
        for party in &parties {
            party.add(&connector(&table, 2)?, 1)?;
        }
        let ender = KBox::pin_init(IrqWork::new(Ender(table.clone(), 2)), GFP_KERNEL)?;
        ender.queue();
        ender.sync();
        // Step one is done.
        assert_eq!(world.kills(), 4);
        assert!(table.is_empty());
        context().flush();
        assert_eq!((world.ended(), world.live(), leases()), (4, 0, 0));
        Ok(())
    }

    #[test]
    fn ends_adds_and_looks_race() -> Result {
        let world = World::new()?;
        let table = Table::<Probe>::new()?;
        let rounds = 200;
        let line = Line::new(2)?;
        let (stop, found) = (
            Arc::new(Atomic::new(0u32), GFP_KERNEL)?,
            Arc::new(Atomic::new(0u32), GFP_KERNEL)?,
        );
        let looker = {
            let (table, line) = (table.clone(), line.clone());
            let (stop, found) = (stop.clone(), found.clone());
            world.spawn(move || {
                line.wait();
                while stop.load(Relaxed) == 0 {
                    // Two that share a chain or not; what is found can be walked.
                    found.fetch_add(marks(&table, 1) as u32 + marks(&table, 2) as u32, Relaxed);
                }
            })?
        };
        line.wait();
        let party = Party::new(false)?;
        for round in 0..rounds {
            let first = party.add(&connector(&table, 1)?, 1)?;
            party.add(&connector(&table, 2)?, 1)?;
            if round == 0 {
                spin_until(&found, 1);
            }
            table.end(2, GONE);
            party.remove(&first)?;
        }
        stop.store(1, Relaxed);
        looker.flush();
        drop(looker);
        assert!(found.load(Relaxed) > 0);
        assert!(table.is_empty());
        // One end and one removal in each round.
        assert_eq!(world.kills(), 2 * rounds);
        context().flush();
        assert_eq!((world.live(), leases()), (0, 0));
        Ok(())
    }
}
