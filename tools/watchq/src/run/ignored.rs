// SPDX-License-Identifier: GPL-2.0

//! What git would leave out: the .gitignore of every directory from the top of the work tree down to the
//! file, .git/info/exclude, the user's own file, and .git itself.
//!
//! Files are read when something below their directory changes for the first time, and again after a
//! .gitignore has changed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::Match;

/// The globs of a directory's .gitignore, if it has one.
#[derive(Debug, Default)]
pub struct Ignored {
    /// By absolute path.
    dirs: HashMap<PathBuf, Dir>,
    user: Option<Gitignore>,
}

#[derive(Debug)]
struct Dir {
    globs: Vec<Gitignore>,
    /// The top of a work tree.
    is_top: bool,
}

impl Ignored {
    /// Whether `inside`, a path below the directory `watched`, is left out.
    pub fn has(&mut self, watched: &Path, inside: &Path, is_dir: bool) -> bool {
        if inside.file_name().is_some_and(|name| name == ".gitignore") {
            self.dirs.clear();
        }
        if inside.iter().any(|name| name == ".git") {
            return true;
        }
        // Of a path that is relative or has links, the way up is another.
        let Ok(base) = fs::canonicalize(watched) else {
            return false;
        };
        let path = base.join(inside);
        let above: Vec<&Path> = path.ancestors().skip(1).collect();
        for dir in &above {
            if !self.dirs.contains_key(*dir) {
                self.dirs.insert((*dir).to_owned(), Dir::read(dir));
            }
        }
        let known = above
            .iter()
            .filter_map(|dir| Some((*dir, self.dirs.get(*dir)?)));
        // Without a work tree, what is above the watched directory has no say.
        let top = known.clone().find(|(_, dir)| dir.is_top);
        let top = top.map_or(base.as_path(), |(top, _)| top);
        for (dir, known) in known.take_while(|(dir, _)| dir.starts_with(top)) {
            let below = path.strip_prefix(dir).unwrap_or(inside);
            let said = known
                .globs
                .iter()
                .find_map(|globs| verdict(globs, below, is_dir));
            if let Some(ignored) = said {
                return ignored;
            }
        }
        let user = self.user.get_or_insert_with(|| Gitignore::global().0);
        let inside = inside.strip_prefix("/").unwrap_or(inside);
        verdict(user, inside, is_dir).unwrap_or(false)
    }
}

impl Dir {
    fn read(dir: &Path) -> Self {
        let is_top = fs::symlink_metadata(dir.join(".git")).is_ok();
        let files = [".gitignore", ".git/info/exclude"];
        let globs = files.iter().filter_map(|file| read(&dir.join(file)));
        Dir {
            globs: globs.collect(),
            is_top,
        }
    }
}

fn read(file: &Path) -> Option<Gitignore> {
    let text = fs::read_to_string(file).ok()?;
    let mut globs = GitignoreBuilder::new("");
    for line in text.lines() {
        // As git does: a line that is not understood matches nothing.
        let _ = globs.add_line(None, line);
    }
    globs.build().ok().filter(|globs| !globs.is_empty())
}

/// What the globs say of a relative path, if they say anything.
fn verdict(globs: &Gitignore, path: &Path, is_dir: bool) -> Option<bool> {
    match globs.matched_path_or_any_parents(path, is_dir) {
        Match::None => None,
        Match::Ignore(_) => Some(true),
        Match::Whitelist(_) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gitignore_on_the_way_up_is_asked() {
        let top = std::env::temp_dir().join(format!("watchq-ignored-{}", std::process::id()));
        let work = top.join("work");
        fs::create_dir_all(work.join("src/deep")).expect("folders can be made");
        fs::create_dir_all(work.join(".git/info")).expect("folders can be made");
        fs::write(top.join(".gitignore"), "*.c\n").expect("it can be written");
        fs::write(work.join(".gitignore"), "*.o\n/out/\n").expect("it can be written");
        fs::write(work.join("src/.gitignore"), "!keep.o\n").expect("it can be written");
        fs::write(work.join(".git/info/exclude"), "mine\n").expect("it can be written");

        let mut ignored = Ignored::default();
        for (watched, inside, wanted) in [
            (&work, "a.o", true),
            (&work, "a.c", false),
            (&work, "src/deep/a.o", true),
            (&work, "src/deep/keep.o", false),
            (&work, "keep.o", true),
            (&work, "out/x", true),
            (&work, "src/out/x", false),
            (&work, "src/mine", true),
            (&work, ".git/index", true),
            (&work.join("src"), "deep/a.o", true),
            (&work.join("src"), "keep.o", false),
            (&work.join("none"), "a.o", false),
        ] {
            assert_eq!(
                ignored.has(watched, Path::new(inside), false),
                wanted,
                "{watched:?} {inside}"
            );
        }
        // A change is read.
        fs::write(work.join(".gitignore"), "*.h\n").expect("it can be written");
        assert!(!ignored.has(&work, Path::new(".gitignore"), false));
        assert!(!ignored.has(&work, Path::new("a.o"), false));
        assert!(ignored.has(&work, Path::new("a.h"), false));
        fs::remove_dir_all(&top).expect("it can be removed");
    }

    #[test]
    fn without_a_work_tree_only_what_is_watched_has_a_say() {
        let top = std::env::temp_dir().join(format!("watchq-ignored2-{}", std::process::id()));
        let base = top.join("base");
        fs::create_dir_all(&base).expect("folders can be made");
        fs::write(top.join(".gitignore"), "*.c\n").expect("it can be written");
        fs::write(base.join(".gitignore"), "*.o\n").expect("it can be written");
        let mut ignored = Ignored::default();
        assert!(ignored.has(&base, Path::new("a.o"), false));
        assert!(!ignored.has(&base, Path::new("a.c"), false));
        fs::remove_dir_all(&top).expect("it can be removed");
    }
}
