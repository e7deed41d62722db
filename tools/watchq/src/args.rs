// SPDX-License-Identifier: GPL-2.0

//! The command line. The manual page and the shell completions are made from what stands here.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use watch_queue::Events;

use crate::names;
use crate::template::Template;

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

    /// Allow or deny that files are opened, executed or read, by a rule file, until interrupted.
    ///
    /// A directory is guarded with everything below it on its file system. Each task that wants to
    /// do something waits for the answer, at most until the deadline. When watchq ends, however that
    /// comes about, nothing is guarded any more; those that wait at that moment are denied, or go on
    /// with --allow. What was denied is printed, at most 50 lines in a second.
    #[command(after_long_help = GUARD_AFTER)]
    Guard(Guard),

    /// Print what the loaded kernel module offers.
    Info,

    /// Print the manual page or shell completions.
    #[command(hide = true)]
    Generate {
        /// What to print.
        what: Generated,
    },
}

#[derive(Debug, clap::Args)]
pub struct Monitor {
    /// Events to print, as in inotifywait, separated by commas [default: mutations].
    ///
    /// access, modify, attrib, close_write, close_nowrite, close (both), open, open_exec,
    /// moved_from, moved_to, move (both), create, delete, delete_self, move_self; mutations: all
    /// that change something; all. May be given several times.
    #[arg(short, long = "event", value_name = "EVENTS", value_parser = names::parse_list)]
    pub events: Vec<Events>,

    /// Watch directories with everything below them, whatever is created or moved there later.
    ///
    /// Short for --scope subtree.
    #[arg(short, long, conflicts_with = "scope")]
    pub recursive: bool,

    /// How far watches reach.
    ///
    /// All but children need CAP_SYS_ADMIN over the file system. With mount and sb, give the path of
    /// the mount point, so that the printed paths are right; mount knows the events access, modify,
    /// close, open and open_exec only.
    #[arg(long, value_enum, default_value_t = Reach::Children)]
    pub scope: Reach,

    /// Print one JSON object per line.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,

    /// Print names as they are, whatever bytes they have.
    ///
    /// Without this, characters that would break a line or drive the terminal are escaped, spaces and
    /// backslashes, too, as ls -b does. JSON has its own way, and a --format with %0 is raw, too.
    #[arg(long, conflicts_with = "json")]
    pub raw: bool,

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
    /// ends with %0. Losses and ends of watches are told on stderr.
    #[arg(long, value_name = "FORMAT", value_parser = str::parse::<Template>)]
    pub format: Option<Template>,

    /// Format of times for %T, as in strftime(3); adds the time to JSON.
    #[arg(long, value_name = "FORMAT", value_parser = time_format)]
    pub timefmt: Option<String>,

    /// Size of the ring in pages, a power of two: how much can wait before events are lost.
    #[arg(long, value_name = "PAGES", default_value_t = 16)]
    pub pages: usize,

    /// Watch the mounts of this mount namespace, or of NS, which is a /proc/PID/ns/mnt.
    #[arg(long, value_name = "NS", num_args = 0..=1, require_equals = true)]
    pub mount: Option<Option<PathBuf>>,

    /// Watch the file system that PATH is on: errors, remounts, quotas. May be given several times.
    #[arg(long, value_name = "PATH")]
    pub sb: Vec<PathBuf>,

    /// Watch a key or keyring: its serial number, or one of @t, @p, @s, @u, @us, @g as in keyctl.
    /// May be given several times.
    #[arg(long, value_name = "KEY", value_parser = key, allow_negative_numbers = true)]
    pub key: Vec<i32>,

    /// Watch for errors of all block devices, or of DEVICE.
    #[arg(long, value_name = "DEVICE", num_args = 0..=1, require_equals = true)]
    pub block: Option<Option<PathBuf>>,

    /// Watch USB devices and buses.
    #[arg(long)]
    pub usb: bool,

    /// Files and directories to watch.
    #[arg(required_unless_present_any = ["mount", "sb", "key", "block", "usb"], value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct Guard {
    /// The rule file; see below.
    #[arg(short, long, value_name = "FILE", required_unless_present = "check")]
    pub rules: Option<PathBuf>,

    /// Guard nothing, but say what is wrong with the rule file FILE, and by which rule each PATH is decided.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rules", "json"])]
    pub check: Option<PathBuf>,

    /// Print one JSON object per line.
    #[arg(long)]
    pub json: bool,

