// SPDX-License-Identifier: GPL-2.0

//! Many rounds of adding and removing, and what each thing costs in memory.

use super::{
    super::{
        hooks::Window,
        slot::{
            Slot,
            Slotted, //
        },
        Connector,
        Mark,
        Subscriber, //
    },
    party::{
        Party,
        Probe, //
    },
    target::Target,
    world::World, //
};
use crate::rust::prelude::*;
use crate::{
    queue::watch::Watch,
    rust::{
        fsnotify::backend::Backend,
        sync::raw_spinlock::RawSpinLock, //
    },
    source::Fs,
};

/// Rounds on each of two objects. A debug kernel under emulation needs 1 to 3 ms for one, and every
/// load of the module waits for them: 10^4 and more belong to the stress program.
const ROUNDS: u32 = 250;

/// Bytes by which lock debugging makes a spinlock bigger.
const LOCK_DEBUG: usize = size_of::<RawSpinLock<()>>() - 4;

/// What stands for a watched inode.
type FsObject = <Fs as Backend>::Object;

#[kunit_tests(watch_queue_marks_rounds)]
mod suite {
    use super::*;

    #[test]
    fn rounds_leave_nothing() -> Result {
        let world = World::new()?;
        let (target, list) = Target::new()?;
        let slot = Slot::<Probe>::new();
        let party = Party::new(false)?;
        // What the table of handles keeps for itself is there before.
        let stays = party.add(&list, 1)?;

        let mut most = 0;
        for _ in 0..ROUNDS {
            let on_slot = party.add(&slot.connector(1)?, 1)?;
            party.remove(&on_slot)?;
            most = most.max(world.live());
        }
        let other = Party::new(false)?;
        for _ in 0..ROUNDS {
            let on_target = other.add(&list, 1)?;
            other.remove(&on_target)?;
            most = most.max(world.live());
        }
        Probe::context().flush();
        pr_info!("rounds: at most {most} watches waited for the reaper\n");
        assert_eq!(world.dropped(), 2 * ROUNDS);
        assert_eq!(world.live(), 1);
        // Each connector in the slot was freed; nothing is left in the lists.
        assert_eq!(world.hits(Window::FreeBox), ROUNDS);
        assert_eq!(target.marks(), 1);
        assert_eq!(party.count() + other.count(), 1);
        party.remove(&stays)?;
        // The drop of the world destroys the cache of the marks, which warns about what is left.
        Ok(())
    }

    #[test]
    fn bytes() -> Result {
        let mark = size_of::<Mark<Watch>>();
        let connector = size_of::<Connector<Watch>>() - LOCK_DEBUG;
        let slotted = size_of::<Slotted<Watch>>() - LOCK_DEBUG;
        let object = size_of::<FsObject>() - 2 * LOCK_DEBUG;
        // An `Arc` has a count in front.
        let watch = size_of::<Watch>() + 8;
        pr_info!("bytes, without lock debugging ({LOCK_DEBUG} a lock):\n");
        pr_info!("bytes: mark {mark}, connector {connector}, connector in a slot {slotted}\n");
        pr_info!("bytes: object of a watched inode {object}, watch {watch}\n");
        assert!(mark <= 48);
        assert!(connector <= 40);
        assert!(slotted <= 64);
        assert!(object <= 160);
        assert!(watch <= 128);
        Ok(())
    }
}
