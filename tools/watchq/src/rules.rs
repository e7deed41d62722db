// SPDX-License-Identifier: GPL-2.0

//! The rule file of `watchq guard`: what may be done with which files.
//!
//! One rule per line, `ACTION WHAT PATTERN [ERROR]`; the first that matches decides, and what none
//! matches is allowed. ACTION is allow or deny; WHAT a list of open, exec and read, or any; PATTERN as in
//! [`pattern`]; ERROR, after deny, the name of the error that the task gets. Empty lines and what follows a
//! `#` are skipped; a pattern with spaces stands in double quotes.

mod pattern;

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use globset::{Candidate, Glob, GlobSet, GlobSetBuilder};
use rustix::io::Errno;
use watch_queue::{Answer, Questions};

use crate::escape::escaped;
use crate::failure::{said, Failure};

/// Names of errors that a task may get, and their numbers.
const ERRORS: [(&str, Errno); 8] = [
    ("EPERM", Errno::PERM),
    ("EIO", Errno::IO),
    ("EAGAIN", Errno::AGAIN),
    ("EACCES", Errno::ACCESS),
    ("EBUSY", Errno::BUSY),
    ("ETXTBSY", Errno::TXTBSY),
    ("ENOSPC", Errno::NOSPC),
    ("EDQUOT", Errno::DQUOT),
];

/// What a rule can be about.
const WHAT: [(&str, Questions); 4] = [
    ("open", Questions::OPEN),
    ("exec", Questions::OPEN_EXEC),
    ("read", Questions::ACCESS),
    (
        "any",
        Questions::OPEN
            .union(Questions::OPEN_EXEC)
            .union(Questions::ACCESS),
    ),
];

/// All rules, in their order.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Rule>,
    /// The patterns of all, each in its rule's place. However many there are and however many stars they
    /// have, a path is looked at in a time that depends on its length: the choice of paths must not be
    /// able to keep the answers waiting.
    patterns: GlobSet,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    answer: Answer,
    what: Questions,
    pattern: String,
    /// The number of its line, counted from 1, and the line.
    pub line: usize,
    pub text: String,
}

impl Rules {
    /// Reads a rule file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::new(format!(
                "{}: cannot be read: {}",
                escaped(path),
                said(&error)
            ))
        })?;
        let rules = Self::parse(&text).map_err(|(line, what)| {
            Failure::new(format!("{}:{line}: {what}", escaped(path)))
                .advise("a rule is: allow or deny, then open,exec,read or any, then a path pattern")
                .advise("for example: deny open,exec /srv/**/*.key EACCES")
        })?;
        match rules.questions().is_empty() {
            false => Ok(rules),
            true => Err(Failure::new(format!(
                "{}: has no rule, so there is nothing to ask about",
                escaped(path)
            ))),
        }
    }

    /// The rules of a text; or the number of the line that is wrong, and why.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut rules = Vec::new();
        let mut patterns = GlobSetBuilder::new();
        for (line, number) in text.lines().zip(1..) {
            let wrong = |error| (number, error);
            let words = split(line).map_err(wrong)?;
            if words.is_empty() {
                continue;
            }
            let (rule, glob) = Rule::parse(number, &words).map_err(wrong)?;
            // By itself first, so that one which cannot be compiled is found with its line.
            let alone = GlobSetBuilder::new().add(glob.clone()).build();
            alone.map_err(|error| wrong(format!("'{}': {}", rule.pattern, error.kind())))?;
            patterns.add(glob);
            rules.push(rule);
        }
        let last = text.lines().count();
        let patterns = patterns
            .build()
            .map_err(|error| (last, error.kind().to_string()))?;
        Ok(Rules { rules, patterns })
    }

    /// The answer for a path. One that is not known may be any of those that a rule denies, so it is
    /// denied: deep directories must be no way round the rules.
    pub fn decide(&self, what: Questions, path: Option<&[u8]>) -> Answer {
        match path {
            None => Answer::Deny(0),
            // What no rule is about was asked for by rules of before, if at all.
            Some(path) => self
                .first(what, path)
                .map_or(Answer::Allow, |(_, rule)| rule.answer),
        }
    }

    /// The rule that decides about a path, and its place.
    pub fn first(&self, what: Questions, path: &[u8]) -> Option<(usize, &Rule)> {
        let matching = self
            .patterns
            .matches_candidate(&Candidate::from_bytes(path));
        let rule = |index: usize| self.rules.get(index).map(|rule| (index, rule));
        // In their order.
        let mut rules = matching.into_iter().filter_map(rule);
        rules.find(|(_, rule)| rule.what.contains(what))
    }

    /// What the rules need to be asked about.
    pub fn questions(&self) -> Questions {
        self.rules
            .iter()
            .fold(Questions::empty(), |all, rule| all | rule.what)
    }

    /// All rules.
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that can match nothing that is below one of these paths.
    pub fn idle<'a>(&'a self, guarded: &'a [PathBuf]) -> impl Iterator<Item = &'a Rule> {
        self.rules.iter().filter(|rule| {
            let prefix = pattern::prefix(&rule.pattern).as_bytes();
            !guarded.iter().any(|path| {
                let path = path.as_os_str().as_bytes();
                path.starts_with(prefix) || prefix.starts_with(path)
            })
        })
    }
}

impl Rule {
    fn parse(line: usize, words: &[String]) -> Result<(Self, Glob), String> {
        let [action, what, pattern, rest @ ..] = words else {
            return Err("a rule has at least three words".into());
        };
        let answer = match (action.as_str(), rest) {
            ("allow", []) => Answer::Allow,
            ("allow", [extra, ..]) => return Err(format!("'{extra}' is too much after allow")),
            ("deny", []) => Answer::Deny(0),
            ("deny", [name]) => Answer::Deny(error(name)?),
            ("deny", [_, extra, ..]) => return Err(format!("'{extra}' is too much")),
            _ => return Err(format!("'{action}' is neither allow nor deny")),
        };
        let mut questions = Questions::empty();
        for word in what.split(',') {
            let found = WHAT.iter().find(|(name, _)| *name == word);
            questions |= found
                .ok_or_else(|| format!("'{word}' is none of open, exec, read and any"))?
                .1;
        }
        let rule = Rule {
            answer,
            what: questions,
            pattern: pattern.clone(),
            line,
            text: words.join(" "),
        };
        Ok((rule, pattern::parse(pattern)?))
    }

    /// What it does.
    pub fn answer(&self) -> Answer {
        self.answer
    }
}

/// The name of the error that a task gets.
pub fn error_name(number: u32) -> &'static str {
    let number = match number {
        0 => Errno::PERM.raw_os_error().unsigned_abs(),
        number => number,
    };
    ERRORS
        .iter()
        .find(|(_, error)| error.raw_os_error().unsigned_abs() == number)
        .map_or("?", |(name, _)| name)
}

fn error(name: &str) -> Result<u32, String> {
    match ERRORS.iter().find(|(known, _)| *known == name) {
        Some((_, error)) => Ok(error.raw_os_error().unsigned_abs()),
        None => {
            let names: Vec<_> = ERRORS.iter().map(|(name, _)| *name).collect();
            Err(format!("'{name}' is none of {}", names.join(", ")))
        }
    }
}

/// The words of a line, without its comment.
fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted
                .split_once('"')
                .ok_or("a double quote is not closed")?,
            None => rest.split_at(
                rest.find(|c: char| c.is_whitespace() || c == '#')
                    .unwrap_or(rest.len()),
            ),
        };
        words.push(word.to_owned());
        rest = behind.trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests;
