// SPDX-License-Identifier: GPL-2.0

//! `watchq monitor`: sets the watches, prints what comes, and ends as asked.

use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::time::Instant;

use signal_hook::consts::SIGPIPE;
use watch_queue::{abi, Control, Kind, Queue, Record, Ring};

use crate::args::Monitor;
use crate::event::{FileEvent, Item, Lost};
use crate::failure::Failure;
use crate::mounts::Mounts;
use crate::output::Output;
use crate::signals::Interrupt;
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
    /// How many watches have not ended.
    live: usize,
    mounts: Mounts,
    /// The process whose events are left out: ours.
    own: Option<u32>,
}

/// Runs the command.
pub fn run(options: &Monitor) -> Result<Outcome, Failure> {
    let output = Output::new(options)?;
    let interrupt = Interrupt::catch()?;
    let (control, mut ring) = Queue::builder()
        .pages(options.pages)
        .open()
        .map_err(|error| Failure::opening(&error, options.pages))?;
    let list = List::set(&control, options)?;
    let live = list.len();
    if !options.quiet {
        eprintln!("Watches established.");
    }
    let out = BufWriter::new(io::stdout().lock());
    let mounts = list.mounts_of.map(Mounts::of).unwrap_or_default();
    let mut session = Session {
        options,
        output,
        out,
        list,
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

impl<W: Write> Session<'_, W> {
    fn watch(
        &mut self,
        control: &Control,
        ring: &mut Ring,
        interrupt: &Interrupt,
    ) -> Result<Outcome, Failure> {
        let timeout = self.options.timeout.filter(|timeout| !timeout.is_zero());
        let mut last = Instant::now();
        loop {
            while let Some(record) = ring.next()? {
                if self.print(record)? {
                    last = Instant::now();
                    if self.options.once {
                        return Ok(Outcome::Done);
                    }
                }
                if interrupt.has_come().is_some() {
                    break;
                }
            }
            if let Some(signal) = interrupt.has_come() {
                return self.finish(control, ring, signal);
            }
            if self.live == 0 {
                return Err(Failure::new(
                    "nothing is left to watch: every watch has ended",
                ));
            }
            self.out.flush()?;
            let left = timeout.map(|timeout| timeout.saturating_sub(last.elapsed()));
            let output = io::stdout();
            match wait(ring, interrupt, Some(output.as_fd()), left)? {
                Woken::Ready => {}
                Woken::TimeOut => return Ok(Outcome::TimedOut),
                Woken::ReaderGone if self.options.once => return Ok(Outcome::Signalled(SIGPIPE)),
                Woken::ReaderGone => return Ok(Outcome::Done),
            }
        }
    }

    /// Prints a record; says whether it was an event, be it a lost one.
    fn print(&mut self, record: Record<'_>) -> Result<bool, Failure> {
        let kind = record.kind()?;
        let (item, is_event) = match kind {
            Kind::Fs(fs) if Some(fs.pid()) == self.own => return Ok(false),
            Kind::Fs(fs) => match self.list.get(fs.cookie()) {
                Some(watched) => (Item::File(FileEvent::new(&fs, watched)), true),
                None => return Err(stray(fs.cookie())),
            },
            Kind::Loss(loss) => (
                Item::Lost(Lost::new(&loss, self.list.get(loss.cookie))),
                true,
            ),
            Kind::Removal(removal) => {
                self.live = self.live.saturating_sub(1);
                match self.list.get(removal.cookie) {
                    Some(watched) => (
                        Item::Ended {
                            watched,
                            reason: removal.reason,
                        },
                        false,
                    ),
                    None => return Err(stray(removal.cookie)),
                }
            }
            _ => {
                let Some(watched) = self.list.get(record.id().into()) else {
                    // Of a source that was not asked for: nothing to print.
                    return Ok(false);
                };
                match SourceEvent::new(&kind, watched, &mut self.mounts) {
                    Some(event) => (Item::Source(event), true),
                    None => return Ok(false),
                }
            }
        };
        self.output.write(&mut self.out, &item)?;
        Ok(is_event)
    }

    /// Ends all watches, prints what had happened until then, and the counters.
    fn finish(
        &mut self,
        control: &Control,
        ring: &mut Ring,
        signal: i32,
    ) -> Result<Outcome, Failure> {
        control.remove_all(abi::TYPE_META)?;
        while let Some(record) = ring.next()? {
            // The ends of the watches are of our own making now.
            let ended = matches!(record.kind()?, Kind::Removal(_));
            if !ended && self.print(record)? && self.options.once {
                return Ok(Outcome::Done);
            }
        }
        self.out.flush()?;
        if !self.options.quiet {
            let info = control.info()?;
            eprintln!(
                "posted {}, filtered {}, delivered {}, lost {}",
                info.posted(),
                info.filtered(),
                info.delivered(),
                info.lost()
            );
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
