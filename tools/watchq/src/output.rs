// SPDX-License-Identifier: GPL-2.0

//! The output of `watchq monitor`: which shape lines have, and the lines that are not events.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use jiff::Zoned;

use crate::args::Monitor;
use crate::event::{reason_words, Item, Lost};
use crate::failure::Failure;
use crate::json;
use crate::source::{SourceEvent, Value};
use crate::template::{self, Template};

/// How items are printed.
#[derive(Debug)]
pub struct Output<'a> {
    shape: Shape<'a>,
    time_format: Option<&'a str>,
}

#[derive(Debug)]
enum Shape<'a> {
    Default,
    Template(&'a Template),
    Json,
}

impl<'a> Output<'a> {
    /// The output that the options ask for.
    pub fn new(options: &'a Monitor) -> Result<Self, Failure> {
        let time_format = options.timefmt.as_deref();
        let shape = match &options.format {
            Some(template) => Shape::Template(template),
            None if options.json => Shape::Json,
            None => Shape::Default,
        };
        if let (Shape::Template(template), None) = (&shape, time_format) {
            if template.has_time() {
                return Err(Failure::new("--format has %T, but there is no --timefmt")
                    .advise("add for example --timefmt %H:%M:%S"));
            }
        }
        Ok(Output { shape, time_format })
    }

    /// Writes the line of an item.
    pub fn write(&self, out: &mut impl Write, item: &Item<'_>) -> io::Result<()> {
        let time = self.time();
        match (&self.shape, item) {
            (Shape::Json, item) => json::write(out, item, &time),
            (Shape::Template(template), Item::File(event)) => template.write(out, event, &time),
            (Shape::Default, Item::File(event)) => template::write_default(out, event, &time),
            (_, Item::Source(event)) => write_source(out, event, &time),
            (_, Item::Lost(lost)) => write_lost(out, lost),
            (_, Item::Ended { watched, reason }) => {
                out.write_all(b"ended ")?;
                out.write_all(watched.path.as_os_str().as_bytes())?;
                writeln!(out, ": {}", reason_words(*reason).0)
            }
        }
    }

    fn time(&self) -> String {
        // The format was tried out when the options were read.
        self.time_format
            .and_then(|format| jiff::fmt::strtime::format(format, &Zoned::now()).ok())
            .unwrap_or_default()
    }
}

fn write_source(out: &mut impl Write, event: &SourceEvent<'_>, time: &str) -> io::Result<()> {
    if !time.is_empty() {
        write!(out, "{time} ")?;
    }
    out.write_all(event.watched.path.as_os_str().as_bytes())?;
    write!(out, " {}", event.event)?;
    for (name, value) in &event.fields {
        match value {
            Value::Number(number) => write!(out, " {name}={number}")?,
            Value::Text(text) => write!(out, " {name}={text}")?,
        }
    }
    out.write_all(b"\n")
}

fn write_lost(out: &mut impl Write, lost: &Lost<'_>) -> io::Result<()> {
    let events = if lost.count == 1 { "event" } else { "events" };
    write!(out, "lost {} {events} of ", lost.count)?;
    match lost.watched {
        Some(watched) => out.write_all(watched.path.as_os_str().as_bytes())?,
        None => out.write_all(b"several watches")?,
    }
    let what = if lost.memory {
        "memory was short"
    } else {
        "the ring was full"
    };
    writeln!(out, ": {what}, look again at what is there")
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use watch_queue::Reason;

    use super::*;
    use crate::args::{Args, Command};
    use crate::watched::Watched;

    fn options(args: &[&str]) -> Monitor {
        let args = [&["watchq", "monitor", "/tmp"], args].concat();
        match Args::try_parse_from(args).unwrap().command {
            Command::Monitor(options) => *options,
            other => panic!("{other:?}"),
        }
    }

    fn printed(args: &[&str], item: &Item<'_>) -> String {
        let options = options(args);
        let mut out = Vec::new();
        Output::new(&options)
            .unwrap()
            .write(&mut out, item)
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn losses_say_how_many_and_where() {
        let watched = Watched::example("/tmp/");
        let one = Item::Lost(Lost {
            count: 1,
            watched: Some(&watched),
            memory: false,
        });
        let many = Item::Lost(Lost {
            count: 12,
            watched: None,
            memory: true,
        });
        for args in [&[][..], &["--format", "%f"]] {
            assert_eq!(
                printed(args, &one),
                "lost 1 event of /tmp/: the ring was full, look again at what is there\n"
            );
            assert_eq!(
                printed(args, &many),
                "lost 12 events of several watches: memory was short, look again at what is there\n"
            );
        }
    }

    #[test]
    fn ends_say_why() {
        let watched = Watched::example("/tmp/");
        let item = Item::Ended {
            watched: &watched,
            reason: Reason::ObjectGone,
        };
        assert_eq!(printed(&[], &item), "ended /tmp/: it was deleted\n");
        assert!(printed(&["--json"], &item).starts_with('{'));
    }

    #[test]
    fn the_time_needs_its_format() {
        let with = options(&["--format", "%T", "--timefmt", "%Y"]);
        assert!(Output::new(&with).is_ok());
        let without = options(&["--format", "%T"]);
        assert!(Output::new(&without)
            .unwrap_err()
            .to_string()
            .contains("--timefmt"));
    }
}
