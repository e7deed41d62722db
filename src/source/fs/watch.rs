// SPDX-License-Identifier: GPL-2.0

//! ADD_WATCH for files and directories.
//!
//! Arguments and rights, for the opener of the queue and for the caller, without locks; which marks
//! the watch needs. The rest is [`enter`].

use super::{
    bits::{
        scope,
        ALL_EVENTS,
        MOUNT_EVENTS,
        QUESTIONS, //
    },
    interest::class_events,
    offer::offer,
    permission, //
};
use crate::rust::prelude::*;
use crate::{
    abi::flag,
    queue::{
        watch::{
            Spec,
            Watch, //
        },
        Queue, //
    },
    rust::{
        fs::{
            file_handle,
            path::FdPath,
            viewer::Viewer, //
        },
        fsnotify::place::{
            Class,
            Place, //
        },
        params,
        task::cred::{
            capable_both,
            check_both,
            Capability, //
        },
    },
    source::{
        enter::{
            enter,
            Need, //
        },
        if_there::IfThere,
        ops::{
            Added,
            Request, //
        },
        role, //
    },
};
use kernel::fs::File;

/// Flags that say what a watch is like, not what ADD_WATCH is to do.
const BEHAVIOUR: u32 = flag::ONESHOT
    | flag::EXCL_UNLINK
    | flag::FILE_HANDLE
    | flag::EVICTABLE
    | flag::IGNORE_SURV
    | flag::PATH;

/// Adds a watch, or changes the masks of the one that is there.
///
/// EINVAL: impossible arguments, or an update whose id, cookie, scope, flags or classes are not those
/// of the watch. EOPNOTSUPP: a flag or event that this kernel does not serve. EBADF: no such
/// descriptor. ENOTDIR: no directory. EPERM: opener or caller is not the administrator of the whole
/// file system and asks for more than an object. EACCES: opener or caller may not read it, or an LSM
/// forbids it. EDQUOT: the user's limit of watches. EEXIST: watched already. ENOENT: the object is
/// dying. ESHUTDOWN: the queue has ended. ENOMEM. For questions, also what [`permission::prepare`]
/// gives.
pub(in crate::source) fn add(queue: &Arc<Queue>, file: &File, request: &Request) -> Result<Added> {
    let (mask, ignore) = masks(request)?;
    let if_there = IfThere::new(request.flags)?;
    let wide = match request.scope {
        scope::OBJECT | scope::CHILDREN => false,
        scope::SUBTREE | scope::SB => true,
        scope::MOUNT if (mask | ignore) & !(MOUNT_EVENTS | QUESTIONS) == 0 => true,
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
    let mut viewer = None;
    if wide {
        if path.is_internal() {
            return Err(EINVAL);
        }
        if !capable_both(file, path.user_namespace(), Capability::SYS_ADMIN) {
            if request.scope != scope::SUBTREE || !params::unprivileged_subtrees() {
                return Err(EPERM);
            }
            check_both(file, || path.check_searchable())?;
            viewer = Some(Viewer::new(file, &path)?);
        }
    }
    if request.flags & flag::FILE_HANDLE != 0 && !file_handle::supported(&path) {
        return Err(EOPNOTSUPP);
    }
    // Never with the rights of the task that causes an event.
    check_both(file, || path.check_readable())?;
    let place = match request.scope {
        scope::MOUNT => Place::mount(&path)?,
        scope::SUBTREE | scope::SB => Place::superblock(&path)?,
        _ => Place::inode(&path)?,
    };
    let lsm = crate::FS.get().lsm();
    check_both(file, || lsm.check(&path, request.mask, place))?;
    permission::prepare(queue, file, &path, mask | ignore)?;

    let spec = Spec {
        kind: request.kind,
        scope: request.scope,
        flags: request.flags & BEHAVIOUR,
        id: request.id,
        cookie: request.cookie,
    };
    let (watch, part) = match request.scope {
        scope::SUBTREE => {
            let watch = Watch::below(queue, spec, mask, ignore, path.inode_key(), viewer)?;
            (watch, role::TREE)
        }
        _ => (Watch::new(queue, spec, mask, ignore)?, role::OBJECT),
    };
    // The root of a subtree first: it is by that mark that the queue finds the watch again.
    let root = match part {
        role::TREE => Some(Need::place(Place::inode(&path)?, Class::Notify, role::ROOT)),
        _ => None,
    };
    // A subtree has one in the first class whatever it wants, by which it is counted.
    let counted = |class| part == role::TREE && class == Class::Notify;
    let classes = Class::ALL
        .into_iter()
        .filter(|&class| counted(class) || (mask | ignore) & class_events(class) != 0)
        .map(|class| Need::place(place, class, part));
    let needs = Iterator::chain(root.into_iter(), classes);
    enter(&watch, needs, None, if_there)
}

/// The two masks of a request, checked: only known bits, and not both empty.
fn masks(request: &Request) -> Result<(u32, u32)> {
    let mask = u32::try_from(request.mask).map_err(|_| EINVAL)?;
    let ignore = u32::try_from(request.ignore).map_err(|_| EINVAL)?;
    if (mask | ignore) & !(ALL_EVENTS | QUESTIONS) != 0 || (mask | ignore) == 0 {
        return Err(EINVAL);
    }
    if (mask | ignore) & !offer().events != 0 {
        return Err(EOPNOTSUPP);
    }
    Ok((mask, ignore))
}
