// SPDX-License-Identifier: GPL-2.0

//! The options of `watchq stat`.

use std::path::PathBuf;
use std::time::Duration;

use super::{seconds, Choice, Watching};

#[derive(Debug, clap::Args)]
pub struct Stat {
    #[command(flatten)]
    pub watching: Watching,

    #[command(flatten)]
    pub choice: Choice,

    /// End after this many seconds; without it or with 0, when interrupted.
    #[arg(short, long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,

    /// Count by directory, not by file.
    #[arg(short, long)]
    pub directories: bool,

    /// Print so many paths only, those with the most events; 0 prints all.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 0)]
    pub top: usize,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,

    /// Count also what watchq itself does.
    #[arg(long)]
    pub own: bool,

    /// Do not print the banner.
    #[arg(short, long)]
    pub quiet: bool,

    /// Files and directories to watch.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// What stands behind the options in the help.
pub const STAT_AFTER: &str = "\
Paths with the most events come first. Names are printed as by watchq monitor. Of more than 65536 different \
paths, the further ones are counted together, as \"(others)\"; in JSON as \"others\". Lost events are told on \
stderr, and as \"lost\" in JSON.

Exit status:
  0  the time is over, or interrupted (SIGINT, SIGTERM)
  1  an error

Examples:
  watchq stat -t 60 -r /srv
  watchq stat -e open,access -t 10 -n 20 /usr/lib
  watchq stat --directories --json -t 10 -r /var";
