// SPDX-License-Identifier: GPL-2.0

//! The options of `watchq guard`.

use std::path::PathBuf;
use std::time::Duration;

use super::seconds;

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

/// What stands behind the options in the help.
pub const GUARD_AFTER: &str = "\
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
