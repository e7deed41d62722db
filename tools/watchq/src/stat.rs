// SPDX-License-Identifier: GPL-2.0

//! `watchq stat`: counts events by path and kind for a while, and prints the busiest paths first.

mod table;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Instant;

use watch_queue::{abi, Kind, Queue, Record};

use crate::args::Stat;
use crate::chooser::Chooser;
use crate::event::FileEvent;
use crate::failure::Failure;
use crate::say;
use crate::signals::Interrupt;
use crate::wait::{wait, Woken};
use crate::watched::List;
use crate::Outcome;
use table::Table;

/// What the loop needs.
struct Counter<'a> {
    options: &'a Stat,
    list: List,
    chooser: Chooser,
    table: Table,
    live: usize,
}

/// Runs the command.
pub fn run(options: &Stat) -> Result<Outcome, Failure> {
    let chooser = Chooser::new(&options.choice)?;
    let interrupt = Interrupt::catch()?;
    let pages = options.watching.pages;
    let (control, mut ring) = Queue::builder()
        .pages(pages)
        .open()
        .map_err(|error| Failure::opening(&error, pages))?;
    let mut list = List::default();
    list.set_files(&control, &options.watching, &options.paths)?;
    if !options.quiet {
        say::info(&"Watches established.");
    }
    let start = Instant::now();
    let mut counter = Counter {
        options,
        live: list.len(),
        list,
        chooser,
        table: Table::default(),
    };
    let time = options.timeout.filter(|time| !time.is_zero());
    loop {
        while let Some(record) = ring.next()? {
            counter.count(record)?;
        }
        let left = time.map(|time| time.saturating_sub(start.elapsed()));
        let over = left.is_some_and(|left| left.is_zero());
        if over || counter.live == 0 || interrupt.has_come().is_some() {
            break;
        }
        if let Woken::TimeOut = wait(&[&ring], &interrupt, None, left)? {
            break;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    // What had happened until now still counts.
    control.remove_all(abi::TYPE_META)?;
    while let Some(record) = ring.next()? {
        counter.count(record)?;
    }
    let table = &counter.table;
    let mut out = BufWriter::new(io::stdout().lock());
    match options.json {
        true => table.write_json(&mut out, options.top, seconds)?,
        false => table.write(&mut out, options.top)?,
    }
    out.flush()?;
    if table.lost != 0 {
        say::warn(&format!(
            "{} events were lost, and are not counted\n  -> give a larger ring with --pages",
            table.lost
        ));
    }
    Ok(Outcome::Done)
}

impl Counter<'_> {
    fn count(&mut self, record: Record<'_>) -> Result<(), Failure> {
        match record.kind()? {
            Kind::Fs(fs) => {
                let own = fs.pid() == std::process::id() && !self.options.own;
                let Some(watched) = self.list.get(fs.cookie()).filter(|_| !own) else {
                    return Ok(());
                };
                let event = FileEvent::new(&fs, watched);
                if self.chooser.wants(&event) {
                    let mut path = event.path().into_owned();
                    if !self.options.directories {
                        path.push(event.name.unwrap_or_default());
                    }
                    self.table.add(PathBuf::from(path), event.event);
                }
            }
            Kind::Loss(loss) => self.table.lost = self.table.lost.saturating_add(loss.count),
            Kind::Removal(_) => self.live = self.live.saturating_sub(1),
            _ => {}
        }
        Ok(())
    }
}
