// SPDX-License-Identifier: GPL-2.0

//! What the tests put marks on: a [`Target`] counts what its connector tells it.

use super::{
    super::{
        Connected,
        Connector,
        ConnectorRef,
        Object,
        Reader,
        Subscriber,
        Walk, //
    },
    party::{
        Probe,
        GONE, //
    },
};
use crate::rust::prelude::*;

/// The object's side of a [`Target`].
pub(super) struct Thing {
    changed: Atomic<u32>,
    unneeded: Atomic<u32>,
    told: Atomic<u32>,
}

impl Object<Probe> for Thing {
    fn changed(this: &Connected<Probe, Self>) {
        this.object.changed.fetch_add(1, Full);
        this.object.told.store(this.connector.union(), Release);
    }

    fn less(this: &Connected<Probe, Self>) {
        this.object.changed.fetch_add(1, Full);
        let union = this.connector.union() & this.object.told.load(Acquire);
        this.object.told.store(union, Release);
    }

    fn unneeded(this: &Connected<Probe, Self>) {
        this.object.unneeded.fetch_add(1, Full);
    }
}

/// An object with a connector. Dropping it ends it, waits for the reapers and frees it.
pub(super) struct Target(Pin<KBox<Connected<Probe, Thing>>>);

impl Target {
    /// A target and the reference that it was born with.
    pub(super) fn new() -> Result<(Arc<Self>, ConnectorRef<Probe>)> {
        let thing = Thing {
            changed: Atomic::new(0),
            unneeded: Atomic::new(0),
            told: Atomic::new(0),
        };
        let target = Arc::new(
            Self(KBox::pin_init(Connected::new(Ok(thing)), GFP_KERNEL)?),
            GFP_KERNEL,
        )?;
        let first = target.connector().first_ref().ok_or(EINVAL)?;
        Ok((target, first))
    }

    pub(super) fn connector(&self) -> &Connector<Probe> {
        &self.0.connector
    }

    /// How often it was told that the union has changed.
    pub(super) fn changed(&self) -> u32 {
        self.0.object.changed.load(Acquire)
    }

    /// How often it was told that it is unneeded.
    pub(super) fn unneeded(&self) -> u32 {
        self.0.object.unneeded.load(Acquire)
    }

    /// The union that it saw when it was told last.
    pub(super) fn told(&self) -> u32 {
        self.0.object.told.load(Acquire)
    }

    /// The marks that a walk over this target alone sees, dead or not.
    pub(super) fn marks(&self) -> usize {
        let reader = Probe::context().read();
        marks_of(&reader, self.connector())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.connector().end_all(GONE);
        Probe::context().flush();
    }
}

/// How many marks a walk over one list sees.
pub(super) fn marks_of(reader: &Reader<'_, Probe>, list: &Connector<Probe>) -> usize {
    let mut walk = Walk::new(reader, [Some(list)]);
    let mut n = 0;
    while let Some(run) = walk.next_group() {
        run.for_each(|_, _| n += 1);
    }
    n
}
