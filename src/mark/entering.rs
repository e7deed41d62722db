// SPDX-License-Identifier: GPL-2.0

//! The one way in: a watch enters its group's table, then the lists of its objects, all or nothing.
//!
//! With its first mark a watch can be seen by events, and be ended by its object, while others are
//! still missing. So whatever stops it half-way has to end it before `mark_mutex` is released;
//! otherwise an event or a task would meet a dying watch in a list and take it for a whole one.
//! [`Entering`] is the half-entered watch together with the mutex: it either is
//! [finished](Entering::finish), or its drop takes everything back. Code that adds watches has no
//! other way, so it cannot forget a step.
//!
//! Lock order: it holds `mark_mutex`, so what it is given (connectors) is to be declared before it.

use super::{
    group::{
        GroupGuard,
        Removed, //
    },
    ConnectorRef,
    MarkRef,
    NotInserted,
    Subscriber, //
};
use crate::rust::prelude::*;

/// A watch that is in its group's table and may be in lists, and stays only if it is finished.
#[must_use = "a watch that is not finished is taken back"]
pub(crate) struct Entering<'a, S: Subscriber> {
    /// `None` once it is finished.
    group: Option<GroupGuard<'a, S>>,
    watch: Arc<S>,
    /// The mark that was refused, to be freed without the mutex, and why.
    refused: Option<(MarkRef<S>, NotInserted)>,
}

impl<'a, S: Subscriber> Entering<'a, S> {
    /// Enters a watch of the guarded group under its handle. ENOMEM. The group has not ended.
    pub(crate) fn new(mut group: GroupGuard<'a, S>, watch: &Arc<S>) -> Result<Self> {
        group.add(watch.clone())?;
        Ok(Self {
            group: Some(group),
            watch: watch.clone(),
            refused: None,
        })
    }

    /// Gives the watch a mark of its own in the list of `connector`, and tells the object. After a
    /// refusal there is nothing to be done but to drop `self`.
    pub(crate) fn insert(
        &mut self,
        connector: &ConnectorRef<S>,
        mark: MarkRef<S>,
    ) -> Result<(), NotInserted> {
        let Some(group) = &mut self.group else {
            return Err(NotInserted::Destroying);
        };
        group
            .insert(&self.watch, connector, mark)
            .map_err(|(mark, why)| {
                self.refused = Some((mark, why));
                why
            })
    }

    /// The watch has all its marks.
    pub(crate) fn finish(mut self) {
        self.group = None;
    }
}

impl<S: Subscriber> Drop for Entering<'_, S> {
    fn drop(&mut self) {
        let Some(mut group) = self.group.take() else {
            return;
        };
        let why = match &self.refused {
            Some((_, why)) => *why,
            None => NotInserted::Destroying,
        };
        S::withdraw(&self.watch, why);
        let removed: Option<Removed<S>> = group.remove(self.watch.handle());
        drop(group);
        // Its marks are detached, and what was refused is freed, without the mutex.
        drop(removed);
    }
}
