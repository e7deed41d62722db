// SPDX-License-Identifier: GPL-2.0

//! `watchq monitor`: sets the watches, prints what comes, and ends as asked.

use std::io::{BufWriter, Write};
use std::time::Instant;

use signal_hook::consts::SIGPIPE;
use watch_queue::{abi, Control, Events, Kind, Queue, Reason, Record, Ring};

use crate::args::Monitor;
use crate::chooser::Chooser;
use crate::event::{FileEvent, Item, Lost};
use crate::failure::Failure;
use crate::follow::Follower;
use crate::mounts::Mounts;
use crate::output::Output;
use crate::say;
use crate::signals::Interrupt;
use crate::sink::Sink;
use crate::source::SourceEvent;
use crate::wait::{wait, Woken};
use crate::watched::List;
use crate::Outcome;

/// Everything that the loop needs.
struct Session<'a, W: Write> {
    options: &'a Monitor,
    output: Output<'a>,
    /// Flushed before every sleep, so that lines come out as the events happen, but with one
    /// system call for many.
    out: BufWriter<W>,
    list: List,
    /// Which names are told.
    chooser: Chooser,
    follower: Option<Follower>,
    /// How many watches have not ended.
    live: usize,
    mounts: Mounts,
    /// The process whose events are left out: ours.
    own: Option<u32>,
}

/// Runs the command.
pub fn run(options: &Monitor) -> Result<Outcome, Failure> {
    let output = Output::new(options)?;
    let chooser = Chooser::new(&options.choice)?;
    let mut interrupt = Interrupt::catch()?;
    if options.output.is_some() {
        interrupt = interrupt.with_hangup()?;
    }
    let sink = Sink::open(options.output.as_deref())?;
    let watching = &options.watching;
    let (control, mut ring) = Queue::builder()
        .pages(watching.pages)
        .open()
        .map_err(|error| Failure::opening(&error, watching.pages))?;
    let mut list = List::of_sources(&control, &options.sources)?;
    let mut follower = None;
    if options.follow {
        follower = Some(Follower::set(
            &control,
            &mut list,
            watching,
            &options.paths,
        )?);
    } else {
        list.set_files(&control, watching, &options.paths)?;
    }
    let live = list.len();
    if !options.quiet {
        say::info(&"Watches established.");
    }
    let mounts = list.mounts_of.map(Mounts::of).unwrap_or_default();
    let mut session = Session {
        options,
        output,
        out: BufWriter::new(sink),
        list,
        chooser,
        follower,
        live,
        mounts,
        own: (!options.own).then(std::process::id),
    };
    let outcome = session.watch(&control, &mut ring, &interrupt);
    // Also after an error: what was read is not to be lost.
    let flushed = session.out.flush();
    let outcome = outcome?;
    flushed?;
    Ok(outcome)
}

impl Session<'_, Sink> {
    fn watch(
        &mut self,
        control: &Control,
        ring: &mut Ring,
        interrupt: &Interrupt,
    ) -> Result<Outcome, Failure> {
        let timeout = self.options.timeout.filter(|timeout| !timeout.is_zero());
        let mut last = Instant::now();
        loop {
            let mut ended = Vec::new();
            while let Some(record) = ring.next()? {
                let told = self.print(record)?;
                if let Told::End(cookie) = told {
                    ended.push(cookie);
                }
                if told == Told::Event {
                    last = Instant::now();
                    if self.options.once {
                        return Ok(Outcome::Done);
                    }
                }
                if interrupt.has_come().is_some() {
                    break;
                }
            }
            if self.follow(control, &ended)? {
                last = Instant::now();
                if self.options.once {
                    return Ok(Outcome::Done);
                }
            }
            if interrupt.take_hangup() {
                self.out.flush()?;
                if let Err(failure) = self.out.get_mut().reopen() {
                    say::warn(&failure.advise("the file of before is written on"));
                }
            }
            if let Some(signal) = interrupt.has_come() {
                return self.finish(control, ring, signal);
            }
            if self.live == 0 && self.follower.is_none() {
                return Err(Failure::new(
                    "nothing is left to watch: every watch has ended",
                ));
            }
            self.out.flush()?;
            let left = timeout.map(|timeout| timeout.saturating_sub(last.elapsed()));
            let output = self.out.get_ref().pipe();
            let mut rings = vec![&*ring];
            rings.extend(self.follower.as_ref().map(Follower::ring));
            match wait(&rings, interrupt, output, left)? {
                Woken::Ready => {}
                Woken::TimeOut => return Ok(Outcome::TimedOut),
                Woken::ReaderGone if self.options.once => return Ok(Outcome::Signalled(SIGPIPE)),
                Woken::ReaderGone => return Ok(Outcome::Done),
            }
        }
    }

    /// Looks whether paths lead elsewhere now, because of what happened on their ways, or since watches
    /// have ended; says whether something was printed.
    fn follow(&mut self, control: &Control, ended: &[u64]) -> Result<bool, Failure> {
        let Some(follower) = &mut self.follower else {
            return Ok(false);
        };
        let watching = &self.options.watching;
        let mut changes = follower.changes(control, &mut self.list, watching)?;
        for cookie in ended {
            changes.extend(follower.ended(control, &mut self.list, watching, *cookie)?);
        }
        for change in &changes {
            self.print_change(change.cookie, change.event)?;
        }
        Ok(!changes.is_empty())
    }
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// It was nothing to print, or a watch that has ended.
    Nothing,
    /// An event, be it a lost one.
    Event,
    /// The watch on what a followed path led to has ended.
    End(u64),
}

