// SPDX-License-Identifier: GPL-2.0

//! The options of `watchq monitor`.

use std::path::PathBuf;
use std::time::Duration;

use super::{seconds, Choice, Sources, Watching};
use crate::template::Template;

#[derive(Debug, clap::Args)]
pub struct Monitor {
    #[command(flatten)]
    pub watching: Watching,

    #[command(flatten)]
    pub choice: Choice,

    #[command(flatten)]
    pub sources: Sources,

    /// Print one JSON object per line.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// Print names as they are, whatever bytes they have.
    ///
    /// Without this, characters that would break a line or drive the terminal are escaped, spaces and
    /// backslashes, too, as ls -b does. JSON has its own way, and a --format with %0 is raw, too.
    #[arg(long, conflicts_with = "json")]
    pub raw: bool,

    /// End each event with NUL instead of a newline, which no name has; names are raw then.
    #[arg(short = '0', long, conflicts_with = "json")]
    pub null: bool,

    /// Print nothing after each event: what ends it is in the format.
    #[arg(long, requires = "format", conflicts_with = "null")]
    pub no_newline: bool,

    /// Append to FILE instead of printing on stdout. It is opened again after SIGHUP, for programs that
    /// move old logs away.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Watch what the paths lead to now and later: a file that is replaced, a link that is turned to
    /// another, a path that does not exist yet.
    ///
    /// When a path begins to lead to something, or to something else, or to nothing any more, that is an
    /// event: appeared, replaced or gone, whatever --event says. What happened to the new file before that
    /// line is not told, so look at it then.
    #[arg(short = 'F', long)]
    pub follow: bool,

    /// Print also what watchq itself does: otherwise output that is written into a watched directory
    /// would tell of itself without end.
    #[arg(long)]
    pub own: bool,

    /// Do not print the banner, nor the counters at the end.
    #[arg(short, long)]
    pub quiet: bool,

    /// End with status 2 when nothing has happened for this many seconds; 0 waits for ever.
    #[arg(short, long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,

    /// End with status 0 after the first event, and with the signal when one comes first.
    #[arg(short = '1', long)]
    pub once: bool,

    /// Print events in this format.
    ///
    /// %w: watched path, or the directory below it, %f: name in the directory, %e: event, %c: rename cookie as hexadecimal
    /// number, %T: time (needs --timefmt), %0: NUL, %n: newline, %%: percent sign. %Xe is %e with
    /// the character X instead of a comma before isdir. A newline follows each event, unless the format
    /// ends with %0 or there is --no-newline. Losses and ends of watches are told on stderr.
    #[arg(long, value_name = "FORMAT", value_parser = str::parse::<Template>)]
    pub format: Option<Template>,

    /// Format of times for %T, as in strftime(3); adds the time to JSON.
    #[arg(long, value_name = "FORMAT", value_parser = time_format)]
    pub timefmt: Option<String>,

    /// Files and directories to watch.
    #[arg(required_unless_present_any = ["mounts", "mounts_of", "sb", "key", "block", "block_errors", "usb"], value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

fn time_format(text: &str) -> Result<String, String> {
    jiff::fmt::strtime::format(text, &jiff::Zoned::now()).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

/// What stands behind the options in the help.
pub const MONITOR_AFTER: &str = "\
Exit status:
  0  interrupted (SIGINT, SIGTERM), or nobody reads the output; with --once, the first event came
  1  an error, or every watch has ended because its object is gone
  2  nothing happened for the time given with --timeout
  130, 143  with --once: SIGINT, SIGTERM came before an event (it ends of the signal); 141: nobody reads \
the output
  129 and others  ended by another signal; then the counters are not printed
Signals that are ignored when watchq is started stay ignored.

When all watches are set, \"Watches established.\" is printed on stderr. After an interrupt, what \
had already happened is still printed, and the queue's counters follow on stderr.

SIGHUP ends it, too, but with --output has the file opened again.

--include, --exclude and --ignore-file are judged before --once and --timeout, so those wait for a name. Losses are told in any case. A path that is too long to be told is judged by its last name.

Names are printed as ls -b prints them, so no name can make a line of its own, or two words of one: \
\\n is a newline, \\033 a byte in octal digits; and no two names are printed alike. Scripts should use \
--json. There, a name that is not UTF-8 is also given as bytes, in \"name_bytes\". A path that is too \
long to be told (455 bytes below what is watched) is printed as what is watched and \"//.../\", which is \
no path of anything; JSON has \"below\" and \"truncated\" instead of \"path\".

What watchq itself does to the watched files is left out, unless there is --own. Another program that \
writes its output there (watchq monitor . | tee ./log) does cause events.

Events of other things than files are one line each as well: what is watched, the event, and fields as \
NAME=VALUE. --format is for files only. All that is given is watched in one queue, so lines come in the \
order in which things happened.

Examples:
  watchq monitor /etc
  watchq monitor --mounts --sb / --key @s --block-errors --usb /etc
  watchq monitor -r --exclude '*.swp' --exclude .git/ /srv
  watchq monitor --follow /etc/resolv.conf
  watchq monitor -1 -t 10 -e create,moved_to --include app.sock /run
  watchq monitor -e create,delete --json /var/spool/incoming
  watchq monitor -1 -t 10 -e close_write upload.tmp && process upload.tmp";
