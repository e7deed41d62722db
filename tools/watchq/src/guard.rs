// SPDX-License-Identifier: GPL-2.0

//! `watchq guard`: answers the kernel's questions by a rule file, until interrupted.
//!
//! It never looks into the files and never waits for anything but the queue, so an answer takes no
//! longer than it takes to be scheduled; but for files that the kernel cannot place
//! ([`crate::placeless`]). What nobody answers is denied, unless it was told otherwise.

mod check;
mod log;

use std::io::{self, BufWriter, Stdout, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{fstat, open, FileType, Mode, OFlags};
use rustix::io::Errno;
use watch_queue::{
    abi, Answer, Control, Events, Kind, Question, Questions, Queue, Ring, Scope, Watch, WatchFlags,
};

use crate::args::Guard;
use crate::escape::escaped;
use crate::failure::{said, Failure};
use crate::limits;
use crate::placeless;
use crate::rate::Rate;
use crate::rules::Rules;
use crate::say;
use crate::signals::Interrupt;
use crate::wait::wait;
use crate::Outcome;

/// Runs the command.
pub fn run(options: &Guard) -> Result<Outcome, Failure> {
    let file = match (&options.check, &options.rules) {
        (Some(file), _) => return check::run(file, &options.paths),
        (None, Some(file)) => file,
        (None, None) => return Err(Failure::new("there is no rule file").advise("see --rules")),
    };
    let rules = Rules::read(file)?;
    let interrupt = Interrupt::catch()?.with_hangup()?;
    let (control, mut ring) = Queue::builder()
        .pages(options.pages)
        .open()
        .map_err(|error| Failure::opening(&error, options.pages))?;
    if control.info()?.features() & abi::FEATURE_PERMISSION == 0 {
        return Err(
            Failure::new("this kernel does not let modules ask for permission")
                .advise("it needs patch 0001 of this project; see Documentation/permission.rst"),
        );
    }
    let unanswered = match options.allow {
        true => Answer::Allow,
        false => Answer::Deny(0),
    };
    control
        .set_permission(options.deadline, unanswered)
        .map_err(|error| {
            Failure::new(format!("this deadline cannot be: {}", said(&error))).advise(format!(
                "the most is the module's parameter {}",
                limits::named("max_permission_ms")
            ))
        })?;
    let mut session = Session {
        options,
        file,
        counts: Counts::of(&rules),
        rules,
        guarded: absolute(&options.paths)?,
        rate: Rate::default(),
        out: BufWriter::new(io::stdout()),
        mute: false,
    };
    session.set_watches(&control, session.rules.questions(), WatchFlags::empty())?;
    session.warn();
    if !options.quiet {
        say::info(&"Guarding.");
    }
    session.answer(&control, &mut ring, &interrupt)?;
    if !options.quiet {
        session.counts.print(&session.rules);
        let info = control.info()?;
        let info = info.as_abi();
        say::info(&format!(
            "asked {}, allowed {}, denied {}, timed out {}, by policy {}, killed {}",
            info.asked, info.allowed, info.denied, info.timed_out, info.by_policy, info.killed
        ));
    }
    Ok(Outcome::Done)
}

struct Session<'a> {
    options: &'a Guard,
    file: &'a Path,
    rules: Rules,
    counts: Counts,
    /// The absolute paths; the cookie of a watch is the place of its path, counted from 1.
    guarded: Vec<PathBuf>,
    /// Of the lines about what was decided.
    rate: Rate,
    /// Flushed before every sleep.
    out: BufWriter<Stdout>,
    /// Nobody reads the output any more. That is no reason to stop guarding.
    mute: bool,
}

/// How many answers each rule gave, and how many none.
struct Counts {
    rules: Vec<u64>,
    others: u64,
}

impl Counts {
    fn of(rules: &Rules) -> Self {
        Counts {
            rules: vec![0; rules.all().len()],
            others: 0,
        }
    }

    fn add(&mut self, rule: Option<usize>) {
        match rule.and_then(|index| self.rules.get_mut(index)) {
            Some(count) => *count += 1,
            None => self.others += 1,
        }
    }

    fn print(&self, rules: &Rules) {
        for (count, rule) in self.rules.iter().zip(rules.all()) {
            let text = check::escaped_text(&rule.text);
            say::info(&format!("{count:8} by line {}: {text}", rule.line));
        }
        say::info(&format!("{:8} by no rule", self.others));
    }
}

/// How long a file that has no place is looked for, at most.
const LOOK: Duration = Duration::from_secs(1);

