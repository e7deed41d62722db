// SPDX-License-Identifier: GPL-2.0

//! Find-or-add, for objects that fsnotify knows (inodes, mounts, superblocks, mount namespaces) and
//! for those that are in a [`Table`].
//!
//! A source says which marks its watch needs. What can be prepared is prepared before; the rest is
//! one critical section under `mark_mutex`, and all of it or nothing.

use super::{
    hook::Lease,
    if_there::{
        change,
        IfThere, //
    },
    object::Hold,
    ops::Added,
    role, //
};
use crate::rust::prelude::*;
use crate::{
    mark::{
        ConnectorRef,
        Entering,
        GroupGuard,
        MarkRef,
        NotInserted,
        Role,
        Subscriber,
        Table, //
    },
    queue::watch::Watch,
    rust::{
        fsnotify::place::{
            Class,
            Place, //
        },
        ratelimit::pr_warn_ratelimited,
    },
};

/// A mark that a watch needs.
#[derive(Clone, Copy)]
pub(super) struct Need<'p> {
    on: On<'p>,
    role: Role,
}

/// What a mark is on.
#[derive(Clone, Copy)]
enum On<'p> {
    Place(Place<'p>, Class),
    Number(&'p Arc<Table<Watch>>, u64),
}

impl<'p> Need<'p> {
    /// A mark on what fsnotify knows, for this part.
    pub(super) fn place(place: Place<'p>, class: Class, part: Role) -> Self {
        Self {
            on: On::Place(place, class),
            role: role::new(part, class),
        }
    }

    /// A mark on what `table` knows as `key`. The caller keeps the object until it is entered.
    pub(super) fn number(table: &'p Arc<Table<Watch>>, key: u64) -> Self {
        Self {
            on: On::Number(table, key),
            role: role::new(role::OTHER, Class::Notify),
        }
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
    /// The object's last mark has gone and its end is queued, in the group of this class.
    Dying(Class),
    /// Another queue was faster.
    Raced,
}

impl<'p> Prepared<'p> {
    /// ENOMEM.
    fn new(watch: &Arc<Watch>, need: Need<'p>) -> Result<Self> {
        Ok(Self {
            need,
            mark: Some(MarkRef::new(watch.clone(), need.role)?),
            hold: None,
            connector: None,
        })
    }

    /// Finds or makes the object and its connector, which takes the lease if it is new and in a table.
    /// ENOENT: the place is dying. ENOMEM. The caller holds `mark_mutex` and drops `self` after it.
    fn connect(&mut self, watch: &Watch, lease: &mut Option<Lease>) -> Result<Result<(), Again>> {
        let (place, class) = match self.need.on {
            On::Place(place, class) => (place, class),
            On::Number(table, key) => {
                self.connector = Some(table.connector(key, lease)?);
                return Ok(Ok(()));
            }
        };
        let fs = crate::FS.get();
        let group = fs.group(class);
        let connector = match group.find(place) {
            Some(found) => match self.hold.insert(found).connector.try_get() {
                Some(connector) => connector,
                None => return Ok(Err(Again::Dying(class))),
            },
            None => {
                let hold = self.hold.insert(fs.alloc(class, place)?);
                let interest = watch.interest(self.need.role);
                match group.add(hold, place, interest) {
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
        self.connector = Some(connector);
        Ok(Ok(()))
    }
}

/// The watch of this queue that is on the object of `need` already, in whatever class. What keeps the
/// objects meanwhile goes to `holds`, to be dropped after `mark_mutex`.
fn there(
    watch: &Watch,
    need: &Need<'_>,
    holds: &mut [Option<Hold>; Class::NR],
) -> Option<Arc<Watch>> {
    let place = match need.on {
        On::Place(place, _) => place,
        On::Number(table, key) => {
            let reader = Watch::context().read();
            return table.get(&reader, key)?.find_same(watch, need.role);
        }
    };
    let mut found = None;
    for (hold, class) in holds.iter_mut().zip(Class::ALL) {
        *hold = crate::FS.get().group(class).find(place);
        if let (Some(hold), None) = (hold, &found) {
            let role = role::new(role::part(need.role), class);
            found = hold.connector.find_same(watch, role);
        }
    }
    found
}

/// Whether the marks of a watch are those that `needs` says, or, to add to it, at least those: they
/// stay what they are for its life.
fn has_marks<'p>(
    group: &GroupGuard<'_, Watch>,
    there: &Watch,
    needs: impl Iterator<Item = Need<'p>>,
    if_there: IfThere,
) -> bool {
    // The mark on the root of a subtree hears of nothing that could be wanted.
    let bit = |role| match role::part(role) {
        role::ROOT => 0,
        _ => 1u32 << role::class(role),
    };
    let (mut has, mut wants) = (0, 0);
    group.for_each_role(there, |role| has |= bit(role));
    for need in needs {
        wants |= bit(need.role);
    }
    match if_there {
        IfThere::Refuse => true,
        IfThere::Replace => wants == has,
        IfThere::Add => wants & !has == 0,
    }
}

/// Enters a watch with the marks that it needs, or changes the masks of the one that is there. The
/// watch is found by the object of the first of its needs. A need of an object in a table has to be the
/// last, and brings the lease of what tells of such objects.
///
/// EINVAL: an update whose id, cookie, scope, flags or classes are not those of the watch. EDQUOT: the
/// user's limit of watches. EEXIST: watched already. ENOENT: the object is dying. ESHUTDOWN: the queue
/// has ended. ENOMEM.
pub(super) fn enter<'p>(
    watch: &Arc<Watch>,
    needs: impl Iterator<Item = Need<'p>> + Clone,
    mut lease: Option<Lease>,
    if_there: IfThere,
) -> Result<Added> {
    loop {
        if let Some(result) = try_enter(watch, needs.clone(), &mut lease, if_there)? {
            return Ok(result);
        }
    }
}

/// One try; `None` when a dying object was in the way and has been helped out of it.
fn try_enter<'p>(
    watch: &Arc<Watch>,
    needs: impl Iterator<Item = Need<'p>> + Clone,
    lease: &mut Option<Lease>,
    if_there: IfThere,
) -> Result<Option<Added>> {
    // Dropped after the guard, which is declared behind them: their drops may sleep and free.
    let mut prepared: [Option<Prepared<'_>>; MAX_MARKS] = [const { None }; MAX_MARKS];
    let mut holds = [const { None }; Class::NR];
    for (prepared, need) in prepared.iter_mut().zip(needs.clone()) {
        *prepared = Some(Prepared::new(watch, need)?);
    }
    let mut group = watch.queue().group().lock();
    if watch.queue().group().ended() {
        return Err(ESHUTDOWN);
    }

    let first = needs.clone().next();
    if let Some(there) = first.and_then(|need| there(watch, &need, &mut holds)) {
        if !has_marks(&group, &there, needs, if_there) {
            return Err(EINVAL);
        }
        return change(&mut group, &there, watch, if_there).map(Some);
    }
    for prepared in prepared.iter_mut().flatten() {
        match prepared.connect(watch, lease)? {
            Ok(()) => {}
            Err(Again::Dying(class)) => {
                drop(group);
                if let Some(hold) = &prepared.hold {
                    // Idempotent.
                    crate::FS.get().group(class).destroy(hold);
                }
                return Ok(None);
            }
            Err(Again::Raced) => return Ok(None),
        }
    }

    watch.charge()?;
    let mut entering = Entering::new(group, watch)?;
    for prepared in prepared.iter_mut().flatten() {
        let (Some(mark), Some(connector)) = (prepared.mark.take(), &prepared.connector) else {
            continue;
        };
        match entering.insert(connector, mark) {
            Ok(()) => {}
            Err(NotInserted::Full) => {
                drop(entering);
                pr_warn_ratelimited!(
                    "a file system has reached the limit max_subtrees of this module\n"
                );
                return Err(EDQUOT);
            }
            // A second watch of one group was found above.
            Err(NotInserted::Destroying | NotInserted::Exists) => return Err(ENOENT),
        }
    }
    entering.finish();
    Ok(Some(Added {
        handle: watch.handle(),
        new: true,
    }))
}
