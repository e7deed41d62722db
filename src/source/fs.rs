// SPDX-License-Identifier: GPL-2.0

//! The FS source: files and directories, through the kernel's fsnotify.
//!
//! An event goes through these files, each of which uses only those below it:
//!
//! - [`short`], the way of nearly every event, and [`permission`], which asks whether something may happen;
//! - [`mod@deliver`], which lists the event is merged from;
//! - [`merge`], what is left of it for each watch of a queue;
//! - [`rename`], the two halves of a rename, and [`detail`], records with a path or a file handle;
//! - [`view`], what a watch sees through one of its marks, and [`record`], what its record says.
//!
//! [`watch`] serves ADD_WATCH. [`mod@interest`] is what the kernel has to call us for.

mod bits;
mod deliver;
mod detail;
mod interest;
mod merge;
mod offer;
mod permission;
mod record;
mod rename;
mod short;
mod site;
mod view;
mod watch;

pub(crate) use self::{
    bits::SCOPES,
    offer::{
        bytes_per_watch,
        events, //
    },
};
pub(super) use self::{
    deliver::deliver,
    interest::{
        interest,
        limit,
        shares, //
    },
    offer::offer,
    permission::ask,
    short::deliver as deliver_short,
    watch::add, //
};
