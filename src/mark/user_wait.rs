// SPDX-License-Identifier: GPL-2.0

//! Sleeping in the middle of a walk, until user space has answered.
//!
//! A walk stands on marks that only SRCU keeps. To sleep without holding up grace periods, the task
//! pins the marks that its walk will go on from ([`Pinned`]), leaves SRCU, and enters again when it
//! is woken. A pinned mark stays in its list, so the walk can resume from it even if its watch has
//! ended meanwhile.
//!
//! Tasks that sleep on behalf of a group are counted at the group's gate ([`Gate`]). The end of a
//! group shuts the gate, answers what is outstanding, and then waits until no task is left. A wait
//! begins under the gate's lock or not at all; a pinned mark keeps its watch, and the watch keeps
//! the group. The ticket is a value with Drop. It pins a mark of the group, so a task that gives it
//! back keeps the group until it has done so.

use super::{
    entry::LateRef,
    hooks::hook,
    Mark,
    MarkRef,
    Reader,
    Subscriber,
    Walk, //
};
use crate::rust::prelude::*;
use kernel::{
    new_condvar,
    new_mutex,
    sync::{
        CondVar,
        Mutex, //
    }, //
};

/// The tasks that wait for user space on behalf of a group.
#[pin_data]
pub(crate) struct Gate {
    #[pin]
    state: Mutex<State>,
    #[pin]
    empty: CondVar,
}

struct State {
    waiting: usize,
    shut: bool,
}

impl Gate {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            state <- new_mutex!(State { waiting: 0, shut: false }, "group.gate"),
            empty <- new_condvar!("group.gate.empty"),
        })
    }

    /// Counts one more, unless the gate is shut.
    fn enter(&self) -> bool {
        let mut state = self.state.lock();
        let waiting = state.waiting.checked_add(1).filter(|_| !state.shut);
        if let Some(waiting) = waiting {
            state.waiting = waiting;
        }
        waiting.is_some()
    }

    /// Counts one less.
    fn leave(&self) {
        let mut state = self.state.lock();
        state.waiting = state.waiting.saturating_sub(1);
        if state.waiting == 0 {
            self.empty.notify_all();
        }
    }

    /// Lets no task in from now on.
    pub(crate) fn shut(&self) {
        self.state.lock().shut = true;
    }

    /// Waits until no task is inside. The caller has shut the gate and answered what was
    /// outstanding.
    pub(crate) fn wait_empty(&self) {
        let mut state = self.state.lock();
        while state.waiting != 0 {
            self.empty.wait(&mut state);
        }
    }
}

/// One wait on behalf of a watch, counted at the gate of its group; it pins the mark by which the
/// watch was met. May be dropped inside read sections.
///
/// # Invariants
///
/// The gate of the group of the mark's watch counts this value.
#[must_use]
pub(crate) struct Ticket<S: Subscriber>(LateRef<S>);

impl<S: Subscriber> Ticket<S> {
    /// Begins a wait; `None` when the mark is on its way out or the group is ending. Process context.
    pub(crate) fn new(mark: &Mark<S>) -> Option<Self> {
        let mark = mark.try_pin()?.late();
        if !mark.watch().group().gate().enter() {
            return None;
        }
        // INVARIANT: Counted. Not made before that is known: dropping it would count one less.
        Some(Self(mark))
    }

    /// The watch.
    pub(crate) fn watch(&self) -> &Arc<S> {
        self.0.watch()
    }
}

impl<S: Subscriber> Drop for Ticket<S> {
    fn drop(&mut self) {
        self.watch().group().gate().leave();
    }
}

/// A walk that may leave SRCU.
pub(crate) struct Pinned<S: Subscriber, const N: usize> {
    cursors: [Option<MarkRef<S>>; N],
}

impl<S: Subscriber, const N: usize> Pinned<S, N> {
    /// Pins what `walk` stands on, every list of it (all cursors, not only those of the group that
    /// asks). The caller then drops the reader, which nothing borrows any more.
    ///
    /// A mark that is on its way out cannot be pinned; the walk goes on behind it, which is what it
    /// would have met a moment later.
    pub(crate) fn new(walk: Walk<'_, S, N>) -> Self {
        let cursors = walk.into_cursors().map(|cursor| {
            let mut next = cursor;
            loop {
                let mark = next?;
                hook!(S, Pin);
                if let Some(pinned) = mark.try_pin() {
                    break Some(pinned);
                }
                next = mark.next();
            }
        });
        Self { cursors }
    }

    /// Goes on, inside SRCU again. Nothing sleeps and nothing is freed here.
    pub(crate) fn resume<'r>(self, reader: &'r Reader<'_, S>) -> Walk<'r, S, N> {
        Walk::from_cursors(self.cursors.map(|pin| {
            let pin = pin?;
            let mark = pin.for_reader(reader);
            // The reader's section, which began before, keeps the mark.
            drop(pin.late());
            Some(mark)
        }))
    }
}
