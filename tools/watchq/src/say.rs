// SPDX-License-Identifier: GPL-2.0

//! What is said on stderr, each time in one write, so that two programs' words do not mix.
//!
//! Under systemd every line has the priority that journald reads (sd-daemon(3)), if stderr is what
//! $JOURNAL_STREAM says. On a terminal, errors and warnings have a colour, unless $NO_COLOR is set.

use std::env;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use rustix::fs::fstat;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    Info,
}

/// What stderr is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Journal,
    Colours,
}

/// Says why the program fails.
pub fn error(text: &impl Display) {
    say(Level::Error, text);
}

/// Says that something is not as asked, but the program goes on.
pub fn warn(text: &impl Display) {
    say(Level::Warning, text);
}

/// Says what the program does.
pub fn info(text: &impl Display) {
    say(Level::Info, text);
}

fn say(level: Level, text: &impl Display) {
    let text = dressed(level, kind(), &text.to_string());
    // Nobody would hear that it cannot be said.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn dressed(level: Level, kind: Kind, text: &str) -> String {
    let (priority, colour, begin) = match level {
        Level::Error => (3, "\x1b[1;31m", "watchq: "),
        Level::Warning => (4, "\x1b[1;33m", "watchq: warning: "),
        Level::Info => (6, "", ""),
    };
    let mut all = String::new();
    for (index, line) in text.lines().enumerate() {
        let begin = if index == 0 { begin } else { "" };
        match kind {
            Kind::Journal => all.push_str(&format!("<{priority}>{begin}{line}\n")),
            Kind::Colours if !begin.is_empty() => {
                all.push_str(&format!("{colour}{begin}\x1b[0m{line}\n"));
            }
            _ => all.push_str(&format!("{begin}{line}\n")),
        }
    }
    all
}

fn kind() -> Kind {
    let stat = fstat(io::stderr().as_fd()).map(|stat| (stat.st_dev, stat.st_ino));
    let journal = env::var("JOURNAL_STREAM").ok();
    if stat.is_ok_and(|stat| is_journal(journal.as_deref(), stat)) {
        return Kind::Journal;
    }
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    match io::stderr().is_terminal() && !set("NO_COLOR") && !dumb {
        true => Kind::Colours,
        false => Kind::Plain,
    }
}

/// Whether `stream`, as DEVICE:INODE, is the file with these numbers.
fn is_journal(stream: Option<&str>, stat: (u64, u64)) -> bool {
    let Some((dev, inode)) = stream.and_then(|stream| stream.split_once(':')) else {
        return false;
    };
    (dev.parse(), inode.parse()) == (Ok(stat.0), Ok(stat.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_its_priority_under_systemd() {
        let text = "a\n  -> b";
        assert_eq!(
            dressed(Level::Error, Kind::Journal, text),
            "<3>watchq: a\n<3>  -> b\n"
        );
        assert_eq!(dressed(Level::Info, Kind::Journal, "x"), "<6>x\n");
        assert_eq!(
            dressed(Level::Warning, Kind::Plain, text),
            "watchq: warning: a\n  -> b\n"
        );
        assert_eq!(
            dressed(Level::Error, Kind::Colours, text),
            "\x1b[1;31mwatchq: \x1b[0ma\n  -> b\n"
        );
        assert_eq!(dressed(Level::Info, Kind::Colours, "x"), "x\n");
    }

    #[test]
    fn the_journal_is_known_by_its_numbers() {
        assert!(is_journal(Some("8:42"), (8, 42)));
        for stream in [
            None,
            Some(""),
            Some("8"),
            Some("8:43"),
            Some("9:42"),
            Some("8:42:1"),
        ] {
            assert!(!is_journal(stream, (8, 42)), "{stream:?}");
        }
    }
}
