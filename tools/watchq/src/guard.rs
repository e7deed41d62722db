// SPDX-License-Identifier: GPL-2.0

//! `watchq guard`: answers the kernel's questions by a rule file, until interrupted.
//!
//! It never looks into the files and never waits for anything but the queue, so an answer takes no
//! longer than it takes to be scheduled; but for files that the kernel cannot place
//! ([`crate::placeless`]). What nobody answers is denied, unless it was told otherwise.

use std::io::{self, Write};
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
use crate::failure::Failure;
use crate::placeless;
use crate::rate::Rate;
use crate::rules::Rules;
use crate::signals::Interrupt;
use crate::wait::wait;
use crate::Outcome;

/// Runs the command.
pub fn run(options: &Guard) -> Result<Outcome, Failure> {
    let rules = Rules::read(&options.rules)?;
    if rules.questions().is_empty() {
        return Err(Failure::new(format!(
            "{}: has no rule, so there is nothing to ask about",
            escaped(&options.rules)
        )));
    }
    let interrupt = Interrupt::catch()?;
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
            Failure::new(format!("this deadline cannot be: {error}"))
                .advise("the most is the module's parameter max_permission_ms")
        })?;
    let guarded = set_watches(&control, &options.paths, rules.questions())?;
    if !options.quiet {
        eprintln!("Guarding.");
    }
    let mut session = Session {
        options,
        rules,
        guarded,
        rate: Rate::default(),
    };
    session.answer(&control, &mut ring, &interrupt)?;
    if !options.quiet {
        let info = control.info()?;
        let info = info.as_abi();
        eprintln!(
            "asked {}, allowed {}, denied {}, timed out {}, by policy {}, killed {}",
            info.asked, info.allowed, info.denied, info.timed_out, info.by_policy, info.killed
        );
    }
    Ok(Outcome::Done)
}

struct Session<'a> {
    options: &'a Guard,
    rules: Rules,
    /// The absolute paths; the cookie of a watch is the place of its path, counted from 1.
    guarded: Vec<PathBuf>,
    /// Of the lines about what was decided.
    rate: Rate,
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
        let mut live = self.guarded.len();
        loop {
            while let Some(record) = ring.next()? {
                match record.kind()? {
                    Kind::Question(question) => self.one(control, &question)?,
                    Kind::Unanswered(late) if !self.options.quiet => {
                        eprintln!("{} decided without us: {:?}", late.count, late.cause);
                    }
                    Kind::Loss(loss) if !self.options.quiet => {
                        eprintln!("{} questions found no room", loss.count);
                    }
                    Kind::Removal(_) => live -= 1,
                    _ => {}
                }
            }
            if interrupt.has_come().is_some() {
                return Ok(());
            }
            if live == 0 {
                return Err(Failure::new(
                    "nothing is left to guard: every watch has ended",
                ));
            }
            match self.rate.take_held_back() {
                0 => {}
                count => println!("and {count} more, which are not printed"),
            }
            io::stdout().flush()?;
            wait(ring, interrupt, None, None)?;
        }
    }

    fn one(&mut self, control: &Control, question: &Question<'_>) -> Result<(), Failure> {
        let event = question.event();
        let index = usize::try_from(event.cookie()).unwrap_or(0);
        let Some(base) = index.checked_sub(1).and_then(|i| self.guarded.get(i)) else {
            return Ok(());
        };
        let path = match (event.path(), event.is_truncated()) {
            (None, false) => base.clone(),
            (None, true) => base.join("..."),
            (Some(below), false) => base.join(below),
            (Some(name), true) => base.join("...").join(name),
        };
        let Some(request) = question.request() else {
            return Ok(());
        };
        let answer = match event.has_no_place() {
            true => self.decide_by_inode(question.what(), base, event.inode()),
            false => {
                let known = (!event.is_truncated()).then(|| path.as_os_str().as_bytes());
                self.rules.decide(question.what(), known)
            }
        };
        match control.respond(request, answer) {
            Ok(()) => {}
            // Too late, or the task was killed.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(Failure::new(format!("cannot answer: {error}"))),
        }
        let verb = match answer {
            Answer::Deny(_) => "denied",
            Answer::Allow if self.options.verbose => "allowed",
            Answer::Allow => return Ok(()),
        };
        if !self.rate.allows(Instant::now()) {
            return Ok(());
        }
        let what = name(question.what());
        let (pid, program) = (event.pid(), program(event.pid()));
        println!("{verb} {what} {} by {program} (pid {pid})", escaped(&path));
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

fn name(what: Questions) -> &'static str {
    match what {
        Questions::OPEN => "open",
        Questions::OPEN_EXEC => "exec",
        Questions::ACCESS => "read",
        _ => "access",
    }
}

/// The name of a process, as far as it is still there.
fn program(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    match name.trim() {
        "" => "?".into(),
        name => name.into(),
    }
}

/// Watches every path: a directory with all that is below it.
fn set_watches(
    control: &Control,
    paths: &[PathBuf],
    questions: Questions,
) -> Result<Vec<PathBuf>, Failure> {
    let mut guarded = Vec::new();
    for path in paths {
        let failed = |error: &io::Error| refused(error, path);
        let absolute = path.canonicalize().map_err(|error| failed(&error))?;
        let fd = open(&absolute, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        let fd: OwnedFd = fd.map_err(|error| failed(&error.into()))?;
        let stat = fstat(&fd).map_err(|error| failed(&error.into()))?;
        let (scope, flags) = match FileType::from_raw_mode(stat.st_mode).is_dir() {
            true => (Scope::Subtree, WatchFlags::PATH),
            false => (Scope::Object, WatchFlags::empty()),
        };
        guarded.push(absolute);
        let watch = Watch::fd(fd.as_fd())
            .scope(scope)
            .flags(flags)
            .events(Events::empty())
            .ask(questions)
            .cookie(guarded.len() as u64);
        control.add(&watch).map_err(|error| failed(&error))?;
    }
    Ok(guarded)
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
