// SPDX-License-Identifier: GPL-2.0

//! Where an event is: at an entry of a directory, or at an object that is found by its dentry.

use super::bits::ENTRY_EVENTS;
use crate::rust::{
    fs::dcache::Spot,
    fsnotify::event::Event, //
};

/// Which of the names of an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The only one, or the old one of a rename.
    Old,
    /// The new one of a rename.
    New,
}

/// Where an event is.
#[derive(Clone, Copy)]
pub(super) enum Site<'a> {
    /// It is about an entry, which is in this directory or was.
    Entry(Spot<'a>),
    /// It is about what is here.
    Object(Spot<'a>),
    /// Not known: it is about an inode, whatever its names.
    Unknown,
}

impl<'a> Site<'a> {
    /// Of a side of an event.
    pub(super) fn of(event: &Event<'a>, side: Side) -> Self {
        match side {
            Side::Old => Self::old(event),
            Side::New => event
                .new_directory()
                .map_or_else(|| Self::old(event), Self::Entry),
        }
    }

    pub(super) fn old(event: &Event<'a>) -> Self {
        let object = match event.mask() & ENTRY_EVENTS {
            0 => event.spot(),
            _ => None,
        };
        match (object, event.directory()) {
            (Some(spot), _) => Self::Object(spot),
            (None, Some(dir)) => Self::Entry(dir),
            (None, None) => Self::Unknown,
        }
    }
}
