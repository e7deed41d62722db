// SPDX-License-Identifier: GPL-2.0

//! The way that a path leads, step by step, with every directory that can turn it elsewhere.
//!
//! The kernel's own look-up says where a path leads, but not which directories it asked, and a symbolic
//! link on the way adds its own. So each name is looked up here, after the caller has been told of it: who
//! watches the directory at that moment hears of every later change.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use rustix::fs::{fstat, open, openat, readlinkat, FileType, Mode, OFlags};
use rustix::io::Errno;

/// As many symbolic links as the kernel follows.
const MAX_LINKS: u32 = 40;

const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Goes the way of `path`, and opens what it leads to; `None` if that is not there. `visit` gets each
/// directory and the name that is looked up in it next.
pub fn walk(
    path: &Path,
    mut visit: impl FnMut(BorrowedFd<'_>, &OsStr) -> io::Result<()>,
) -> io::Result<Option<OwnedFd>> {
    let mut here = start(path)?;
    let mut left: VecDeque<OsString> = names(path).collect();
    let mut links = 0;
    while let Some(name) = left.pop_front() {
        if name == ".." {
            here = openat(&here, "..", DIRECTORY, Mode::empty())?;
            continue;
        }
        visit(here.as_fd(), &name)?;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let next = match openat(&here, &name, flags, Mode::empty()) {
            Ok(next) => next,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match FileType::from_raw_mode(fstat(&next)?.st_mode) {
            FileType::Symlink => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::LOOP.into());
                }
                let target = readlinkat(&next, "", Vec::new())?;
                let target = Path::new(OsStr::from_bytes(target.to_bytes()));
                if target.has_root() {
                    here = start(target)?;
                }
                for name in names(target).collect::<Vec<_>>().into_iter().rev() {
                    left.push_front(name);
                }
            }
            FileType::Directory => here = next,
            _ if left.is_empty() => return Ok(Some(next)),
            _ => return Ok(None),
        }
    }
    Ok(Some(here))
}

fn start(path: &Path) -> io::Result<OwnedFd> {
    let from = if path.has_root() { "/" } else { "." };
    Ok(open(from, DIRECTORY, Mode::empty())?)
}

/// The names that have to be looked up, `..` among them.
fn names(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// What is found, and the names that were looked up below `base`.
    fn way(base: &Path, path: &str) -> (io::Result<Option<u64>>, Vec<String>) {
        let top = fstat(open(base, DIRECTORY, Mode::empty()).unwrap())
            .unwrap()
            .st_ino;
        let mut seen = Vec::new();
        let mut below = false;
        let found = walk(&base.join(path), |dir, name| {
            below |= fstat(dir)?.st_ino == top;
            if below {
                seen.push(name.to_string_lossy().into_owned());
            }
            Ok(())
        });
        let found = found.map(|fd| fd.map(|fd| fstat(fd).unwrap().st_ino));
        (found, seen)
    }

    #[test]
    fn every_name_on_the_way_is_told() {
        let base = std::env::temp_dir().join(format!("watchq-walk-{}", std::process::id()));
        fs::create_dir_all(base.join("..data-1")).expect("folders can be made");
        fs::write(base.join("..data-1/conf"), "x").expect("a file can be made");
        symlink("..data-1", base.join("..data")).expect("a link can be made");
        symlink("..data/conf", base.join("conf")).expect("a link can be made");
        symlink("loop", base.join("loop")).expect("a link can be made");
        let inode = fstat(open(base.join("conf"), OFlags::PATH, Mode::empty()).unwrap());
        let inode = inode.unwrap().st_ino;

        // As a ConfigMap of Kubernetes is mounted: the first link stays, the second is turned.
        let (found, seen) = way(&base, "conf");
        assert_eq!(found.unwrap(), Some(inode));
        assert_eq!(seen, ["conf", "..data", "..data-1", "conf"]);
        let (found, seen) = way(&base, "..data-1/../conf");
        assert_eq!(found.unwrap(), Some(inode));
        assert_eq!(seen, ["..data-1", "conf", "..data", "..data-1", "conf"]);
        // What is missing is told, too, since it may come.
        let (found, seen) = way(&base, "later/dir/file");
        assert_eq!((found.unwrap(), seen.join(" ")), (None, "later".into()));
        let (found, seen) = way(&base, "conf/none");
        assert_eq!(found.unwrap(), None);
        assert_eq!(seen.len(), 4);
        let (found, _) = way(&base, "loop");
        assert_eq!(Errno::from_io_error(&found.unwrap_err()), Some(Errno::LOOP));
        fs::remove_dir_all(&base).expect("it can be removed");
    }
}
