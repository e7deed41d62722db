// SPDX-License-Identifier: GPL-2.0

//! The options of `watchq run`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::{Choice, Watching};

#[derive(Debug, clap::Args)]
pub struct Run {
    #[command(flatten)]
    pub watching: Watching,

    #[command(flatten)]
    pub choice: Choice,

    /// Run when nothing has changed for this many milliseconds, or after ten times that and a second at
    /// least, if changes do not end.
    #[arg(long, value_name = "MS", value_parser = milliseconds, default_value = "50")]
    pub debounce: Duration,

    /// When something changes while the command runs, end it (SIGTERM to its process group, SIGKILL after 5
    /// seconds) and run it again, instead of waiting for it.
    #[arg(long)]
    pub restart: bool,

    /// Do not run the command before the first change.
    #[arg(long)]
    pub postpone: bool,

    /// Count also what the command and what it has started change.
    #[arg(long)]
    pub own: bool,

    /// Count also what .gitignore files, .git/info/exclude and the user's own file for git exclude, and what
    /// happens in .git.
    #[arg(long)]
    pub no_ignore: bool,

    /// Say only what is wrong, and when the command fails.
    #[arg(short, long)]
    pub quiet: bool,

    /// Files and directories to watch.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// The command and its arguments, after --.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().map_err(|_| "not a number of milliseconds")?;
    Ok(Duration::from_millis(number))
}

/// What stands behind the options in the help.
pub const RUN_AFTER: &str = "\
Exit status:
  0  interrupted (SIGINT, SIGTERM); the command has been ended, too
  1  an error; the command cannot be started

Changes by the command itself, and by all that it started, do not count: their processes have watchq above \
them, also after their parents have ended. It takes CAP_SYS_ADMIN to be told of processes at all, and of a process \
that is gone when its change is read, nobody knows whose it was. Such a change during a run counts, because a \
missed one is worse than a run too many: a build ends, as there is nothing left to be built. After three runs \
that had no other cause, pauses of 1 to 64 seconds come before the next, and a warning names the file.

Lost events make a run, and a warning. The command reads nothing (stdin is /dev/null), and is a process group \
of its own.

Examples:
  watchq run -r src -- make
  watchq run --restart --include '*.py' . -- python3 server.py
  watchq run --postpone /etc/app.conf -- systemctl reload app";
