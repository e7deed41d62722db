// SPDX-License-Identifier: GPL-2.0

//! Every example that a user may copy is one that the command line understands: those of the help, of the
//! manual page and of README. tools/testing/watchq/cases/examples.sh runs them.

use clap::{CommandFactory, Parser};

use super::*;

const README: &str = include_str!("../../../../README.md");

/// The notes behind the options of each command, and its name.
fn notes() -> Vec<(String, String)> {
    let command = Args::command();
    let parts = command.get_subcommands().filter(|part| !part.is_hide_set());
    let notes = |part: &clap::Command| part.get_after_long_help().map(ToString::to_string);
    parts
        .map(|part| (part.get_name().to_owned(), notes(part).unwrap_or_default()))
        .collect()
}

/// The lines of examples in them.
fn examples(notes: &str) -> impl Iterator<Item = &str> {
    notes
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| line.starts_with("watchq "))
}

/// The words of the first command of a line, as a shell has them: that much of its syntax as is used.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            '&' | '|' | '>' | ';' if !quoted => break,
            ' ' if !quoted => {
                words.extend(Some(std::mem::take(&mut word)).filter(|w| !w.is_empty()))
            }
            c => word.push(c),
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

#[test]
fn words_are_those_of_a_shell() {
    assert_eq!(words("a -b '*.c d' e && f"), ["a", "-b", "*.c d", "e"]);
    assert_eq!(words("a  b&"), ["a", "b"]);
}

#[test]
fn every_command_has_examples_and_they_are_understood() {
    for (name, notes) in notes() {
        let all: Vec<_> = examples(&notes).collect();
        assert!(!all.is_empty(), "{name} has none");
        for line in all {
            let parsed = Args::try_parse_from(words(line));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            assert!(line.starts_with(&format!("watchq {name}")), "{line}");
        }
    }
}

#[test]
fn the_manual_page_has_the_same_on_lines_of_their_own() {
    let page = crate::generate::manual().unwrap();
    for (_, notes) in notes() {
        for line in examples(&notes) {
            let line = line.replace('-', "\\-").replace('\'', "\\(aq");
            assert!(
                page.contains(&format!("\n  {line}\n")),
                "{line} is not in {page}"
            );
        }
    }
    assert_eq!(page.matches(".nf\n").count(), page.matches(".fi\n").count());
    assert!(!page.contains("EXTRA"), "{page}");
}

#[test]
fn what_readme_tells_to_type_is_understood() {
    let spans: Vec<_> = README
        .split('`')
        .filter(|span| span.starts_with("watchq "))
        .collect();
    assert!(spans.len() >= 5, "{spans:?}");
    for span in spans {
        let line = span.replace('\n', " ");
        let mut words = words(&line);
        if words.len() == 2 && ["monitor", "guard", "run", "stat"].contains(&words[1].as_str()) {
            // The name of a command, not a command line.
            words.push("--help".into());
        }
        if let Err(error) = Args::try_parse_from(&words) {
            assert!(!error.use_stderr(), "{line}: {error}");
        }
    }
}
