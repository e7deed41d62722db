// SPDX-License-Identifier: GPL-2.0

//! Setting the watches for the paths of the command line, and finding a path by its cookie.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{fstat, open, FileType, Mode, OFlags};
use rustix::io::Errno;
use watch_queue::{Control, Scope, Watch, WatchFlags};

use crate::args::{Monitor, Reach};
use crate::escape::escaped;
use crate::failure::Failure;
use crate::sys;

/// One watched path, or something else that is watched.
#[derive(Debug)]
pub struct Watched {
    /// The path as it is printed: that of a directory ends with a slash. Of something that has no
    /// path, what it is.
    pub path: PathBuf,
    /// Device and inode number, to name the other path when two lead to one object.
    object: (u64, u64),
}

/// All that is watched. The cookie of a watch is its place in the list, counted from 1, because 0
/// in a loss stands for several watches. What is no path comes first, because the cookie is also its
/// id, which has 8 bits: only those of files have the cookie in their records.
#[derive(Debug, Default)]
pub struct List {
    all: Vec<Watched>,
    /// The number of the mount namespace whose mounts are watched, if any are; 0 is our own.
    pub mounts_of: Option<u64>,
}

impl List {
    /// Watches what the options say. A path that leads to an object that is watched already is left
    /// out, with a warning.
    pub fn set(control: &Control, options: &Monitor) -> Result<Self, Failure> {
        let mut list = List::default();
        list.set_sources(control, options)?;
        let events = options.wanted();
        for path in &options.paths {
            let (fd, watched, scope) =
                look_at(path, options.reach()).map_err(|error| Failure::watching(&error, path))?;
            let cookie = list.all.len() as u64 + 1;
            let watch = Watch::fd(fd.as_fd())
                .scope(scope)
                .flags(WatchFlags::PATH)
                .events(events)
                .cookie(cookie);
            match control.add(&watch) {
                Ok(_) => list.all.push(watched),
                Err(error) if Errno::from_io_error(&error) == Some(Errno::EXIST) => {
                    eprintln!("watchq: warning: {}", list.same_as(&watched));
                }
                Err(error) => return Err(Failure::watching(&error, path)),
            }
        }
        Ok(list)
    }

    fn set_sources(&mut self, control: &Control, options: &Monitor) -> Result<(), Failure> {
        match &options.mount {
            Some(None) => {
                self.add(control, "mounts".into(), Watch::mounts())?;
                self.mounts_of = Some(0);
            }
            Some(Some(path)) => {
                let fd = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
                    .map_err(|error| Failure::watching(&error.into(), path))?;
                self.add(control, path.clone(), Watch::mounts_of(fd.as_fd()))?;
                // Without its number, no places are known.
                self.mounts_of = sys::mount_namespace(fd.as_fd()).ok();
            }
            None => {}
        }
        for path in &options.sb {
            self.add(control, path.clone(), Watch::superblock(path))?;
        }
        for serial in &options.key {
            self.add(control, format!("key:{serial}").into(), Watch::key(*serial))?;
        }
        match &options.block {
            Some(None) => self.add(control, "block".into(), Watch::block_devices())?,
            Some(Some(path)) => self.add(control, path.clone(), Watch::block_device(path))?,
            None => {}
        }
        if options.usb {
            self.add(control, "usb".into(), Watch::usb())?;
        }
        Ok(())
    }

    /// Adds a watch of something else than a file, which is printed as `label`.
    fn add(&mut self, control: &Control, label: PathBuf, watch: Watch<'_>) -> Result<(), Failure> {
        let id = u8::try_from(self.all.len() + 1)
            .map_err(|_| Failure::new("so many things cannot be watched in one queue"))?;
        match control.add(&watch.id(id).cookie(id.into())) {
            Ok(_) => {
                self.all.push(Watched {
                    path: label,
                    object: (0, 0),
                });
                Ok(())
            }
            Err(error) if Errno::from_io_error(&error) == Some(Errno::EXIST) => {
                eprintln!("watchq: warning: {} is watched already", escaped(&label));
                Ok(())
            }
            Err(error) => Err(Failure::watching_source(&error, &label)),
        }
    }

