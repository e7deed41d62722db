// SPDX-License-Identifier: GPL-2.0

//! What the outputs print: a record joined with the path that its watch was set on.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

use watch_queue::{Events, FsEvent, Loss, Reason};

use crate::source::SourceEvent;
use crate::watched::Watched;

/// Something to print.
#[derive(Debug)]
pub enum Item<'a> {
    /// An event of a file.
    File(FileEvent<'a>),
    /// An event of something else.
    Source(SourceEvent<'a>),
    /// Events were lost.
    Lost(Lost<'a>),
    /// A watch has ended.
    Ended {
        /// What was watched.
        watched: &'a Watched,
        /// Why nothing more comes.
        reason: Reason,
    },
}

/// An event of a file or a directory.
#[derive(Clone, Debug)]
pub struct FileEvent<'a> {
    pub watched: &'a Watched,
    /// Where below that it was.
    pub below: Below<'a>,
    pub name: Option<&'a OsStr>,
    pub event: Events,
    pub is_dir: bool,
    pub inode: u64,
    pub dev: u32,
    pub pid: u32,
    pub rename_cookie: u32,
}

/// Where below what is watched an event was.
#[derive(Clone, Copy, Debug)]
pub enum Below<'a> {
    /// At what is watched itself, or a file in that directory.
    Here,
    /// In this directory below it.
    In(&'a Path),
    /// Too deep for the path to be told.
    Unknown,
}

/// Stands where a path is not known. No directory can have this name, because it is empty.
const UNKNOWN: &str = "/.../";

/// Lost events.
#[derive(Debug)]
pub struct Lost<'a> {
    pub count: u64,
    /// The only watch that lost some, when there is just one.
    pub watched: Option<&'a Watched>,
    /// Whether memory was short, not room in the ring.
    pub memory: bool,
}

impl<'a> FileEvent<'a> {
    /// Joins a record with its watch.
    pub fn new(fs: &FsEvent<'a>, watched: &'a Watched) -> Self {
        FileEvent {
            watched,
            below: match fs.path().and_then(Path::parent) {
                _ if fs.is_truncated() => Below::Unknown,
                Some(parent) if !parent.as_os_str().is_empty() => Below::In(parent),
                _ => Below::Here,
            },
            name: fs.name(),
            event: fs.event(),
            is_dir: fs.is_dir(),
            inode: fs.inode(),
            dev: fs.dev(),
            pid: fs.pid(),
            rename_cookie: fs.rename_cookie(),
        }
    }

    /// What becomes of a path that is followed.
    pub fn followed(watched: &'a Watched, event: Events, is_dir: bool) -> Self {
        FileEvent {
            watched,
            below: Below::Here,
            name: None,
            event,
            is_dir,
            inode: 0,
            dev: 0,
            pid: 0,
            rename_cookie: 0,
        }
    }

    /// The path below what is watched, as far as it is known: of a watched file its name, of a watched
    /// directory nothing.
    pub fn inside(&self) -> Option<Cow<'a, Path>> {
        match (self.name, self.below) {
            (Some(name), Below::In(directory)) => Some(directory.join(name).into()),
            (Some(name), _) => Some(Path::new(name).into()),
            (None, _) if self.watched.is_dir() => None,
            (None, _) => self
                .watched
                .path
                .file_name()
                .map(|name| Path::new(name).into()),
        }
    }

    /// What is watched, or with a wider scope the directory below it; that ends with a slash. When it
    /// is not known, it ends with two slashes, three dots and a slash.
    pub fn path(&self) -> Cow<'a, OsStr> {
        let watched = self.watched.path.as_os_str();
        let mut path = watched.to_owned();
        match self.below {
            Below::Here => return watched.into(),
            Below::In(directory) => {
                path.push(directory);
                path.push("/");
            }
            Below::Unknown => path.push(UNKNOWN),
        }
        path.into()
    }
}

impl<'a> Lost<'a> {
    /// Joins a record with its watch.
    pub fn new(loss: &Loss, watched: Option<&'a Watched>) -> Self {
        Lost {
            count: loss.count,
            watched,
            memory: loss.memory,
        }
    }
}

/// A reason in words, and as one word.
pub fn reason_words(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::Removed => ("the watch was removed", "removed"),
        Reason::OneShot => ("it was for one event", "oneshot"),
        Reason::ObjectGone => ("it was deleted", "object_gone"),
        Reason::Unmount => ("its file system was unmounted", "unmount"),
        Reason::Evicted => ("the kernel needed its memory", "evicted"),
        Reason::QueueShutdown => ("the queue was shut down", "queue_shutdown"),
        Reason::SourceGone => ("the module that posted the events is gone", "source_gone"),
        _ => (
            "for a reason that this version of watchq does not know",
            "other",
        ),
    }
}
