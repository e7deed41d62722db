// SPDX-License-Identifier: GPL-2.0

//! The options that several commands have: which files, which events, which names.

use std::path::PathBuf;

use clap::ValueEnum;
use watch_queue::Events;

use crate::names;

/// Which events, and how far watches reach.
#[derive(Debug, clap::Args)]
pub struct Watching {
    /// Events to print, as in inotifywait, separated by commas [default: mutations].
    ///
    /// access, modify, attrib, close_write, close_nowrite, close (both), open, open_exec,
    /// moved_from, moved_to, move (both), create, delete, delete_self, move_self; mutations: all
    /// that change something; all. May be given several times.
    #[arg(short, long = "event", value_name = "EVENTS", value_parser = names::parse_list)]
    pub events: Vec<Events>,

    /// Watch directories with everything below them, whatever is created or moved there later.
    ///
    /// Short for --scope subtree. Without CAP_SYS_ADMIN over the file system it tells what happens in the
    /// directories that you may read and search. A file is watched itself. What is mounted below a directory is
    /// another file system: give its mount point, too.
    #[arg(short, long, conflicts_with = "scope")]
    pub recursive: bool,

    /// How far watches reach.
    ///
    /// Mount and sb need CAP_SYS_ADMIN over the file system, and the path of the mount point; mount knows the
    /// events access, modify, close, open and open_exec only.
    #[arg(long, value_enum, default_value_t = Reach::Children)]
    pub scope: Reach,

    /// Size of the ring in pages, a power of two: how much can wait before events are lost.
    #[arg(long, value_name = "PAGES", default_value_t = 16)]
    pub pages: usize,
}

/// Which names.
#[derive(Debug, Default, clap::Args)]
pub struct Choice {
    /// Only what GLOB matches, in the syntax of .gitignore. May be given several times.
    ///
    /// Paths are those below the watched directory: *.c matches at any depth, /*.c in the directory
    /// itself only, and src/ everything below src. Of events about the watched directory itself nothing
    /// is told then. A watched file is judged by its name.
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,

    /// Nothing that GLOB matches, also when --include does. May be given several times.
    ///
    /// !GLOB takes back what one before it has excluded.
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,

    /// Read globs to exclude from FILE, as if it were the .gitignore of every watched directory. May be
    /// given several times; --exclude comes after all files.
    #[arg(long, value_name = "FILE")]
    pub ignore_file: Vec<PathBuf>,
}

/// How far watches reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Reach {
    /// Files, and directories with the files in them.
    Children,
    /// Directories with everything below them.
    Subtree,
    /// Everything that is reached through the mount.
    Mount,
    /// Everything on the file system.
    Sb,
}

impl Watching {
    /// The wanted events.
    pub fn wanted(&self) -> Events {
        if !self.events.is_empty() {
            return self.events.iter().copied().collect();
        }
        match self.reach() {
            Reach::Mount => Events::MODIFY | Events::CLOSE_WRITE,
            _ => Events::MUTATIONS,
        }
    }

    /// How far watches reach.
    pub fn reach(&self) -> Reach {
        match self.recursive {
            true => Reach::Subtree,
            false => self.scope,
        }
    }
}
