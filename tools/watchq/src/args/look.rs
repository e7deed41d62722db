// SPDX-License-Identifier: GPL-2.0

//! The options of the commands that look at what there is: `watchq info` and `watchq list`.

#[derive(Debug, clap::Args)]
pub struct Info {
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct List {
    /// Print each queue's watches, too.
    #[arg(short, long)]
    pub watches: bool,

    /// Print one JSON object per line, with the watches.
    #[arg(long, conflicts_with = "watches")]
    pub json: bool,

    /// Do not say how many processes could not be looked at.
    #[arg(short, long)]
    pub quiet: bool,
}

/// What stands behind the options in the help.
pub const INFO_AFTER: &str = "\
Examples:
  watchq info
  watchq info --json";

/// The same.
pub const LIST_AFTER: &str = "\
Examples:
  watchq list
  watchq list --watches
  watchq list --json";
