// SPDX-License-Identifier: GPL-2.0

//! The text behind the options in the help, as sections of the manual page.
//!
//! In the help, a line at the margin that ends with a colon begins a list, and lines that are indented stand
//! as they are. A page fills lines, unless it is told not to.

use std::fmt::Write;

/// Appends the notes of a command to its part of the page.
pub fn render(notes: &str, out: &mut String) {
    let mut verbatim = false;
    let mut between = true;
    for line in notes.lines() {
        let is_verbatim = line.starts_with("  ");
        if verbatim != is_verbatim {
            out.push_str(if is_verbatim { ".nf\n" } else { ".fi\n" });
            verbatim = is_verbatim;
        }
        match line.strip_suffix(':') {
            _ if line.is_empty() => between = true,
            Some("Exit status") => out.push_str(".SS \"EXIT STATUS\"\n"),
            Some("Example" | "Examples") => out.push_str(".SS EXAMPLES\n"),
            _ => {
                if between && !is_verbatim {
                    out.push_str(".PP\n");
                }
                between = false;
                push_text(line, out);
            }
        }
    }
    if verbatim {
        out.push_str(".fi\n");
    }
}

/// A line of text: nothing in it is a request or an escape.
fn push_text(line: &str, out: &mut String) {
    if line.starts_with(['.', '\'']) {
        out.push_str("\\&");
    }
    let line = line
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('\'', "\\(aq");
    // A String takes whatever is written.
    let _ = writeln!(out, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stay_as_they_are() {
        let mut out = String::new();
        render(
            "First, a\nsecond.\n.x \\n\n\nExit status:\n  0  done\n  1  not\nText.\n\nExamples:\n  a -b 'c'",
            &mut out,
        );
        assert_eq!(
            out,
            ".PP\nFirst, a\nsecond.\n\\&.x \\en\n.SS \"EXIT STATUS\"\n.nf\n  0  done\n  1  not\n.fi\n\
             Text.\n.SS EXAMPLES\n.nf\n  a \\-b \\(aqc\\(aq\n.fi\n"
        );
    }
}