impl<W: Write> Session<'_, W> {
    /// Prints a record.
    fn print(&mut self, record: Record<'_>) -> Result<Told, Failure> {
        let kind = record.kind()?;
        let (item, told) = match kind {
            Kind::Fs(fs) if Some(fs.pid()) == self.own => return Ok(Told::Nothing),
            Kind::Fs(fs) => {
                let Some(watched) = self.list.get(fs.cookie()) else {
                    return Err(stray(fs.cookie()));
                };
                let event = FileEvent::new(&fs, watched);
                if !self.chooser.wants(&event) {
                    return Ok(Told::Nothing);
                }
                (Item::File(event), Told::Event)
            }
            Kind::Loss(loss) => (
                Item::Lost(Lost::new(&loss, self.list.get(loss.cookie))),
                Told::Event,
            ),
            Kind::Removal(removal) if self.follows(removal.cookie) => {
                return Ok(match removal.reason {
                    // By us, since the path leads elsewhere.
                    Reason::Removed => Told::Nothing,
                    _ => Told::End(removal.cookie),
                });
            }
            Kind::Removal(removal) => {
                self.live = self.live.saturating_sub(1);
                match self.list.get(removal.cookie) {
                    Some(watched) => (
                        Item::Ended {
                            watched,
                            reason: removal.reason,
                        },
                        Told::Nothing,
                    ),
                    None => return Err(stray(removal.cookie)),
                }
            }
            _ => {
                let Some(watched) = self.list.get(record.id().into()) else {
                    // Of a source that was not asked for: nothing to print.
                    return Ok(Told::Nothing);
                };
                match SourceEvent::new(&kind, watched, &mut self.mounts) {
                    Some(event) => (Item::Source(event), Told::Event),
                    None => return Ok(Told::Nothing),
                }
            }
        };
        self.output.write(&mut self.out, &item)?;
        Ok(told)
    }

    /// Prints that a path leads elsewhere.
    fn print_change(&mut self, cookie: u64, change: Events) -> Result<(), Failure> {
        if let Some(watched) = self.list.get(cookie) {
            let event = FileEvent::followed(watched, change, watched.is_dir());
            self.output.write(&mut self.out, &Item::File(event))?;
        }
        Ok(())
    }

    fn follows(&self, cookie: u64) -> bool {
        let follower = self.follower.as_ref();
        follower.is_some_and(|follower| follower.has(cookie))
    }
}

impl Session<'_, Sink> {
    /// Ends all watches, prints what had happened until then, and the counters.
    fn finish(
        &mut self,
        control: &Control,
        ring: &mut Ring,
        signal: i32,
    ) -> Result<Outcome, Failure> {
        self.follow(control, &[])?;
        control.remove_all(abi::TYPE_META)?;
        while let Some(record) = ring.next()? {
            // The ends of the watches are of our own making now.
            let ended = matches!(record.kind()?, Kind::Removal(_));
            if !ended && self.print(record)? == Told::Event && self.options.once {
                return Ok(Outcome::Done);
            }
        }
        self.out.flush()?;
        if !self.options.quiet {
            let info = control.info()?;
            say::info(&format!(
                "posted {}, filtered {}, delivered {}, lost {}",
                info.posted(),
                info.filtered(),
                info.delivered(),
                info.lost()
            ));
        }
        Ok(match self.options.once {
            true => Outcome::Signalled(signal),
            false => Outcome::Done,
        })
    }
}

/// A cookie that none of our watches has.
fn stray(cookie: u64) -> Failure {
    Failure::new(format!(
        "the kernel reported an event of an unknown watch (cookie {cookie})"
    ))
    .advise("this is a bug of the kernel module or of watchq")
}

#[cfg(test)]
mod tests;
