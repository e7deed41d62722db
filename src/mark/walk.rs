// SPDX-License-Identifier: GPL-2.0

//! The walk: merges the lists of one event, group by group.
//!
//! Each list is sorted by the key of its marks' groups, so one pass over all of them shows every
//! group its marks together, in order of priority: the ignore masks of all of a group's marks can
//! be applied before anything is delivered to it. Nothing is written, no lock is taken. Every mark
//! that is met is kept by the [`Reader`], from which it is borrowed.

use super::{
    connector::Connector,
    Group,
    Mark,
    Reader,
    Subscriber, //
};
use core::ptr;

/// Cursors into up to `N` lists.
pub(crate) struct Walk<'r, S: Subscriber, const N: usize> {
    cursors: [Option<&'r Mark<S>>; N],
}

/// The marks of one group in the lists of one event.
pub(crate) struct Run<'r, S: Subscriber, const N: usize> {
    first: [Option<&'r Mark<S>>; N],
    /// The group had more than the first one in that list. Usually it has not, and then the list is
    /// not searched again.
    several: [bool; N],
}

impl<'r, S: Subscriber, const N: usize> Walk<'r, S, N> {
    /// Begins at the heads of `lists`. Any context.
    #[inline]
    pub(crate) fn new(reader: &'r Reader<'_, S>, lists: [Option<&Connector<S>>; N]) -> Self {
        Self {
            cursors: lists.map(|list| list.and_then(|list| list.first(reader))),
        }
    }

    pub(super) fn from_cursors(cursors: [Option<&'r Mark<S>>; N]) -> Self {
        Self { cursors }
    }

    pub(super) fn into_cursors(self) -> [Option<&'r Mark<S>>; N] {
        self.cursors
    }

    /// The marks of the next group, or `None` at the end of all lists.
    #[inline]
    pub(crate) fn next_group(&mut self) -> Option<Run<'r, S, N>> {
        let group = match self.cursors.as_slice() {
            // One list, as usual, needs neither loop nor comparison.
            [only] => only.as_ref()?.watch().group(),
            _ => self.first_group()?,
        };
        let mut run = Run {
            first: [None; N],
            several: [false; N],
        };
        let lists = self.cursors.iter_mut().zip(run.first.iter_mut());
        for ((cursor, first), several) in lists.zip(run.several.iter_mut()) {
            let Some(mark) = cursor.filter(|mark| N == 1 || mark.is_of(group)) else {
                continue;
            };
            *first = Some(mark);
            *cursor = mark.next();
            while let Some(mark) = cursor.filter(|mark| mark.is_of(group)) {
                *several = true;
                *cursor = mark.next();
            }
        }
        Some(run)
    }

    /// The group that comes first among those on which the cursors stand.
    fn first_group(&self) -> Option<&'r Group<S>> {
        let mut best: Option<&'r Group<S>> = None;
        for mark in self.cursors.iter().flatten() {
            let group = mark.watch().group();
            if best.is_none_or(|best| group.key() < best.key()) {
                best = Some(group);
            }
        }
        best
    }
}

impl<'r, S: Subscriber> Walk<'r, S, 1> {
    /// The mark under the cursor, if it is the last one of the only list.
    #[inline(always)]
    pub(crate) fn last(&self) -> Option<&'r Mark<S>> {
        let [cursor] = self.cursors;
        cursor.filter(|mark| mark.next().is_none())
    }

    /// Calls `f` for each mark of the only list.
    #[inline(always)]
    pub(crate) fn each_mark(self, mut f: impl FnMut(&'r Mark<S>)) {
        let [mut cursor] = self.cursors;
        while let Some(mark) = cursor {
            f(mark);
            cursor = mark.next();
        }
    }

    /// The first mark of the next group, and whether the group has more of them; `None` at the end of
    /// the only list.
    #[inline(always)]
    pub(crate) fn next_mark(&mut self) -> Option<(&'r Mark<S>, bool)> {
        let [cursor] = &mut self.cursors;
        let mark = (*cursor)?;
        *cursor = mark.next();
        let several = cursor.is_some_and(|next| next.is_of(mark.watch().group()));
        if several {
            *cursor = behind(mark);
        }
        Some((mark, several))
    }
}

/// The first mark behind those of the group of `mark`.
#[cold]
fn behind<S: Subscriber>(mut mark: &Mark<S>) -> Option<&Mark<S>> {
    while let Some(more) = mark.next_of_group() {
        mark = more;
    }
    mark.next()
}

impl<S: Subscriber> Mark<S> {
    #[inline]
    fn is_of(&self, group: &Group<S>) -> bool {
        ptr::eq(self.watch().group(), group)
    }

    /// The next mark of the same group in the same list.
    #[inline]
    pub(crate) fn next_of_group(&self) -> Option<&Self> {
        self.next().filter(|next| next.is_of(self.watch().group()))
    }
}

impl<'r, S: Subscriber> Run<'r, S, 1> {
    /// From what [`Walk::next_mark`] gave.
    pub(crate) fn of(mark: &'r Mark<S>, several: bool) -> Self {
        Self {
            first: [Some(mark)],
            several: [several],
        }
    }
}

impl<'r, S: Subscriber, const N: usize> Run<'r, S, N> {
    /// Calls `f` with the number of the list and the mark, for each mark of the group.
    #[inline]
    pub(crate) fn for_each(&self, mut f: impl FnMut(usize, &'r Mark<S>)) {
        for (list, (first, several)) in (0..N).zip(self.first.iter().zip(&self.several)) {
            if let Some(mark) = *first {
                f(list, mark);
                if *several {
                    rest(mark, |mark| f(list, mark));
                }
            }
        }
    }

    /// Calls `f` in the same way until it gives something, and gives that.
    pub(crate) fn find_map<T>(
        &self,
        mut f: impl FnMut(usize, &'r Mark<S>) -> Option<T>,
    ) -> Option<T> {
        for (list, first) in (0..N).zip(&self.first) {
            let mut next = *first;
            while let Some(mark) = next {
                if let Some(found) = f(list, mark) {
                    return Some(found);
                }
                next = mark.next_of_group();
            }
        }
        None
    }
}

/// The marks of the group behind `mark`. One that was removed or added meanwhile is met or not.
fn rest<'r, S: Subscriber>(mark: &'r Mark<S>, mut f: impl FnMut(&'r Mark<S>)) {
    let mut next = mark.next_of_group();
    while let Some(mark) = next {
        f(mark);
        next = mark.next_of_group();
    }
}