    /// How many seconds an answer may take before the kernel decides itself.
    #[arg(short, long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub deadline: Duration,

    /// What is not answered by the deadline, allow instead of denying it (EPERM).
    #[arg(long)]
    pub allow: bool,

    /// Print also what was allowed.
    #[arg(short, long)]
    pub verbose: bool,

    /// Print neither the banner, nor what was decided without watchq, nor the counters at the end.
    #[arg(short, long)]
    pub quiet: bool,

    /// Size of the ring in pages, a power of two: how many questions can wait.
    #[arg(long, value_name = "PAGES", default_value_t = 16)]
    pub pages: usize,

    /// Files and directories to guard.
    #[arg(required_unless_present = "check", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
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

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Generated {
    Man,
    Bash,
    Fish,
    Zsh,
}

impl Monitor {
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

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(number).map_err(|_| "not a possible number of seconds".into())
}

fn key(text: &str) -> Result<i32, String> {
    match text {
        "@t" => Ok(-1),
        "@p" => Ok(-2),
        "@s" => Ok(-3),
        "@u" => Ok(-4),
        "@us" => Ok(-5),
        "@g" => Ok(-6),
        number => number
            .parse()
            .map_err(|_| "not a key's serial number, nor @s or the like".into()),
    }
}

fn time_format(text: &str) -> Result<String, String> {
    jiff::fmt::strtime::format(text, &jiff::Zoned::now()).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

const AFTER: &str = "\
Exit status: 0 when ended as asked, 1 after an error, 2 when a time-out has passed; 128 and its number \
when a signal ended it, which is 130 and 143 for SIGINT and SIGTERM before what --once waits for. Signals \
that were ignored when watchq was started stay ignored.";

const MONITOR_AFTER: &str = "\
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
  watchq monitor --mount --sb / --key @s --block --usb /etc
  watchq monitor -r /srv
  watchq monitor -e create,delete --json /var/spool/incoming
  watchq monitor -1 -t 10 -e close_write upload.tmp && process upload.tmp";

const GUARD_AFTER: &str = "\
The rule file has one rule per line: ACTION WHAT PATTERN [ERROR]. The first rule that matches \
decides; what none matches is allowed.
  ACTION   allow or deny
  WHAT     open, exec, read, a list of them with commas, or any
  PATTERN  an absolute path: ? is one byte but a slash, * any number of those, [a-z] one of these and \
[!a-z] one of the others, {key,pem} either; ** alone between slashes is any number of directories, also \
none, and **.key is short for **/*.key; \\ takes away what the next character means; in double quotes if it \
has spaces
  ERROR    after deny: EPERM (if none is given), EIO, EAGAIN, EACCES, EBUSY, ETXTBSY, ENOSPC or \
EDQUOT
Empty lines are skipped, and so is what follows a #. A rule that is not understood, or that could never \
match, is refused with the number of its line. SIGHUP reads the file again; if something is wrong with it, the \
rules of before stay. At the end, and before new rules, stderr gets the number of answers by each rule.

Opening something to execute it is asked about \
twice, as exec and as open. A path is that of PATH when watchq was started, and what leads from there \
to the file, by the name by which it is opened: rules about names do not hold for other hard links. \
What is more than 455 bytes below PATH is denied, whatever the rules say, because the kernel does not \
tell its path. A file that is opened by its handle, as NFS servers do, and of which the kernel does not \
know where it is, is looked for by its inode number below PATH: what is not there is allowed, and what \
takes more than a second to look for is denied. What watchq itself opens is not asked about. It takes CAP_SYS_ADMIN in the initial user \
namespace.

Exit status:
  0  interrupted (SIGINT, SIGTERM)
  1  an error, or every watch has ended because its object is gone
  141 and others  ended by another signal
Signals that are ignored when watchq is started stay ignored.

With --json, stdout has an object for each line: \"event\" is denied, allowed, unanswered (the kernel \
decided, for the reason in \"cause\") or loss; \"rule\" is the number of the rule's line. Otherwise paths and \
names of programs are printed as ls -b prints them. Guarding goes on when nobody reads the output.

Example, with the rules
  allow open       /srv/public/**
  deny  open,exec  /srv/**/*.key   EACCES
in guard.rules:
  watchq guard --check guard.rules /srv/top.key
  watchq guard --rules guard.rules --deadline 2 /srv";
