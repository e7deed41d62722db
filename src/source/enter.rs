// SPDX-License-Identifier: GPL-2.0

//! Find-or-add for objects that fsnotify knows: inodes, mounts, superblocks, mount namespaces.
//!
//! A source says which marks its watch needs. What can be prepared is prepared before; the rest is
//! one critical section under `mark_mutex` (RULINGS 37), and all of it or nothing.

use super::{
    add::{
        change,
        IfThere, //
    },
    fs::{
        role,
        Hold, //
    },
    Added,
};
use crate::{
    mark::{
        ConnectorRef,
        MarkRef,
        Role,
        Subscriber, //
    },
    queue::watch::{
        Reason,
        Watch, //
    },
    rust::fsnotify_place::{
        Class,
        Place, //
    },
    source, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// A mark that a watch needs.
#[derive(Clone, Copy)]
pub(super) struct Need<'p> {
    pub(super) place: Place<'p>,
    pub(super) class: Class,
    pub(super) part: Role,
}

impl Need<'_> {
    fn role(&self) -> Role {
        role::new(self.part, self.class)
    }
}

/// Most marks that one watch needs: two of the first class and one of each other.
const MAX_MARKS: usize = 4;

/// What is gathered for one mark before the watch is entered. Dropping it may sleep and free.
struct Prepared<'p> {
    need: Need<'p>,
    mark: Option<MarkRef<Watch>>,
    hold: Option<Hold>,
    connector: Option<ConnectorRef<Watch>>,
}

/// Why [`Prepared::connect`] has no connector.
enum Again {
    /// The object's last mark has gone and its end is queued.
    Dying,
    /// Another queue was faster.
    Raced,
}

impl<'p> Prepared<'p> {
    /// ENOMEM.
    fn new(watch: &Arc<Watch>, need: Need<'p>) -> Result<Self> {
        Ok(Self {
            need,
            mark: Some(MarkRef::new(watch.clone(), need.role())?),
            hold: None,
            connector: None,
        })
    }

    /// Finds or makes the object and its connector. ENOENT: the place is dying. ENOMEM. The caller
    /// holds `mark_mutex` and drops `self` after it.
    fn connect(&mut self, watch: &Watch) -> Result<Result<&ConnectorRef<Watch>, Again>> {
        let fs = crate::FS.get();
        let group = fs.group(self.need.class);
        let connector = match group.find(self.need.place) {
            Some(found) => match self.hold.insert(found).connector.try_get() {
                Some(connector) => connector,
                None => return Ok(Err(Again::Dying)),
            },
            None => {
                let hold = self
                    .hold
                    .insert(fs.alloc(self.need.class, self.need.place)?);
                let interest = source::interest(watch, self.need.role());
                match group.add(hold, self.need.place, interest) {
                    Ok(()) => {}
                    Err(e) if e == EEXIST => return Ok(Err(Again::Raced)),
                    Err(e) => return Err(e),
                }
                let connector = hold.connector.first_ref().ok_or(ENOENT)?;
                // From here on the connector's last reference ends the kernel's mark.
                if let Some(hold) = self.hold.take() {
                    hold.keep();
                }
                connector
            }
        };
        Ok(Ok(self.connector.insert(connector)))
    }
}

/// Enters a watch with the marks that it needs, or changes the masks of the one that is there. The
/// watch is found by the first of its needs.
///
/// EINVAL: an update whose id, cookie, scope or flags are not those of the watch. EDQUOT: the user's
/// limit of watches. EEXIST: watched already. ENOENT: the object is dying. ESHUTDOWN: the queue has
/// ended. ENOMEM.
pub(super) fn enter(watch: &Arc<Watch>, needs: &[Need<'_>], if_there: IfThere) -> Result<Added> {
    loop {
        if let Some(result) = try_enter(watch, needs, if_there)? {
            return Ok(result);
        }
    }
}

/// One try; `None` when a dying object was in the way and has been helped out of it.
fn try_enter(watch: &Arc<Watch>, needs: &[Need<'_>], if_there: IfThere) -> Result<Option<Added>> {
    // Dropped after the guard, which is declared behind them: their drops may sleep and free.
    let mut prepared: [Option<Prepared<'_>>; MAX_MARKS] = [const { None }; MAX_MARKS];
    let removed;
    for (prepared, need) in prepared.iter_mut().zip(needs) {
        *prepared = Some(Prepared::new(watch, *need)?);
    }
    let mut group = watch.queue().group().lock();
    if watch.queue().group().ended() {
        return Err(ESHUTDOWN);
    }

    for (n, prepared) in prepared.iter_mut().flatten().enumerate() {
        let role = prepared.need.role();
        match prepared.connect(watch)? {
            Ok(connector) => {
                let there = match n {
                    0 => connector.find_same(watch, role),
                    _ => None,
                };
                if let Some(there) = there {
                    return change(&mut group, &there, watch, if_there).map(Some);
                }
            }
            Err(Again::Dying) => {
                drop(group);
                if let Some(hold) = &prepared.hold {
                    // Idempotent.
                    crate::FS.get().group(prepared.need.class).destroy(hold);
                }
                return Ok(None);
            }
            Err(Again::Raced) => return Ok(None),
        }
    }

    watch.charge()?;
    group.add(watch.clone())?;
    for (n, prepared) in prepared.iter_mut().flatten().enumerate() {
        let (Some(mark), Some(connector)) = (prepared.mark.take(), &prepared.connector) else {
            continue;
        };
        if connector.clone().insert(&mark).is_err() {
            // The object is dying. (A second watch of one group was found above.) If the watch was
            // to be seen already, what it may have reported needs an end.
            if n != 0 {
                Watch::kill(watch, Reason::ObjectGone);
            }
            removed = group.remove(watch.handle());
            drop(group);
            drop(removed);
            drop(mark);
            return Err(ENOENT);
        }
        group.attach(watch, mark);
        connector.announce();
    }
    Ok(Some(Added {
        handle: watch.handle(),
        new: true,
    }))
}
