// SPDX-License-Identifier: GPL-2.0

//! ADD_WATCH for files and directories.
//!
//! Rights first, for the opener of the queue and for the caller, without locks; then find-or-add as
//! one critical section under `mark_mutex` (RULINGS 37).

use super::{
    object::Hold,
    scope,
    ALL_EVENTS, //
};
use crate::{
    device::abi::flag,
    mark::{
        ConnectorRef,
        GroupGuard,
        MarkRef, //
    },
    queue::{
        watch::{
            Spec,
            Watch, //
        },
        Queue, //
    },
    rust::{
        cred::with_creds_of,
        path::FdPath, //
    },
    source::{
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
const BEHAVIOUR: u32 = flag::ONESHOT | flag::EXCL_UNLINK | flag::IGNORE_SURV | flag::EVICTABLE;

/// Flags that nothing of this source serves.
const ABSENT: u32 = flag::FILE_HANDLE;

/// What to do when the object is watched already.
#[derive(Clone, Copy)]
enum IfThere {
    Refuse,
    Replace,
    Add,
}

/// Adds a watch, or changes the masks of the one that is there.
///
/// EINVAL: impossible arguments, or an update whose id, cookie, scope or flags are not those of the
/// watch. EOPNOTSUPP: a scope or flag that this kernel does not serve. EBADF: no such descriptor.
/// ENOTDIR: no directory. EACCES: opener or caller may not read it, or
/// an LSM forbids it. EDQUOT: the user's limit of watches. EEXIST: watched already. ENOENT:
/// the object is dying. ESHUTDOWN: the queue has ended. ENOMEM.
pub(crate) fn add(queue: &Arc<Queue>, file: &File, request: &Request) -> Result<Added> {
    let (mask, ignore) = masks(request)?;
    let if_there = match request.flags & (flag::UPDATE | flag::MASK_ADD) {
        0 => IfThere::Refuse,
        flag::UPDATE => IfThere::Replace,
        flag::MASK_ADD => IfThere::Add,
        _ => return Err(EINVAL),
    };
    match request.scope {
        scope::OBJECT | scope::CHILDREN => {}
        s if s < scope::NR => return Err(EOPNOTSUPP),
        _ => return Err(EINVAL),
    }
    if request.flags & ABSENT != 0 {
        return Err(EOPNOTSUPP);
    }

    let path = FdPath::from_fd(request.object)?;
    let needs_dir = request.flags & flag::ONLYDIR != 0 || request.scope == scope::CHILDREN;
    if needs_dir && !path.is_dir() {
        return Err(ENOTDIR);
    }
    // Never with the rights of whoever causes an event (TRAPS: B45).
    path.check_readable()?;
    with_creds_of(file, || path.check_readable())?;
    let lsm = crate::FS.get().lsm();
    lsm.check_inode(&path, request.mask)?;
    with_creds_of(file, || lsm.check_inode(&path, request.mask))?;

    let spec = Spec {
        kind: request.kind,
        scope: request.scope,
        flags: request.flags & BEHAVIOUR,
        id: request.id,
        cookie: request.cookie,
    };
    let watch = Watch::new(queue, spec, mask, ignore)?;

    loop {
        if let Some(result) = try_add(&watch, &path, if_there)? {
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

/// One try; `None` when a dying object was in the way and has been helped out of it.
fn try_add(watch: &Arc<Watch>, path: &FdPath, if_there: IfThere) -> Result<Option<Added>> {
    let fs = crate::FS.get();
    let mark = MarkRef::new(watch.clone(), 0)?;
    // Dropped after the guard, which is declared behind them: their drops may sleep and free.
    let hold: Hold;
    let connector: ConnectorRef<Watch>;
    let removed;
    let mut group = watch.queue().group().lock();
    if watch.queue().group().ended() {
        return Err(ESHUTDOWN);
    }

    match fs.group().find_on_inode(path) {
        Some(found) => {
            hold = found;
            match hold.connector.try_get() {
                Some(got) => connector = got,
                None => {
                    // Its last mark has gone and its end is queued. Idempotent.
                    drop(group);
                    fs.group().destroy(&hold);
                    return Ok(None);
                }
            }
            if let Some(there) = connector.find(watch.queue().group()) {
                return change(&mut group, &there, watch, if_there).map(Some);
            }
        }
        None => {
            hold = fs.alloc()?;
            match fs.group().add_to_inode(&hold, path, super::interest(watch)) {
                Ok(()) => {}
                // Another queue was faster: look again.
                Err(e) if e == EEXIST => return Ok(None),
                Err(e) => return Err(e),
            }
            connector = hold.connector.first_ref().ok_or(ENOENT)?;
            // From here on the connector's last reference ends the kernel's mark.
            hold.keep();
        }
    }

    watch.charge()?;
    group.add(watch.clone())?;
    match connector.clone().insert(&mark) {
        Ok(()) => {
            group.attach(watch, mark);
            connector.announce();
            Ok(Some(Added {
                handle: watch_handle(watch),
                new: true,
            }))
        }
        // The object is dying. (A second watch of one group was found above.)
        Err(_) => {
            removed = group.remove(watch_handle(watch));
            drop(group);
            drop(removed);
            Err(ENOENT)
        }
    }
}

fn watch_handle(watch: &Watch) -> u64 {
    crate::mark::Subscriber::handle(watch)
}

/// The object is watched by this queue already: refuses, or changes the masks.
fn change(
    group: &mut GroupGuard<'_, Watch>,
    there: &Arc<Watch>,
    wanted: &Watch,
    if_there: IfThere,
) -> Result<Added> {
    let (mask, ignore) = match if_there {
        IfThere::Refuse => return Err(EEXIST),
        IfThere::Replace => (wanted.mask(), wanted.ignore()),
        IfThere::Add => (
            there.mask() | wanted.mask(),
            there.ignore() | wanted.ignore(),
        ),
    };
    if there.spec() != wanted.spec() {
        return Err(EINVAL);
    }
    there.set_masks(mask, ignore);
    group.announce(there);
    Ok(Added {
        handle: watch_handle(there),
        new: false,
    })
}
