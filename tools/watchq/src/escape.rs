// SPDX-License-Identifier: GPL-2.0

//! Names for people's eyes: whatever bytes a name has, it is one word on one line, and a terminal
//! does nothing but show it.
//!
//! As `ls -b`: a backslash stands before spaces and backslashes, control characters are C escapes or
//! three octal digits a byte, and so is what is not UTF-8. So are the characters that would break a
//! line or turn the direction of writing, which some programs obey. Each name has its own form, and
//! `printf '%b'` and C know the way back.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

/// Shows bytes that another program has chosen.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(&'a [u8]);

/// Shows a path or a name.
pub fn escaped<T: AsRef<OsStr> + ?Sized>(text: &T) -> Escaped<'_> {
    Escaped(text.as_ref().as_bytes())
}

/// Writes a name as it is, or so that it can be shown.
pub fn write(out: &mut impl Write, text: &OsStr, raw: bool) -> io::Result<()> {
    match raw {
        true => out.write_all(text.as_bytes()),
        false => write!(out, "{}", escaped(text)),
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            let mut shown = chunk.valid();
            while let Some((at, c)) = shown.char_indices().find(|(_, c)| is_special(*c)) {
                let (plain, rest) = shown.split_at(at);
                f.write_str(plain)?;
                write_special(f, c)?;
                shown = rest.get(c.len_utf8()..).unwrap_or_default();
            }
            f.write_str(shown)?;
            octal(f, chunk.invalid())?;
        }
        Ok(())
    }
}

/// What is not shown as it is.
fn is_special(c: char) -> bool {
    c.is_control()
        || matches!(c, ' ' | '\\' | '\u{2028}' | '\u{2029}' | '\u{feff}')
        // Marks, embeddings, overrides and isolates of the direction of writing.
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn write_special(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    let letter = match c {
        '\x07' => 'a',
        '\x08' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\x0b' => 'v',
        '\x0c' => 'f',
        '\r' => 'r',
        ' ' | '\\' => c,
        other => return octal(f, other.encode_utf8(&mut [0; 4]).as_bytes()),
    };
    write!(f, "\\{letter}")
}

fn octal(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "\\{byte:03o}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> String {
        Escaped(bytes).to_string()
    }

    #[test]
    fn what_can_be_shown_is_left_alone() {
        for text in ["", "/tmp/a-b_c.txt", "naïve", "日本語", "a'b\"c$d", "🦀"] {
            assert_eq!(shown(text.as_bytes()), text);
        }
    }

    #[test]
    fn what_would_make_a_line_or_drive_a_terminal_is_escaped() {
        for (bytes, wanted) in [
            (&b"a b"[..], "a\\ b"),
            (b"a\\b", "a\\\\b"),
            (b"a\nlost 9 events", "a\\nlost\\ 9\\ events"),
            (b"\x07\x08\t\x0b\x0c\r", "\\a\\b\\t\\v\\f\\r"),
            (b"\x1b[31mred\x7f\0", "\\033[31mred\\177\\000"),
            // The same control sequence in one character of UTF-8.
            ("\u{9b}31m".as_bytes(), "\\302\\23331m"),
            ("\u{202e}txt".as_bytes(), "\\342\\200\\256txt"),
            ("\u{2028}".as_bytes(), "\\342\\200\\250"),
            (b"\xff\xc3(", "\\377\\303("),
            (b"\xc3", "\\303"),
        ] {
            assert_eq!(shown(bytes), wanted);
        }
    }

    #[test]
    fn no_two_names_look_the_same() {
        let mut seen = std::collections::HashSet::new();
        for first in 0..=255 {
            assert!(seen.insert(shown(&[first])), "{first}");
            for second in 0..=255 {
                assert!(seen.insert(shown(&[first, second])), "{first} {second}");
            }
        }
        for name in &seen {
            let words = name.replace("\\ ", "");
            assert!(!words.contains([' ', '\n', '\x1b']), "{name:?}");
        }
    }
}