impl Session<'_> {
    fn answer(
        &mut self,
        control: &Control,
        ring: &mut Ring,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        let mut ended = false;
        loop {
            while let Some(record) = ring.next()? {
                match record.kind()? {
                    Kind::Question(question) => self.one(control, &question)?,
                    Kind::Unanswered(late) if !self.options.quiet => {
                        self.print(|out, json| log::unanswered(out, json, &late));
                    }
                    Kind::Loss(loss) if !self.options.quiet => {
                        self.print(|out, json| log::loss(out, json, loss.count));
                    }
                    // Asked, not counted: new rules may have set a watch on what has replaced a file.
                    Kind::Removal(_) => ended = control.info()?.watches() == 0,
                    _ => {}
                }
            }
            if interrupt.take_hangup() {
                self.read_again(control);
            }
            if interrupt.has_come().is_some() {
                self.print(|out, _| out.flush());
                return Ok(());
            }
            if ended {
                return Err(Failure::new(
                    "nothing is left to guard: every watch has ended",
                ));
            }
            match self.rate.take_held_back() {
                0 => {}
                count => self.print(|out, json| log::held_back(out, json, count)),
            }
            self.print(|out, _| out.flush());
            wait(&[ring], interrupt, None, None)?;
        }
    }

    fn one(&mut self, control: &Control, question: &Question<'_>) -> Result<(), Failure> {
        let event = question.event();
        let index = usize::try_from(event.cookie()).unwrap_or(0);
        let Some(base) = index.checked_sub(1).and_then(|i| self.guarded.get(i)) else {
            return Ok(());
        };
        let Some(request) = question.request() else {
            return Ok(());
        };
        let what = question.what();
        let known = !event.is_truncated() && !event.has_no_place();
        let path = match event.path() {
            Some(below) if known => base.join(below),
            _ => base.clone(),
        };
        let bytes = known.then(|| path.as_os_str().as_bytes());
        let answer = match event.has_no_place() {
            true => self.decide_by_inode(what, base, event.inode()),
            false => self.rules.decide(what, bytes),
        };
        let rule = bytes.and_then(|bytes| self.rules.first(what, bytes));
        let (place, rule) = rule.map_or((None, None), |(place, rule)| (Some(place), Some(rule)));
        match control.respond(request, answer) {
            Ok(()) => {}
            // Too late, or the task was killed.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(Failure::new(format!("cannot answer: {}", said(&error)))),
        }
        self.counts.add(place);
        if answer == Answer::Allow && !self.options.verbose || self.mute {
            return Ok(());
        }
        let entry = log::Entry {
            what,
            path: &path,
            known,
            pid: event.pid(),
            answer,
            rule,
        };
        if !self.rate.allows(Instant::now()) {
            return Ok(());
        }
        let written = log::answer(&mut self.out, self.options.json, &entry);
        self.written(written);
        Ok(())
    }

    fn print(&mut self, write: impl FnOnce(&mut BufWriter<Stdout>, bool) -> io::Result<()>) {
        if !self.mute {
            let written = write(&mut self.out, self.options.json);
            self.written(written);
        }
    }

    /// An output that cannot be written is given up, with a word about it.
    fn written(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.mute = true;
            say::warn(&format!(
                "the output cannot be written: {}; guarding goes on without it",
                said(&error)
            ));
        }
    }

    /// Reads the rules again. If that cannot be done, those of before stay.
    fn read_again(&mut self, control: &Control) {
        let questions = self.rules.questions();
        let read = Rules::read(self.file).and_then(|rules| {
            // What the old rules ask and what the new ones do: at no time is something not asked that a
            // rule in force is about, not even if one of the watches cannot be changed.
            let both = questions | rules.questions();
            if both != questions {
                self.set_watches(control, both, WatchFlags::UPDATE)?;
            }
            Ok(rules)
        });
        match read {
            Ok(rules) => {
                if !self.options.quiet {
                    self.counts.print(&self.rules);
                    say::info(&"The rules were read again.");
                }
                self.counts = Counts::of(&rules);
                self.rules = rules;
                self.warn();
            }
            Err(failure) => say::error(&failure.advise("the rules of before stay in force")),
        }
    }

    /// Says which rules are about nothing that is guarded.
    fn warn(&self) {
        for rule in self.rules.idle(&self.guarded) {
            say::warn(&format!(
                "{}:{}: nothing that is guarded has such a path",
                escaped(self.file),
                rule.line
            ));
        }
    }

    /// Watches every path, or changes its watch: a directory with all that is below it.
    fn set_watches(
        &self,
        control: &Control,
        questions: Questions,
        change: WatchFlags,
    ) -> Result<(), Failure> {
        for (path, cookie) in self.guarded.iter().zip(1..) {
            let failed = |error: &io::Error| refused(error, path);
            let fd = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
            let fd: OwnedFd = fd.map_err(|error| failed(&error.into()))?;
            let stat = fstat(&fd).map_err(|error| failed(&error.into()))?;
            let (scope, flags) = match FileType::from_raw_mode(stat.st_mode).is_dir() {
                true => (Scope::Subtree, WatchFlags::PATH),
                false => (Scope::Object, WatchFlags::empty()),
            };
            let watch = Watch::fd(fd.as_fd())
                .scope(scope)
                .flags(flags | change)
                .events(Events::empty())
                .ask(questions)
                .cookie(cookie);
            control.add(&watch).map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// The answer about a file of which the kernel does not know where it is: that of the first of its names
    /// below `base` that is denied. What is not there is nobody's business here.
    fn decide_by_inode(&self, what: Questions, base: &Path, inode: u64) -> Answer {
        let until = Instant::now() + LOOK.min(self.options.deadline / 4);
        let search = placeless::find(base, inode, until);
        let denied = search
            .paths
            .iter()
            .map(|path| self.rules.decide(what, Some(path.as_os_str().as_bytes())))
            .find(|answer| *answer != Answer::Allow);
        match (denied, search.complete) {
            (Some(answer), _) => answer,
            (None, true) => Answer::Allow,
            (None, false) => self.rules.decide(what, None),
        }
    }
}

/// What the kernel's paths begin with.
fn absolute(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let canonical = |path: &PathBuf| path.canonicalize().map_err(|error| refused(&error, path));
    paths.iter().map(canonical).collect()
}

fn refused(error: &io::Error, path: &Path) -> Failure {
    match Errno::from_io_error(error) {
        Some(Errno::PERM) => Failure::new(format!("{}: you may not guard it", escaped(path)))
            .advise("that takes CAP_SYS_ADMIN in the initial user namespace: be root"),
        Some(Errno::INVAL) => Failure::new(format!(
            "{}: its file system cannot be guarded",
            escaped(path)
        )),
        _ => Failure::watching(error, path),
    }
}
