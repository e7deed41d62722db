// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a child finds. The ring is in ordinary memory, which children do get: what they could read there
//! shows that they do not.

use super::*;
use crate::Consumer;

#[path = "../../tests/fake/mod.rs"]
mod fake;

/// Runs a function in a child; whether it said yes.
fn in_child(run: impl FnOnce() -> bool) -> bool {
    // SAFETY: The child only reads memory and ends: no lock that another thread holds is taken.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let status = i32::from(!run());
        // SAFETY: It ends the child without running what the test harness has registered.
        unsafe { libc::_exit(status) };
    }
    let mut status = 0;
    // SAFETY: The status is written to where there is room for it.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(waited, pid);
    status == 0
}

/// Whether an error says that the queue is the parent's.
fn is_forked<T>(result: &io::Result<T>) -> bool {
    result
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::NotConnected)
}

#[test]
fn a_child_has_nothing_to_read() {
    let mut ring = fake::FakeRing::new(64, 3);
    let mut consumer = WipedOnFork::new(ring.consumer().unwrap()).unwrap();
    for name in [b"a", b"b", b"c"] {
        assert!(ring.post(&fake::fs(8, 1, name)));
    }
    // In the middle of what has been found: the records that are left are not the child's either.
    assert!(consumer.next().unwrap().is_some());
    let tail = ring.tail();
    assert!(in_child(|| {
        let consumer: &mut Consumer = &mut consumer;
        let again = is_forked(&consumer.next()) && is_forked(&consumer.next());
        consumer.release();
        again && is_forked(&consumer.resync()) && is_forked(&consumer.check_process())
    }));
    assert_eq!(ring.tail(), tail);
    // The parent goes on where it was.
    assert!(consumer.next().unwrap().is_some());
    assert!(consumer.next().unwrap().is_some());
    assert!(consumer.next().unwrap().is_none());
}

#[test]
fn a_child_may_drop_it() {
    let mut ring = fake::FakeRing::new(64, 3);
    let mut consumer = WipedOnFork::new(ring.consumer().unwrap()).unwrap();
    assert!(ring.post(&fake::fs(8, 1, b"a")));
    assert!(consumer.next().unwrap().is_some());
    let tail = ring.tail();
    let place = &raw mut consumer;
    assert!(in_child(|| {
        // SAFETY: Only the child drops it; what the parent drops later is its own.
        unsafe { place.drop_in_place() };
        true
    }));
    assert_eq!(ring.tail(), tail);
    assert!(consumer.next().unwrap().is_none());
}
