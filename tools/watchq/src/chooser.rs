// SPDX-License-Identifier: GPL-2.0

//! Which names are told: --include, --exclude and --ignore-file, in the syntax of .gitignore.
//!
//! Asked for each event before anything else is decided by it, so that --once and --timeout wait for a
//! name. The rules are those of git, by the crate that ripgrep uses for them.

use std::fs;
use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::args::Choice;
use crate::escape::escaped;
use crate::event::FileEvent;
use crate::failure::{said, Failure};

/// Decides which events are told.
#[derive(Debug, Default)]
pub struct Chooser {
    include: Option<Gitignore>,
    exclude: Option<Gitignore>,
}

impl Chooser {
    /// Reads the options, and the files that they name.
    pub fn new(choice: &Choice) -> Result<Self, Failure> {
        let mut include = builder();
        for glob in &choice.include {
            add(&mut include, glob, "--include")?;
        }
        let mut exclude = builder();
        for path in &choice.ignore_file {
            add_file(&mut exclude, path)?;
        }
        for glob in &choice.exclude {
            add(&mut exclude, glob, "--exclude")?;
        }
        Ok(Chooser {
            include: build(&include)?,
            exclude: build(&exclude)?,
        })
    }

    /// Whether an event is to be told.
    pub fn wants(&self, event: &FileEvent<'_>) -> bool {
        match event.inside() {
            Some(path) => self.wants_path(&path, event.is_dir),
            // The watched directory itself has no name that could match.
            None => self.include.is_none(),
        }
    }

    /// Whether what is at `path`, below what is watched, is of interest.
    pub fn wants_path(&self, path: &Path, is_dir: bool) -> bool {
        // Paths of events are never absolute; if one were, the crate would panic.
        let path = path.strip_prefix("/").unwrap_or(path);
        let matches =
            |globs: &Gitignore| globs.matched_path_or_any_parents(path, is_dir).is_ignore();
        self.include.as_ref().is_none_or(matches) && !self.exclude.as_ref().is_some_and(matches)
    }
}

fn builder() -> GitignoreBuilder {
    let mut globs = GitignoreBuilder::new("");
    // A bracket that is not closed is an oversight, and a name that has one can be written with \\[.
    globs.allow_unclosed_class(false);
    globs
}

fn add(globs: &mut GitignoreBuilder, glob: &str, option: &str) -> Result<(), Failure> {
    if glob.trim().is_empty() || glob.starts_with('#') {
        return Err(
            Failure::new(format!("{option} {}: matches nothing", escaped(glob)))
                .advise("a # at the beginning is a comment in .gitignore; write \\#"),
        );
    }
    globs
        .add_line(None, glob)
        .map_err(|error| Failure::new(format!("{option}: {error}")))?;
    Ok(())
}

fn add_file(globs: &mut GitignoreBuilder, path: &Path) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::new(format!(
            "{}: cannot be read: {}",
            escaped(path),
            said(&error)
        ))
    })?;
    for (index, line) in text.lines().enumerate() {
        globs.add_line(None, line).map_err(|error| {
            Failure::new(format!(
                "{}:{}: {error}",
                escaped(path),
                index.saturating_add(1)
            ))
        })?;
    }
    Ok(())
}

fn build(globs: &GitignoreBuilder) -> Result<Option<Gitignore>, Failure> {
    let globs = globs
        .build()
        .map_err(|error| Failure::new(format!("the globs are too many or too long: {error}")))?;
    Ok((!globs.is_empty()).then_some(globs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chooser(include: &[&str], exclude: &[&str]) -> Result<Chooser, Failure> {
        let owned = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
        Chooser::new(&Choice {
            include: owned(include),
            exclude: owned(exclude),
            ignore_file: Vec::new(),
        })
    }

    #[test]
    fn globs_are_those_of_gitignore() {
        for (glob, path, is_dir, matches) in [
            ("*.swp", "a/b.swp", false, true),
            ("*.swp", "a/b.swq", false, false),
            ("/*.c", "x.c", false, true),
            ("/*.c", "a/x.c", false, false),
            ("target/", "target", false, false),
            ("target/", "target", true, true),
            ("target/", "a/target/debug/x", false, true),
            ("a/**/z", "a/z", false, true),
            ("a/**/z", "a/b/c/z", false, true),
            ("x", "/x", false, true),
        ] {
            let path = Path::new(path);
            let include = chooser(&[glob], &[]).unwrap();
            assert_eq!(include.wants_path(path, is_dir), matches, "{glob} {path:?}");
            let exclude = chooser(&[], &[glob]).unwrap();
            assert_eq!(
                exclude.wants_path(path, is_dir),
                !matches,
                "{glob} {path:?}"
            );
        }
    }

    #[test]
    fn exclude_wins_and_later_ones_take_back() {
        let both = chooser(&["*.c", "*.h"], &["x.*"]).unwrap();
        assert!(both.wants_path(Path::new("y.h"), false));
        assert!(!both.wants_path(Path::new("x.c"), false));
        let back = chooser(&[], &["*.o", "!keep.o"]).unwrap();
        assert!(back.wants_path(Path::new("keep.o"), false));
        assert!(!back.wants_path(Path::new("a/b.o"), false));
        assert!(Chooser::default().wants_path(Path::new("any"), false));
    }

    #[test]
    fn what_can_match_nothing_is_refused() {
        for glob in ["", " ", "#x", "a[", "{a"] {
            assert!(chooser(&[glob], &[]).is_err(), "{glob}");
        }
    }

    #[test]
    fn files_are_read_and_blamed_by_line() {
        let file = std::env::temp_dir().join(format!("watchq-ignore-{}", std::process::id()));
        let choice = Choice {
            ignore_file: vec![file.clone()],
            exclude: vec!["!b.o".into()],
            ..Choice::default()
        };
        fs::write(&file, "# objects\n\n*.o\n").expect("it can be written");
        let chooser = Chooser::new(&choice).unwrap();
        assert!(!chooser.wants_path(Path::new("a.o"), false));
        assert!(chooser.wants_path(Path::new("b.o"), false));
        fs::write(&file, "x\na[\n").expect("it can be written");
        let said = Chooser::new(&choice).unwrap_err().to_string();
        assert!(said.contains(":2: "), "{said}");
        fs::remove_file(&file).expect("it can be removed");
        assert!(Chooser::new(&choice).is_err());
    }
}
