// SPDX-License-Identifier: GPL-2.0

//! The ioctls of a task that is asked for permission: RESPOND, OPEN_TARGET and SET_PERMISSION.
//!
//! Any task that has the descriptor may answer. To open what a question is about, and to set what
//! happens without an answer, takes the privilege that adding the watch took.

use crate::rust::prelude::*;
use crate::{
    abi,
    queue::{
        permission::Policy,
        Queue, //
    },
    rust::{
        mm::uaccess::read_struct,
        params,
        task::cred::{
            capable_both,
            Capability, //
        },
        task::user_ns::UserNamespace, //
    },
};
use kernel::{
    bindings::O_CLOEXEC,
    fs::{
        file::FileDescriptorReservation,
        File, //
    }, //
};

/// What a refused task may be told.
const ERRORS: [Error; 8] = [EPERM, EIO, EAGAIN, EACCES, EBUSY, ETXTBSY, ENOSPC, EDQUOT];

/// EINVAL: an answer that is none, an errno that is not one of [`ERRORS`]. ENOENT: nothing waits for
/// it.
pub(super) fn respond(queue: &Queue, arg: usize) -> Result {
    let (respond, _) = read_struct::<abi::Respond>(arg, abi::RESPOND_MIN)?;
    if respond.reserved != 0 {
        return Err(EINVAL);
    }
    let errno = |error: &Error| error.to_errno().unsigned_abs();
    let error = match (respond.response, respond.error) {
        (abi::ALLOW, 0) => 0,
        (abi::DENY, 0) => errno(&EPERM),
        (abi::DENY, error) if ERRORS.iter().any(|known| errno(known) == error) => error,
        _ => return Err(EINVAL),
    };
    queue.respond(respond.request, error)
}

/// EINVAL: flags. EPERM: opener or caller is not privileged. ENOENT: nothing waits there. EMFILE, and
/// what the file system gives.
pub(super) fn open_target(queue: &Queue, file: &File, arg: usize) -> Result<isize> {
    let (open, _) = read_struct::<abi::OpenTarget>(arg, abi::OPEN_TARGET_MIN)?;
    if open.flags != 0 {
        return Err(EINVAL);
    }
    let (Some(requests), Some(waits)) = (queue.requests(), crate::FS.get().waits()) else {
        return Err(ENOENT);
    };
    if !capable_both(file, UserNamespace::init(), Capability::SYS_ADMIN) {
        return Err(EPERM);
    }
    let target = requests.target(open.request)?;
    let reserved = FileDescriptorReservation::get_unused_fd_flags(O_CLOEXEC)?;
    let opened = target.open_silently(waits.open())?;
    let fd = reserved.reserved_fd();
    reserved.fd_install(opened);
    Ok(fd as isize)
}

/// EINVAL: no time, more than the module allows, or an answer that is none. EPERM: opener or caller is not
/// privileged. ENOMEM.
pub(super) fn set_permission(queue: &Queue, file: &File, arg: usize) -> Result {
    let (policy, _) = read_struct::<abi::Permission>(arg, abi::PERMISSION_MIN)?;
    let in_time = 1..=params::max_permission_ms();
    if policy.reserved != 0 || !in_time.contains(&policy.timeout_ms) {
        return Err(EINVAL);
    }
    let deny = match policy.unanswered {
        abi::ALLOW => false,
        abi::DENY => true,
        _ => return Err(EINVAL),
    };
    if !capable_both(file, UserNamespace::init(), Capability::SYS_ADMIN) {
        return Err(EPERM);
    }
    queue.make_requests()?.set_policy(Policy {
        timeout_ms: policy.timeout_ms,
        deny,
    });
    Ok(())
}
