// SPDX-License-Identifier: GPL-2.0

//! Asking user space whether something may happen to a file.
//!
//! Before a file is opened or read, the kernel calls the groups of the classes that are asked. Each
//! queue with a watch that wants to know is asked in turn; the task sleeps until it has the answer,
//! outside fsnotify's read section and outside ours, and goes on with the next queue. A refusal
//! ends it. What asking costs tasks that are not asked, and what it can hold up, is in
//! `Documentation/permission.rst`.

use super::{
    bits::{
        EXCL_UNLINK,
        PRE_CONTENT_EVENTS,
        QUESTIONS, //
    },
    detail,
    merge::ignored,
    record::{
        self,
        Shared,
        NAME_MAX, //
    },
    view::{
        self,
        Roots,
        View, //
    },
};
use crate::rust::prelude::*;
use crate::{
    mark::{
        Mark,
        Pinned,
        Subscriber,
        Walk, //
    },
    queue::{
        permission::{
            Asked,
            IfFull,
            Place,
            Posted,
            Request,
            Stamp, //
        },
        watch::Watch,
        Queue, //
    },
    rust::{
        fs::{
            path::FdPath,
            text::Text, //
        },
        fsnotify::{
            event::Event,
            place::on,
            section::Section, //
        },
        task::cred::{
            capable_both,
            Capability, //
        },
        task::user_ns::UserNamespace, //
    },
    source::object::Fs,
};
use core::pin::Pin;
use kernel::fs::File;

/// The lists in which watches are looked for, in this order.
const KINDS: [usize; 4] = [on::INODE, on::PARENT, on::MOUNT, on::SB];

/// Whether `queue`, opened as `file`, may be asked for these events of what `path` leads to; makes
/// it able to ask.
///
/// EOPNOTSUPP: the kernel does not let us ask, or the file system does not tell before an access.
/// EPERM: opener or caller is not privileged. EINVAL: the file system must not be held up, or access
/// to something that is neither a file nor a directory. ENOMEM.
pub(super) fn prepare(queue: &Queue, file: &File, path: &FdPath, events: u32) -> Result {
    if events & QUESTIONS == 0 {
        return Ok(());
    }
    if crate::FS.get().waits().is_none() {
        return Err(EOPNOTSUPP);
    }
    if !capable_both(file, UserNamespace::init(), Capability::SYS_ADMIN) {
        return Err(EPERM);
    }
    if !path.allows_questions() {
        return Err(EINVAL);
    }
    if events & PRE_CONTENT_EVENTS != 0 {
        if !path.announces_access() {
            return Err(EOPNOTSUPP);
        }
        if !path.is_dir() && !path.is_regular() {
            return Err(EINVAL);
        }
    }
    queue.make_requests().map(drop)
}

/// Asks all queues that want to be, in turn, and refuses when one does. Process context, inside
/// fsnotify's section.
pub(in crate::source) fn ask(event: &Event<'_>, section: &mut Section<'_, Fs>) -> Result {
    let Some(waits) = crate::FS.get().waits() else {
        return Ok(());
    };
    let mask = event.mask();
    // Only files and directories can be looked at without doing something to them.
    let question = if event.is_plain() {
        mask & QUESTIONS
    } else {
        0
    };

    let context = Watch::context();
    let mut reader = context.read();
    let objects = section.objects();
    let lists = KINDS.map(|kind| objects.get(kind).map(|object| &object.connector));
    let mut walk = Walk::new(&reader, lists);
    while let Some(run) = walk.next_group() {
        pin_init::stack_pin_init!(let place = Request::place());
        let place = place.as_ref();
        let mut ignore = 0;
        run.for_each(|list, mark| {
            if mark.watch().ignore() != 0 {
                ignore |= ignored(mark.watch(), mask, view(event, list, mark));
            }
        });
        let asked = run.find_map(|list, mark| {
            let masks = mark.watch().masks();
            let wanted = question & masks.mask() & !(ignore | masks.ignore());
            if wanted == 0 {
                return None;
            }
            let seen = view(event, list, mark);
            let view = View {
                bits: wanted & seen.bits,
                ..seen
            };
            if view.bits == 0 {
                return None;
            }
            match pose(event, question, view, mark, place) {
                Asked::No => None,
                asked => Some((asked, view)),
            }
        });
        match asked {
            None | Some((Asked::No, _)) => {}
            Some((Asked::Decided(result), _)) => result?,
            Some((Asked::Waits(mut asked), view)) => {
                // Never wait inside a read section, ours or fsnotify's; the walk stands on marks
                // that are pinned, of all groups.
                let pinned = Pinned::new(walk);
                drop(reader);
                let answer = section.leave(waits, || {
                    asked.wait(|watch, stamp, if_full| {
                        post(event, question, view, watch, stamp, if_full)
                    })
                });
                reader = context.read();
                walk = pinned.resume(&reader);
                // Here, inside the section again: the mark that it pins keeps the module, and is not
                // freed before the section ends.
                drop(asked);
                answer.unwrap_or(Ok(()))?;
            }
        }
    }
    Ok(())
}

/// What a watch sees through a mark in this list. What may be below the root of a subtree counts as
/// below it: a listener can refuse only if it is asked.
fn view(event: &Event<'_>, list: usize, mark: &Mark<Watch>) -> View {
    let view = match KINDS.get(list) {
        Some(&kind) => view::view(event, kind, false, mark, &Roots::new(false, None)),
        None => View::NOTHING,
    };
    match view.is_unknown() {
        true => View {
            bits: u32::MAX,
            below: true,
        },
        false => view,
    }
}

/// Asks one watch, which wants to be.
fn pose<'p>(
    event: &Event<'_>,
    question: u32,
    view: View,
    mark: &Mark<Watch>,
    place: Pin<&'p Place>,
) -> Asked<'p> {
    let watch = mark.watch();
    if watch.spec().flags & EXCL_UNLINK != 0 && event.unlinked() {
        return Asked::No;
    }
    Queue::ask(
        mark,
        place,
        || event.held_path(),
        |stamp, if_full| post(event, question, view, watch, stamp, if_full),
    )
}

/// Posts the record of a question.
fn post(
    event: &Event<'_>,
    question: u32,
    view: View,
    watch: &Arc<Watch>,
    stamp: Stamp,
    if_full: IfFull,
) -> Posted {
    let mut text = Text::<NAME_MAX>::new();
    let shared = Shared::new(event, question, record::name(event, &mut text));
    let (pos, count) = event.range();
    let extra = [stamp.request, stamp.deadline, pos, count];
    detail::post_question(&shared, watch, view, &extra, if_full)
}
