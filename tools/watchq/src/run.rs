// SPDX-License-Identifier: GPL-2.0

//! `watchq run`: runs a command when something has changed, and never misses a change that comes while the
//! command runs: the watches stay, and what they tell is read all the time.

mod child;
mod due;
mod ignored;
mod tree;

use std::os::fd::AsFd;
use std::path::Path;
use std::time::Instant;

use rustix::process::set_child_subreaper;
use watch_queue::{Control, Kind, Queue, Ring};

use crate::args::Run;
use crate::chooser::Chooser;
use crate::escape::escaped;
use crate::event::{FileEvent, Lost};
use crate::failure::Failure;
use crate::follow::Follower;
use crate::output::lost_words;
use crate::say;
use crate::signals::Interrupt;
use crate::wait::wait_more;
use crate::watched::List;
use crate::Outcome;
use child::Child;
use due::Due;
use ignored::Ignored;
use tree::{Origin, Tree};

/// Everything that the loop needs.
struct Runner<'a> {
    options: &'a Run,
    list: List,
    follower: Follower,
    chooser: Chooser,
    /// What .gitignore files exclude.
    ignored: Option<Ignored>,
    tree: Tree,
    /// The changes that no run has seen from its beginning.
    due: Due,
    child: Option<Child>,
}

/// Runs the command.
pub fn run(options: &Run) -> Result<Outcome, Failure> {
    let chooser = Chooser::new(&options.choice)?;
    let interrupt = Interrupt::catch()?;
    // What the command leaves behind stays below us, where its events can be told from others.
    set_child_subreaper(rustix::process::getpid().into())
        .map_err(|error| Failure::from(std::io::Error::from(error)))?;
    let watching = &options.watching;
    let (control, mut ring) = Queue::builder()
        .pages(watching.pages)
        .open()
        .map_err(|error| Failure::opening(&error, watching.pages))?;
    let mut list = List::default();
    let follower = Follower::set(&control, &mut list, watching, &options.paths)?;
    if !options.quiet {
        say::info(&"Watches established.");
    }
    let mut runner = Runner {
        options,
        list,
        follower,
        chooser,
        ignored: (!options.no_ignore).then(Ignored::default),
        tree: Tree::default(),
        due: Due::new(options.debounce, !options.postpone),
        child: None,
    };
    let done = runner.work(&control, &mut ring, &interrupt);
    if let Some(child) = &mut runner.child {
        child.end(&interrupt);
    }
    done.map(|()| Outcome::Done)
}

impl Runner<'_> {
    fn work(
        &mut self,
        control: &Control,
        ring: &mut Ring,
        interrupt: &Interrupt,
    ) -> Result<(), Failure> {
        loop {
            // Before the command is reaped: until then it can be asked whose child it is.
            let ended = self.child.as_ref().is_some_and(Child::has_ended);
            self.read(control, ring)?;
            if interrupt.has_come().is_some() {
                return Ok(());
            }
            if ended {
                self.reap();
            }
            let now = Instant::now();
            if self.due.is_ripe(now) {
                match &mut self.child {
                    None => self.start()?,
                    Some(child) if self.options.restart => child.stop(now),
                    Some(_) => {}
                }
            }
            if let Some(child) = &mut self.child {
                child.kill_if_late(now);
            }
            let deadline = match &self.child {
                None => self.due.ripens(),
                Some(child) if self.options.restart => {
                    child.deadline().or_else(|| self.due.ripens())
                }
                Some(_) => None,
            };
            let left = deadline.map(|deadline| deadline.saturating_duration_since(now));
            let rings = [&*ring, self.follower.ring()];
            let end = self.child.as_ref().map(|child| child.as_fd());
            wait_more(&rings, interrupt, end.as_slice(), None, left)?;
        }
    }

    /// Reads all that has happened.
    fn read(&mut self, control: &Control, ring: &mut Ring) -> Result<(), Failure> {
        let mut ended = Vec::new();
        self.tree.read_on();
        while let Some(record) = ring.next()? {
            match record.kind()? {
                Kind::Fs(fs) => {
                    let Some(watched) = self.list.get(fs.cookie()) else {
                        continue;
                    };
                    let event = FileEvent::new(&fs, watched);
                    // Also of what does not count: the sooner it is asked, the likelier it is there.
                    let origin = self.tree.origin(event.pid, self.child.is_some());
                    let inside = event.inside();
                    let wanted = self.chooser.wants(&event);
                    let ignored = match (&mut self.ignored, inside) {
                        (Some(ignored), Some(inside)) if watched.is_dir() => {
                            ignored.has(&watched.path, &inside, event.is_dir)
                        }
                        _ => false,
                    };
                    if wanted && !ignored {
                        let own = origin == Origin::Own && !self.options.own;
                        // Ours is none at all: what we write is said on stderr.
                        if !own && event.pid != std::process::id() {
                            let mut path = event.path().into_owned();
                            path.push(event.name.unwrap_or_default());
                            self.due
                                .add(origin, || format!("{} changed", escaped(&path)));
                        }
                    }
                }
                Kind::Loss(loss) => {
                    let lost = Lost::new(&loss, self.list.get(loss.cookie));
                    say::warn(&format!("{}; running the command", lost_words(&lost)));
                    self.due
                        .add(Origin::Foreign, || "events were lost".to_owned());
                }
                Kind::Removal(removal) => ended.push(removal.cookie),
                _ => {}
            }
        }
        let watching = &self.options.watching;
        let mut changes = self.follower.changes(control, &mut self.list, watching)?;
        for cookie in ended {
            changes.extend(
                self.follower
                    .ended(control, &mut self.list, watching, cookie)?,
            );
        }
        for change in changes {
            let origin = self.tree.origin(change.pid, self.child.is_some());
            if let Some(watched) = self.list.get(change.cookie) {
                if origin != Origin::Own || self.options.own {
                    let path = escaped(&watched.path);
                    self.due.add(origin, || format!("{path} changed"));
                }
            }
        }
        Ok(())
    }

    fn start(&mut self) -> Result<(), Failure> {
        if let Some(pause) = self.due.pause() {
            if let (true, Some(why)) = (self.due.is_first_pause(), self.due.why()) {
                say::warn(&format!(
                    "{why} in every run, and what did it is gone, so it may be the command: from now on the next \
                     run waits, for 1 s at first\n  -> leave it out with --exclude, or put it into .gitignore"
                ));
            }
            self.due.hold(pause);
            return Ok(());
        }
        if !self.options.quiet {
            let why = self.due.why().unwrap_or("the first run");
            let program = self.options.command.first().map(Path::new);
            let program = program.unwrap_or(Path::new(""));
            say::info(&format!("running {}: {why}", escaped(program)));
        }
        self.due.taken();
        self.tree.clear();
        self.child = Some(Child::start(&self.options.command)?);
        Ok(())
    }

    /// The command has ended, and all that it did is read.
    fn reap(&mut self) {
        let ended = self.child.as_mut().and_then(Child::reap);
        if let Some(status) = ended {
            self.child = None;
            self.tree.clear();
            if !self.options.quiet || !status.is_success() {
                say::info(&status.words());
            }
        }
    }
}
