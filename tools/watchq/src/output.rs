// SPDX-License-Identifier: GPL-2.0

//! The output of `watchq monitor`: which shape lines have, and the lines that are not events.

use std::io::{self, Write};

use jiff::Zoned;

use crate::args::Monitor;
use crate::escape::{self, escaped};
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
    /// Names are written as they are.
    raw: bool,
    /// What stands behind each event.
    end: &'static [u8],
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
        let template = options.format.as_ref();
        let nul = options.null || template.is_some_and(Template::has_nul);
        let end: &[u8] = match template {
            _ if options.null => b"\0",
            _ if options.no_newline => b"",
            // A newline would begin the next.
            Some(template) if template.ends_with_nul() => b"",
            _ => b"\n",
        };
        Ok(Output {
            shape,
            time_format,
            raw: options.raw || nul,
            end,
        })
    }

    /// Writes the line of an item.
    pub fn write(&self, out: &mut impl Write, item: &Item<'_>) -> io::Result<()> {
        let (time, raw) = (self.time(), self.raw);
        match (&self.shape, item) {
            (Shape::Json, item) => return json::write(out, item, &time),
            (Shape::Template(template), Item::File(event)) => {
                template.write(out, event, &time, raw)?;
            }
            (Shape::Default, Item::File(event)) => {
                template::write_default(out, event, &time, raw)?;
            }
            (_, Item::Source(event)) => write_source(out, event, &time, raw)?,
            // What reads a format of its own does not expect lines of ours among it.
            (Shape::Template(_), Item::Lost(_) | Item::Ended { .. }) => {
                return write_about(&mut io::stderr().lock(), item, b"\n");
            }
            (Shape::Default, item) => return write_about(out, item, self.end),
        }
        out.write_all(self.end)
    }

    fn time(&self) -> String {
        // The format was tried out when the options were read.
        self.time_format
            .and_then(|format| jiff::fmt::strtime::format(format, &Zoned::now()).ok())
            .unwrap_or_default()
    }
}

fn write_source(
    out: &mut impl Write,
    event: &SourceEvent<'_>,
    time: &str,
    raw: bool,
) -> io::Result<()> {
    if !time.is_empty() {
        write!(out, "{time} ")?;
    }
    escape::write(out, event.watched.path.as_os_str(), raw)?;
    write!(out, " {}", event.event)?;
    for (name, value) in &event.fields {
        match value {
            Value::Number(number) => write!(out, " {name}={number}")?,
            Value::Text(text) => {
                write!(out, " {name}=")?;
                escape::write(out, text, raw)?;
            }
        }
    }
    Ok(())
}

/// Writes a line that is about a watch, not about what it saw.
fn write_about(out: &mut impl Write, item: &Item<'_>, end: &[u8]) -> io::Result<()> {
    match item {
        Item::Lost(lost) => write_lost(out, lost)?,
        Item::Ended { watched, reason } => {
            let why = reason_words(*reason).0;
            write!(out, "ended {}: {why}", escaped(&watched.path))?;
        }
        Item::File(_) | Item::Source(_) => return Ok(()),
    }
    out.write_all(end)
}

fn write_lost(out: &mut impl Write, lost: &Lost<'_>) -> io::Result<()> {
    write!(out, "{}, look again at what is there", lost_words(lost))
}

/// What was lost, and why.
pub fn lost_words(lost: &Lost<'_>) -> String {
    let events = if lost.count == 1 { "event" } else { "events" };
    let what = match lost.watched {
        Some(watched) => escaped(&watched.path).to_string(),
        None => "several watches".to_owned(),
    };
    let why = match lost.memory {
        true => "memory was short",
        false => "the ring was full",
    };
    format!("lost {} {events} of {what}: {why}", lost.count)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use watch_queue::{Events, Reason};

    use super::*;
    use crate::args::{Args, Command};
    use crate::event::FileEvent;
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
        assert_eq!(
            printed(&[], &one),
            "lost 1 event of /tmp/: the ring was full, look again at what is there\n"
        );
        assert_eq!(
            printed(&[], &many),
            "lost 12 events of several watches: memory was short, look again at what is there\n"
        );
        // On stderr: the output is for a program that knows its own lines only.
        assert_eq!(printed(&["--format", "%f"], &one), "");
    }

    #[test]
    fn a_watch_cannot_be_called_what_would_be_another_line() {
        let watched = Watched::example("x\nlost 9 events of y: ");
        let item = Item::Ended {
            watched: &watched,
            reason: Reason::ObjectGone,
        };
        for args in [&[][..], &["--raw"]] {
            assert_eq!(
                printed(args, &item),
                "ended x\\nlost\\ 9\\ events\\ of\\ y:\\ : it was deleted\n"
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
    fn what_ends_an_event() {
        let watched = Watched::example("/tmp/");
        let event = FileEvent::followed(&watched, Events::CREATE, false);
        let item = Item::File(event);
        for (args, wanted) in [
            (&[][..], "/tmp/ create\n"),
            (&["-0"], "/tmp/ create\0"),
            (&["--format", "%w"], "/tmp/\n"),
            (&["-0", "--format", "%w"], "/tmp/\0"),
            (&["--format", "%w%0"], "/tmp/\0"),
            (&["--no-newline", "--format", "%w;"], "/tmp/;"),
        ] {
            assert_eq!(printed(args, &item), wanted, "{args:?}");
        }
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
