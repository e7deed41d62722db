// SPDX-License-Identifier: GPL-2.0

//! The command line. The manual page and the shell completions are made from what stands here.

mod files;
mod guard;
mod look;
mod monitor;
mod run;
mod sources;
mod stat;

use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

pub use files::{Choice, Reach, Watching};
pub use guard::{Guard, GUARD_AFTER};
pub use look::{Info, List, INFO_AFTER, LIST_AFTER};
pub use monitor::{Monitor, MONITOR_AFTER};
pub use run::{Run, RUN_AFTER};
pub use sources::Sources;
pub use stat::{Stat, STAT_AFTER};

/// Shows kernel events of /dev/watch_queue as they happen.
#[derive(Debug, Parser)]
#[command(name = "watchq", version, after_long_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print what happens to files and directories, mounts, file systems, keys, block and USB devices
    /// until interrupted.
    ///
    /// A directory is watched with the files in it, but only with -r with what is below its
    /// subdirectories. Each event is one line: the watched path, the event, and the name in the
    /// directory if there is one. Lost events are a line of their own that begins with "lost", and
    /// a watch that has ended is one that begins with "ended".
    #[command(after_long_help = MONITOR_AFTER)]
    Monitor(Box<Monitor>),

    /// Run a command when something changes, and again when something changed while it ran.
    ///
    /// All changes of a moment make one run. What changes while the command runs makes another one when it
    /// has ended, so the last state is always the one that was run for. Paths are followed: files that are
    /// replaced, and paths that come later.
    #[command(after_long_help = RUN_AFTER)]
    Run(Box<Run>),

    /// Count events by path and kind, and print a table when it ends.
    #[command(after_long_help = STAT_AFTER)]
    Stat(Box<Stat>),

    /// Allow or deny that files are opened, executed or read, by a rule file, until interrupted.
    ///
    /// A directory is guarded with everything below it on its file system. Each task that wants to
    /// do something waits for the answer, at most until the deadline. When watchq ends, however that
    /// comes about, nothing is guarded any more; those that wait at that moment are denied, or go on
    /// with --allow. What was denied is printed, at most 50 lines in a second.
    #[command(after_long_help = GUARD_AFTER)]
    Guard(Guard),

    /// Print what the loaded kernel module offers, and the limits with where each comes from.
    #[command(after_long_help = INFO_AFTER)]
    Info(Info),

    /// Print every queue that you may see: who has it, its watches and its counters.
    ///
    /// It reads /proc, so without CAP_SYS_PTRACE it shows the queues of your own processes. A queue that
    /// several processes have, as after fork(), is printed for each. RING is in bytes; WAITING counts the
    /// tasks that wait for permission.
    #[command(after_long_help = LIST_AFTER)]
    List(List),

    /// Print the manual page or shell completions.
    #[command(hide = true)]
    Generate {
        /// What to print.
        what: Generated,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Generated {
    Man,
    Bash,
    Fish,
    Zsh,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(number).map_err(|_| "not a possible number of seconds".into())
}

const AFTER: &str = "\
Exit status: 0 when ended as asked, 1 after an error, 2 when a time-out has passed; 128 and its number \
when a signal ended it, which is 130 and 143 for SIGINT and SIGTERM before what --once waits for. Signals \
that were ignored when watchq was started stay ignored.";

#[cfg(test)]
mod examples;
