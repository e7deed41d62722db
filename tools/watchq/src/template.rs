// SPDX-License-Identifier: GPL-2.0

//! Formats of lines, for --format, and the default one.

use std::io::{self, Write};
use std::str::FromStr;

use crate::escape;
use crate::event::FileEvent;
use crate::names;

/// A format, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Watched,
    Name,
    /// The event; then the separator and "isdir" if it is about a directory.
    Event(char),
    Cookie,
    Time,
}

impl Template {
    /// Whether the time is printed.
    pub fn has_time(&self) -> bool {
        self.0.contains(&Piece::Time)
    }

    /// Whether it has a NUL, which no name has: such output is for programs.
    pub fn has_nul(&self) -> bool {
        self.0
            .iter()
            .any(|piece| matches!(piece, Piece::Text(text) if text.contains('\0')))
    }

    /// Whether each event ends with a NUL.
    pub fn ends_with_nul(&self) -> bool {
        matches!(self.0.last(), Some(Piece::Text(text)) if text.ends_with('\0'))
    }

    /// Writes an event, without what ends it. `time` must be given if the format has it.
    pub fn write(
        &self,
        out: &mut impl Write,
        event: &FileEvent<'_>,
        time: &str,
        raw: bool,
    ) -> io::Result<()> {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.write_all(text.as_bytes())?,
                Piece::Watched => escape::write(out, &event.path(), raw)?,
                Piece::Name => escape::write(out, event.name.unwrap_or_default(), raw)?,
                Piece::Event(separator) => write_event(out, event, *separator)?,
                Piece::Cookie => write!(out, "{:x}", event.rename_cookie)?,
                Piece::Time => out.write_all(time.as_bytes())?,
            }
        }
        Ok(())
    }
}

/// Writes an event when no format is given: path, event, and name if there is one.
pub fn write_default(
    out: &mut impl Write,
    event: &FileEvent<'_>,
    time: &str,
    raw: bool,
) -> io::Result<()> {
    if !time.is_empty() {
        write!(out, "{time} ")?;
    }
    escape::write(out, &event.path(), raw)?;
    out.write_all(b" ")?;
    write_event(out, event, ',')?;
    if let Some(name) = event.name {
        out.write_all(b" ")?;
        escape::write(out, name, raw)?;
    }
    Ok(())
}

fn write_event(out: &mut impl Write, event: &FileEvent<'_>, separator: char) -> io::Result<()> {
    write!(out, "{}", names::of(event.event))?;
    if event.is_dir {
        write!(out, "{separator}isdir")?;
    }
    Ok(())
}

impl FromStr for Template {
    type Err = String;

    fn from_str(format: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = format.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                text.push(c);
                continue;
            }
            let c = rest
                .next()
                .ok_or("a % at the end stands for nothing; write %%")?;
            let piece = match c {
                '%' | 'n' | '0' => {
                    text.push(match c {
                        'n' => '\n',
                        '0' => '\0',
                        percent => percent,
                    });
                    continue;
                }
                'w' => Piece::Watched,
                'f' => Piece::Name,
                'e' => Piece::Event(','),
                'c' => Piece::Cookie,
                'T' => Piece::Time,
                separator if rest.as_str().starts_with('e') => {
                    rest.next();
                    Piece::Event(separator)
                }
                other => {
                    return Err(format!(
                        "%{other} stands for nothing; there are %w %f %e %Xe %c %T %0 %n %%"
                    ))
                }
            };
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(piece);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Template(pieces))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use watch_queue::Events;

    use super::*;
    use crate::event::Below;
    use crate::watched::Watched;

    fn event<'a>(watched: &'a Watched, name: Option<&'a [u8]>) -> FileEvent<'a> {
        FileEvent {
            watched,
            below: Below::Here,
            name: name.map(OsStr::from_bytes),
            event: Events::MOVED_FROM,
            is_dir: false,
            inode: 7,
            dev: 0x801,
            pid: 42,
            rename_cookie: 0xabc,
        }
    }

    fn formatted(format: &str, event: &FileEvent<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        format
            .parse::<Template>()
            .unwrap()
            .write(&mut out, event, "NOW", false)
            .unwrap();
        out
    }

    fn default(event: &FileEvent<'_>, time: &str, raw: bool) -> Vec<u8> {
        let mut out = Vec::new();
        write_default(&mut out, event, time, raw).unwrap();
        out
    }

    #[test]
    fn the_default_is_path_event_name() {
        let watched = Watched::example("/tmp/");
        let mut event = event(&watched, Some(b"na me\xff"));
        assert_eq!(default(&event, "", false), b"/tmp/ moved_from na\\ me\\377");
        assert_eq!(default(&event, "", true), b"/tmp/ moved_from na me\xff");
        event.is_dir = true;
        assert_eq!(
            default(&event, "12:00", true),
            b"12:00 /tmp/ moved_from,isdir na me\xff"
        );
        event.name = None;
        assert_eq!(default(&event, "", false), b"/tmp/ moved_from,isdir");
    }

    #[test]
    fn formats_have_all_of_inotifywait() {
        let watched = Watched::example("/tmp/");
        let mut event = event(&watched, Some(b"x"));
        assert_eq!(
            formatted("%w%f %e %c %T", &event),
            b"/tmp/x moved_from abc NOW"
        );
        assert_eq!(formatted("100%%%n%0 ", &event), b"100%\n\0 ");
        assert_eq!(formatted("", &event), b"");
        event.is_dir = true;
        assert_eq!(formatted("%e", &event), b"moved_from,isdir");
        assert_eq!(
            formatted("%:e%|e", &event),
            b"moved_from:isdirmoved_from|isdir"
        );
        event.name = None;
        assert_eq!(formatted("[%f]", &event), b"[]");
    }

    #[test]
    fn bad_formats_are_refused() {
        for format in ["%", "100%", "%x", "%xx", "%W"] {
            assert!(format.parse::<Template>().is_err(), "{format}");
        }
    }

    #[test]
    fn only_some_formats_have_the_time() {
        assert!("%T".parse::<Template>().unwrap().has_time());
        assert!(!"%%T".parse::<Template>().unwrap().has_time());
    }
}
