// SPDX-License-Identifier: GPL-2.0

//! ADD_WATCH for files and directories.
//!
//! Rights first, for the opener of the queue and for the caller, without locks; then find-or-add as
//! one critical section under `mark_mutex` (RULINGS 37).

use super::{
    object::Hold,
    role,
    scope,
    ALL_EVENTS,
    MOUNT_EVENTS, //
};
use crate::{
    device::abi::flag,
    mark::{
        ConnectorRef,
        MarkRef,
        Role,
        Subscriber, //
    },
    queue::{
        watch::{
            Reason,
            Spec,
            Watch, //
        },
        Queue, //
    },
    rust::{
        cred::{
            capable_both,
            with_creds_of,
            Capability, //
        },
        file_handle,
        fsnotify_place::{
            Class,
            Place, //
        },
        path::FdPath, //
    },
    source::{
        add::{
            change,
            IfThere, //
        },
        Added,
        Request, //
    }, //
};
use kernel::{
    fs::File,
    prelude::*,
    sync::Arc, //
};

/// Flags that say what a watch is like, not what ADD_WATCH is to do.
const BEHAVIOUR: u32 = flag::ONESHOT
    | flag::EXCL_UNLINK
    | flag::FILE_HANDLE
    | flag::EVICTABLE
    | flag::IGNORE_SURV
    | flag::PATH;

/// Adds a watch, or changes the masks of the one that is there.
///
/// EINVAL: impossible arguments, or an update whose id, cookie, scope or flags are not those of the
/// watch. EOPNOTSUPP: a scope or flag that this kernel does not serve. EBADF: no such descriptor.
/// ENOTDIR: no directory. EPERM: opener or caller is not the administrator of the whole file system
/// and asks for more than an object. EACCES: opener or caller may not read it, or an LSM forbids it. EDQUOT: the user's limit of watches. EEXIST: watched already. ENOENT:
/// the object is dying. ESHUTDOWN: the queue has ended. ENOMEM.
pub(crate) fn add(queue: &Arc<Queue>, file: &File, request: &Request) -> Result<Added> {
    let (mask, ignore) = masks(request)?;
    let if_there = IfThere::new(request.flags)?;
    let wide = match request.scope {
        scope::OBJECT | scope::CHILDREN => false,
        scope::SUBTREE | scope::SB => true,
        scope::MOUNT if (mask | ignore) & !MOUNT_EVENTS == 0 => true,
        _ => return Err(EINVAL),
    };
    if wide && request.flags & flag::EVICTABLE != 0 {
        return Err(EINVAL);
    }

    let path = FdPath::from_fd(request.object)?;
    let on_dir = matches!(request.scope, scope::CHILDREN | scope::SUBTREE);
    if (on_dir || request.flags & flag::ONLYDIR != 0) && !path.is_dir() {
        return Err(ENOTDIR);
    }
    if wide {
        if path.is_internal() {
            return Err(EINVAL);
        }
        if !capable_both(file, path.user_namespace(), Capability::SYS_ADMIN) {
            return Err(EPERM);
        }
    }
    if request.flags & flag::FILE_HANDLE != 0 && !file_handle::supported(&path) {
        return Err(EOPNOTSUPP);
    }
    // Never with the rights of whoever causes an event (TRAPS: B45).
    path.check_readable()?;
    with_creds_of(file, || path.check_readable())?;
    let lsm = crate::FS.get().lsm();
    let place = match request.scope {
        scope::MOUNT => Place::mount(&path)?,
        scope::SUBTREE | scope::SB => Place::superblock(&path)?,
        _ => Place::inode(&path)?,
    };
    lsm.check(&path, request.mask, place)?;
    with_creds_of(file, || lsm.check(&path, request.mask, place))?;

    let spec = Spec {
        kind: request.kind,
        scope: request.scope,
        flags: request.flags & BEHAVIOUR,
        id: request.id,
        cookie: request.cookie,
    };
    let need = |place, part| Need {
        place,
        class: Class::Notify,
        part,
    };
    // The root first: it is by that mark that the queue finds the watch again.
    let tree = [
        need(Place::inode(&path)?, role::ROOT),
        need(place, role::TREE),
    ];
    let one = [need(place, role::OBJECT)];
    let (watch, needs) = match request.scope {
        scope::SUBTREE => {
            let watch = Watch::below(queue, spec, mask, ignore, path.inode_key())?;
            (watch, &tree[..])
        }
        _ => (Watch::new(queue, spec, mask, ignore)?, &one[..]),
    };

    loop {
        if let Some(result) = try_add(&watch, needs, if_there)? {
            return Ok(result);
        }
    }
}

/// The two masks of a request, checked: only known bits, and not both empty.
fn masks(request: &Request) -> Result<(u32, u32)> {
    let mask = u32::try_from(request.mask).map_err(|_| EINVAL)?;
    let ignore = u32::try_from(request.ignore).map_err(|_| EINVAL)?;
    if (mask | ignore) & !ALL_EVENTS != 0 || (mask | ignore) == 0 {
        return Err(EINVAL);
    }
    Ok((mask, ignore))
}

/// A mark that a watch needs.
#[derive(Clone, Copy)]
struct Need<'p> {
    place: Place<'p>,
    class: Class,
    part: Role,
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
                let interest = super::interest(watch, self.need.role());
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

/// One try; `None` when a dying object was in the way and has been helped out of it. The watch is
/// found by the first of its needs.
fn try_add(watch: &Arc<Watch>, needs: &[Need<'_>], if_there: IfThere) -> Result<Option<Added>> {
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
