// SPDX-License-Identifier: GPL-2.0

//! The rule file of `watchq guard`: what may be done with which files.
//!
//! One rule per line, `ACTION WHAT PATTERN [ERROR]`; the first that matches decides, and what none
//! matches is allowed. ACTION is allow or deny; WHAT a list of open, exec and read, or any; PATTERN a
//! path in which `?` stands for one character but a slash, `*` for any number of those, and `**` for
//! anything; ERROR, after deny, the name of the error that the task gets. Empty lines and what
//! follows a `#` are skipped; a pattern with spaces stands in double quotes.

use std::path::Path;

use rustix::io::Errno;
use watch_queue::{Answer, Questions};

use crate::escape::escaped;
use crate::failure::Failure;

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
pub struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    answer: Answer,
    what: Questions,
    pattern: Vec<u8>,
}

impl Rules {
    /// Reads a rule file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("{}: cannot be read: {error}", escaped(path))))?;
        Self::parse(&text).map_err(|(line, what)| {
            Failure::new(format!("{}:{line}: {what}", escaped(path)))
                .advise("a rule is: allow or deny, then open,exec,read or any, then a path pattern")
                .advise("for example: deny open,exec /srv/**/*.key EACCES")
        })
    }

    /// The rules of a text; or the number of the line that is wrong, and why.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut rules = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let words = split(line).map_err(|error| (number + 1, error))?;
            if !words.is_empty() {
                rules.push(Rule::parse(&words).map_err(|error| (number + 1, error))?);
            }
        }
        Ok(Rules(rules))
    }

    /// The answer for a path. One that is not known may be any of those that a rule denies, so it is
    /// denied: whoever can make deep directories must not get round the rules by that.
    pub fn decide(&self, what: Questions, path: Option<&[u8]>) -> Answer {
        let Some(path) = path else {
            return Answer::Deny(0);
        };
        self.0
            .iter()
            .find(|rule| rule.what.contains(what) && matches(&rule.pattern, path))
            .map_or(Answer::Allow, |rule| rule.answer)
    }

    /// What the rules need to be asked about.
    pub fn questions(&self) -> Questions {
        self.0
            .iter()
            .fold(Questions::empty(), |all, rule| all | rule.what)
    }
}

impl Rule {
    fn parse(words: &[String]) -> Result<Self, String> {
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
        Ok(Rule {
            answer,
            what: questions,
            pattern: pattern.as_bytes().to_vec(),
        })
    }
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

/// Whether a path fits a pattern. However many stars it has, the time is the product of the two
/// lengths: whoever can choose a path must not be able to keep the answer waiting.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    // For each length, whether what was read of the pattern fits so many bytes of the path.
    let mut fits = vec![false; path.len() + 1];
    fits[0] = true;
    let mut rest = pattern;
    loop {
        rest = match rest {
            [] => return fits[path.len()],
            [b'*', behind @ ..] => {
                let (slashes, behind) = match behind {
                    [b'*', behind @ ..] => (true, behind),
                    _ => (false, behind),
                };
                for (i, byte) in path.iter().enumerate() {
                    fits[i + 1] |= fits[i] && (slashes || *byte != b'/');
                }
                behind
            }
            [want, behind @ ..] => {
                for (i, byte) in path.iter().enumerate().rev() {
                    let same = want == byte || *want == b'?' && *byte != b'/';
                    fits[i + 1] = fits[i] && same;
                }
                fits[0] = false;
                behind
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> (usize, String) {
        Rules::parse(text).unwrap_err()
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let rules = Rules::parse(
            "# keys are nobody's business\n\
             allow open /srv/public/**   # but these\n\n\
             deny  open,exec **/*.key EACCES\n\
             deny  exec /srv/*/tool\n\
             deny  read \"/srv/with space\" EIO\n",
        )
        .unwrap();
        let open = |path: &str| rules.decide(Questions::OPEN, Some(path.as_bytes()));
        assert_eq!(open("/srv/public/a/b.key"), Answer::Allow);
        assert_eq!(open("/srv/b.key"), Answer::Deny(13));
        assert_eq!(open("/srv/b.keys"), Answer::Allow);
        assert_eq!(
            rules.decide(Questions::OPEN_EXEC, Some(b"/srv/x/tool")),
            Answer::Deny(0)
        );
        assert_eq!(
            rules.decide(Questions::OPEN_EXEC, Some(b"/srv/x/y/tool")),
            Answer::Allow
        );
        assert_eq!(
            rules.decide(Questions::ACCESS, Some(b"/srv/with space")),
            Answer::Deny(5)
        );
        assert_eq!(open("/srv/with space"), Answer::Allow);
        assert_eq!(
            rules.questions(),
            Questions::OPEN | Questions::OPEN_EXEC | Questions::ACCESS
        );
    }

    #[test]
    fn a_path_that_is_not_known_is_denied() {
        let rules = Rules::parse("allow any **").unwrap();
        assert_eq!(rules.decide(Questions::OPEN, None), Answer::Deny(0));
        assert_eq!(rules.decide(Questions::OPEN, Some(b"/a")), Answer::Allow);
    }

    #[test]
    fn stars_and_question_marks() {
        for (pattern, path, fits) in [
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/b/c", false),
            ("/a/**", "/a/b/c", true),
            ("/a/**", "/a/", true),
            ("/a/**", "/a", false),
            ("/a/?.c", "/a/x.c", true),
            ("/a/?.c", "/a//.c", false),
            ("**", "", true),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("/a/**/*.c", "/a/b/c/d.c", true),
            ("/a/**/*.c", "/a/d.c", false),
            ("/a/***", "/a/b/c", true),
            ("a", "", false),
            ("", "a", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), path.as_bytes()),
                fits,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let (pattern, path) = ("**a*".repeat(50) + "b", "a".repeat(4000));
        let begun = std::time::Instant::now();
        assert!(!matches(pattern.as_bytes(), path.as_bytes()));
        assert!(begun.elapsed().as_secs() < 5);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, line, part) in [
            ("alow open /a", 1, "'alow' is neither"),
            ("\n\nallow open", 3, "three words"),
            ("deny peek /a", 1, "'peek' is none of open"),
            ("deny open, /a", 1, "'' is none of open"),
            ("deny open /a ENOENT", 1, "'ENOENT' is none of EPERM"),
            ("deny open /a EIO twice", 1, "'twice' is too much"),
            ("allow open /a EIO", 1, "'EIO' is too much after allow"),
            ("deny open \"/a b", 1, "not closed"),
        ] {
            let (at, message) = wrong(text);
            assert_eq!(at, line, "{text}");
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
