// SPDX-License-Identifier: GPL-2.0

//! Looks for a file that the kernel cannot place: one that was opened by its handle, as NFS servers do.
//!
//! `watchq guard` is asked about such a file, because it may be below what is guarded. It is looked for
//! there by its inode number, which is slow, but is done once: from then on the kernel knows the name.

use std::fs;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The names of a file below a directory, as far as they were found.
#[derive(Debug, PartialEq, Eq)]
pub struct Search {
    /// The paths with this inode number, all hard links among them.
    pub paths: Vec<PathBuf>,
    /// There are no others.
    pub complete: bool,
}

/// Looks for the inode number `inode` below `base`, on its file system, until the moment `until`.
pub fn find(base: &Path, inode: u64, until: Instant) -> Search {
    let mut search = Search {
        paths: Vec::new(),
        complete: true,
    };
    let Ok(top) = fs::metadata(base) else {
        search.complete = false;
        return search;
    };
    let mut left = vec![base.to_owned()];
    while let Some(dir) = left.pop() {
        let elsewhere = fs::symlink_metadata(&dir).map_or(true, |meta| meta.dev() != top.dev());
        if elsewhere {
            continue;
        }
        let Ok(entries) = fs::read_dir(&dir) else {
            search.complete = false;
            continue;
        };
        for entry in entries {
            if Instant::now() >= until {
                search.complete = false;
                return search;
            }
            let Ok(entry) = entry else {
                search.complete = false;
                continue;
            };
            // The look at the file makes its name known to the kernel.
            if entry.ino() == inode && fs::symlink_metadata(entry.path()).is_ok() {
                search.paths.push(entry.path());
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.push(entry.path());
            }
        }
    }
    search
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn all_names_are_found_and_only_those() {
        let base = std::env::temp_dir().join(format!("watchq-placeless-{}", std::process::id()));
        fs::create_dir_all(base.join("a/b")).expect("folders can be made");
        fs::write(base.join("a/b/file"), "x").expect("a file can be made");
        fs::write(base.join("other"), "x").expect("a file can be made");
        fs::hard_link(base.join("a/b/file"), base.join("link")).expect("it can be linked");
        let inode = fs::metadata(base.join("link")).expect("it is there").ino();
        let later = Instant::now() + Duration::from_secs(60);

        let mut search = find(&base, inode, later);
        search.paths.sort();
        assert_eq!(search.paths, [base.join("a/b/file"), base.join("link")]);
        assert!(search.complete);
        let none = find(&base.join("a/b"), inode + 1_000_000, later);
        assert_eq!((none.paths.len(), none.complete), (0, true));
        assert!(!find(&base, inode, Instant::now()).complete);
        assert!(!find(&base.join("missing"), inode, later).complete);
        fs::remove_dir_all(&base).expect("it can be removed");
    }
}
