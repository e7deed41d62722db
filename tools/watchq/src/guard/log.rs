// SPDX-License-Identifier: GPL-2.0

//! The log of `watchq guard`: a line for each answer. Paths and names of programs are whatever somebody has
//! called them, so they are escaped: a file cannot be named so that the log says something else.

use std::io::{self, Write};
use std::path::Path;

use jiff::{Timestamp, Unit};
use serde::Serialize;
use watch_queue::{Answer, Questions, Unanswered};

use crate::escape::escaped;
use crate::json::Text;
use crate::rules::{error_name, Rule};

/// An answer that was given.
#[derive(Debug)]
pub struct Entry<'a> {
    pub what: Questions,
    pub path: &'a Path,
    /// Whether the path is what was asked about; else it leads there by a way that is not known.
    pub known: bool,
    pub pid: u32,
    pub answer: Answer,
    /// The rule that decided, if one did.
    pub rule: Option<&'a Rule>,
}

#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    time: String,
    #[serde(flatten)]
    body: Body<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Answer {
        what: &'static str,
        #[serde(flatten)]
        path: Text<'a>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        truncated: bool,
        pid: u32,
        comm: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'static str>,
        /// The number of its line.
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<usize>,
    },
    Unanswered {
        count: u64,
        cause: String,
    },
    Loss {
        count: u64,
    },
}

/// Writes how many answers came too fast to be printed.
pub fn held_back(out: &mut impl Write, json: bool, count: u64) -> io::Result<()> {
    if json {
        return write_json(out, "not_printed", Body::Loss { count });
    }
    writeln!(out, "and {count} more, which are not printed")
}

/// Writes the line of an answer.
pub fn answer(out: &mut impl Write, json: bool, entry: &Entry<'_>) -> io::Result<()> {
    let (event, error) = match entry.answer {
        Answer::Allow => ("allowed", None),
        Answer::Deny(error) => ("denied", Some(error_name(error))),
    };
    let what = what_name(entry.what);
    let comm = program(entry.pid);
    if !json {
        return writeln!(
            out,
            "{event} {what} {} by {} (pid {})",
            escaped(entry.path),
            escaped(&comm),
            entry.pid
        );
    }
    write_json(
        out,
        event,
        Body::Answer {
            what,
            path: match entry.known {
                true => Text::path_of(entry.path.as_os_str().into()),
                false => Text::below(entry.path.as_os_str()),
            },
            truncated: !entry.known,
            pid: entry.pid,
            comm,
            error,
            rule: entry.rule.map(|rule| rule.line),
        },
    )
}

/// Writes that the kernel decided without us: with JSON among the answers, else on stderr.
pub fn unanswered(out: &mut impl Write, json: bool, late: &Unanswered) -> io::Result<()> {
    let count = late.count;
    if !json {
        return writeln!(io::stderr(), "{count} decided without us: {:?}", late.cause);
    }
    let cause = format!("{:?}", late.cause).to_lowercase();
    write_json(out, "unanswered", Body::Unanswered { count, cause })
}

/// Writes that questions found no room.
pub fn loss(out: &mut impl Write, json: bool, count: u64) -> io::Result<()> {
    match json {
        false => writeln!(io::stderr(), "{count} questions found no room"),
        true => write_json(out, "loss", Body::Loss { count }),
    }
}

fn write_json(out: &mut impl Write, event: &'static str, body: Body<'_>) -> io::Result<()> {
    let now = Timestamp::now();
    let time = now.round(Unit::Microsecond).unwrap_or(now).to_string();
    serde_json::to_writer(&mut *out, &Line { event, time, body })?;
    out.write_all(b"\n")
}

/// What was asked for, in the words of the rules.
pub fn what_name(what: Questions) -> &'static str {
    match what {
        Questions::OPEN => "open",
        Questions::OPEN_EXEC => "exec",
        Questions::ACCESS => "read",
        _ => "access",
    }
}

/// The name of a process, as far as it is still there.
fn program(pid: u32) -> String {
    let name = std::fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    let name = name.strip_suffix(b"\n").unwrap_or(&name);
    match String::from_utf8_lossy(name).as_ref() {
        "" => "?".into(),
        name => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;

    fn line(json: bool, path: &str, known: bool) -> String {
        let rules = Rules::parse("# one\ndeny any ** EACCES").unwrap();
        let entry = Entry {
            what: Questions::OPEN_EXEC,
            path: Path::new(path),
            known,
            pid: u32::MAX,
            answer: Answer::Deny(13),
            rule: rules.all().first(),
        };
        let mut out = Vec::new();
        answer(&mut out, json, &entry).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_path_cannot_say_something_else() {
        assert_eq!(
            line(false, "/a/sudo by admin (pid 1)\ndenied", true),
            "denied exec /a/sudo\\ by\\ admin\\ (pid\\ 1)\\ndenied by ? (pid 4294967295)\n"
        );
    }

    #[test]
    fn json_names_the_rule() {
        let text = line(true, "/a\nb", true);
        assert!(text.starts_with(r#"{"event":"denied","time":"2"#), "{text}");
        let rest = r#"Z","what":"exec","path":"/a\nb","pid":4294967295,"comm":"?","error":"EACCES","rule":2}"#;
        assert!(text.ends_with(&format!("{rest}\n")), "{text}");
        let text = line(true, "/a", false);
        assert!(
            text.contains(r#""what":"exec","below":"/a","truncated":true,"#),
            "{text}"
        );
    }
}
