// SPDX-License-Identifier: GPL-2.0

//! `watchq guard --check`: reads a rule file as guarding would, and says which rule decides about a path.
//! Needs no privilege and no kernel module.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use watch_queue::{Answer, Questions};

use super::log::what_name;
use crate::escape::escaped;
use crate::failure::Failure;
use crate::rules::{error_name, Rules};
use crate::Outcome;

/// Runs the command.
pub fn run(file: &Path, paths: &[PathBuf]) -> Result<Outcome, Failure> {
    let rules = Rules::read(file)?;
    let mut out = io::stdout().lock();
    for path in paths {
        // As it would be guarded; what is not there yet is taken as it stands.
        let absolute = path.canonicalize().or_else(|_| std::path::absolute(path))?;
        for what in rules.questions().iter() {
            writeln!(
                out,
                "{} {}: {}",
                what_name(what),
                escaped(&absolute),
                decision(&rules, what, &absolute)
            )?;
        }
    }
    if paths.is_empty() {
        writeln!(out, "{}: {} rules", escaped(file), rules.all().len())?;
    }
    Ok(Outcome::Done)
}

fn decision(rules: &Rules, what: Questions, path: &Path) -> String {
    let answer = |answer| match answer {
        Answer::Allow => "allowed".to_owned(),
        Answer::Deny(error) => format!("denied ({})", error_name(error)),
    };
    let bytes = path.as_os_str().as_bytes();
    match rules.first(what, bytes) {
        Some((_, rule)) => format!(
            "{} by line {}: {}",
            answer(rule.answer()),
            rule.line,
            escaped_text(&rule.text)
        ),
        None => format!(
            "{}, no rule matches",
            answer(rules.decide(what, Some(bytes)))
        ),
    }
}

/// A line of the file, with its spaces.
pub fn escaped_text(text: &str) -> String {
    escaped(text).to_string().replace("\\ ", " ")
}