    /// What the watch with this cookie is on.
    pub fn get(&self, cookie: u64) -> Option<&Watched> {
        let index = usize::try_from(cookie).ok()?.checked_sub(1)?;
        self.all.get(index)
    }

    /// A list of paths, for tests of what is printed.
    #[cfg(test)]
    pub fn example(paths: &[&str]) -> Self {
        List {
            all: paths.iter().map(|path| Watched::example(path)).collect(),
            mounts_of: None,
        }
    }

    /// How many watches there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    fn same_as(&self, watched: &Watched) -> String {
        let path = escaped(&watched.path);
        match self.all.iter().find(|other| other.object == watched.object) {
            Some(other) if other.path == watched.path => format!("{path} was given twice"),
            Some(other) => format!("{path} is the same as {}", escaped(&other.path)),
            None => format!("{path} is watched already"),
        }
    }
}

impl Watched {
    /// A watched path, for tests of what is printed.
    #[cfg(test)]
    pub fn example(path: &str) -> Self {
        Watched {
            path: path.into(),
            object: (0, 0),
        }
    }
}

/// Opens a path for watching and decides how far the watch reaches.
fn look_at(path: &Path, reach: Reach) -> io::Result<(OwnedFd, Watched, Scope)> {
    let fd = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let stat = fstat(&fd)?;
    let is_dir = FileType::from_raw_mode(stat.st_mode).is_dir();
    let path = if is_dir {
        with_slash(path)
    } else {
        path.to_owned()
    };
    let scope = match reach {
        Reach::Children if !is_dir => Scope::Object,
        Reach::Children => Scope::Children,
        Reach::Subtree => Scope::Subtree,
        Reach::Mount => Scope::Mount,
        Reach::Sb => Scope::Superblock,
    };
    Ok((
        fd,
        Watched {
            path,
            object: (stat.st_dev, stat.st_ino),
        },
        scope,
    ))
}

fn with_slash(path: &Path) -> PathBuf {
    let mut bytes = path.as_os_str().as_bytes().to_vec();
    if bytes.last() != Some(&b'/') {
        bytes.push(b'/');
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_end_with_one_slash() {
        for (path, printed) in [("/", "/"), ("a", "a/"), ("a/", "a/"), ("/a/b", "/a/b/")] {
            // As bytes: paths compare equal with and without the slash.
            assert_eq!(with_slash(Path::new(path)).as_os_str(), printed);
        }
    }

    #[test]
    fn cookies_count_from_one() {
        let list = List::example(&["a", "b"]);
        assert_eq!(list.get(1).unwrap().path, Path::new("a"));
        assert_eq!(list.get(2).unwrap().path, Path::new("b"));
        for cookie in [0, 3, u64::MAX] {
            assert!(list.get(cookie).is_none());
        }
    }

    #[test]
    fn a_second_path_to_an_object_is_explained() {
        let mut list = List::default();
        list.all.push(Watched {
            path: "a/".into(),
            object: (1, 2),
        });
        let say = |path: &str, inode| {
            list.same_as(&Watched {
                path: path.into(),
                object: (1, inode),
            })
        };
        assert_eq!(say("a/", 2), "a/ was given twice");
        assert_eq!(say("b/", 2), "b/ is the same as a/");
        assert_eq!(say("c", 3), "c is watched already");
    }

    #[test]
    fn files_and_directories_get_their_scopes() {
        let (_, dir, scope) = look_at(Path::new("/dev"), Reach::Children).unwrap();
        assert_eq!(
            (dir.path.as_os_str().as_bytes(), scope),
            (&b"/dev/"[..], Scope::Children)
        );
        let (_, file, scope) = look_at(Path::new("/dev/null"), Reach::Children).unwrap();
        assert_eq!(
            (file.path.as_os_str().as_bytes(), scope),
            (&b"/dev/null"[..], Scope::Object)
        );
        let missing = look_at(Path::new("/dev/null/none"), Reach::Children).unwrap_err();
        assert_eq!(Errno::from_io_error(&missing), Some(Errno::NOTDIR));
    }
}
