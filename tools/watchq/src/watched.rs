// SPDX-License-Identifier: GPL-2.0

//! Setting the watches for the paths of the command line, and finding a path by its cookie.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{fstat, open, statx, AtFlags, FileType, Mode, OFlags};
use rustix::fs::{StatxAttributes, StatxFlags};
use rustix::io::Errno;
use watch_queue::{Control, Handle, Scope, Watch, WatchFlags};

use crate::args::{Reach, Sources, Watching};
use crate::escape::escaped;
use crate::failure::Failure;
use crate::say;
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
    /// Watches what is no file.
    pub fn of_sources(control: &Control, sources: &Sources) -> Result<Self, Failure> {
        let mut list = List::default();
        list.set_sources(control, sources)?;
        Ok(list)
    }

    /// Watches files and directories. A path that leads to an object that is watched already is left
    /// out, with a warning.
    pub fn set_files(
        &mut self,
        control: &Control,
        watching: &Watching,
        paths: &[PathBuf],
    ) -> Result<(), Failure> {
        for path in paths {
            let failed = |error: &io::Error| Failure::watching_files(error, path, watching);
            let fd = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
                .map_err(|error| failed(&error.into()))?;
            if sys::is_namespace(fd.as_fd()) {
                return Err(Failure::new(format!(
                    "{}: is a namespace, not a file to watch",
                    escaped(path)
                ))
                .advise("the mounts in it are watched by --mounts-of"));
            }
            let cookie = self.reserve(path);
            if let Err(error) = self.aim(control, watching, cookie, &fd) {
                if Errno::from_io_error(&error) != Some(Errno::EXIST) {
                    return Err(failed(&error));
                }
                say::warn(&self.shared(cookie, &fd));
                self.all.pop();
            }
        }
        Ok(())
    }

    /// Takes a path into the list that leads to nothing yet; returns its cookie.
    pub fn reserve(&mut self, path: &Path) -> u64 {
        self.all.push(Watched {
            path: path.to_owned(),
            object: (0, 0),
        });
        self.all.len() as u64
    }

    /// Watches what a path of the list leads to now. EEXIST when that is watched already; EXDEV when all of a mount or
    /// of a file system is to be watched and the path is below where it is mounted: printed paths would be wrong.
    pub fn aim(
        &mut self,
        control: &Control,
        watching: &Watching,
        cookie: u64,
        fd: &OwnedFd,
    ) -> io::Result<Handle> {
        let stat = fstat(fd)?;
        let is_dir = FileType::from_raw_mode(stat.st_mode).is_dir();
        let wide = matches!(watching.reach(), Reach::Mount | Reach::Sb);
        if wide && !is_mount_point(fd)? {
            return Err(Errno::XDEV.into());
        }
        let watch = Watch::fd(fd.as_fd())
            .scope(scope(watching.reach(), is_dir))
            .flags(WatchFlags::PATH)
            .events(watching.wanted())
            .cookie(cookie);
        let handle = control.add(&watch)?;
        if let Some(watched) = self.get_mut(cookie) {
            watched.path = shown(&watched.path, is_dir);
            watched.object = (stat.st_dev, stat.st_ino);
        }
        Ok(handle)
    }

    /// Whether a path of the list led to this object when it was watched last.
    pub fn aims_at(&self, cookie: u64, fd: &OwnedFd) -> bool {
        let object = fstat(fd).map(|stat| (stat.st_dev, stat.st_ino));
        let known = self.get(cookie).map(|watched| watched.object);
        object.is_ok_and(|object| known == Some(object))
    }

    /// Says that a path leads to what another one leads to as well.
    pub fn shared(&self, cookie: u64, fd: &OwnedFd) -> String {
        let path = self.get(cookie).map(|watched| watched.path.clone());
        let stat = fstat(fd).ok();
        let is_dir = stat.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir());
        self.same_as(&Watched {
            path: shown(&path.unwrap_or_default(), is_dir),
            object: stat.map_or((0, 0), |stat| (stat.st_dev, stat.st_ino)),
        })
    }

    fn set_sources(&mut self, control: &Control, sources: &Sources) -> Result<(), Failure> {
        if sources.mounts {
            self.add(control, "mounts".into(), Watch::mounts())?;
            self.mounts_of = Some(0);
        }
        if let Some(path) = &sources.mounts_of {
            let fd = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
                .map_err(|error| Failure::watching(&error.into(), path))?;
            self.add(control, path.clone(), Watch::mounts_of(fd.as_fd()))?;
            // Without its number, no places are known.
            self.mounts_of = sys::mount_namespace(fd.as_fd()).ok();
        }
        for path in &sources.sb {
            self.add(control, path.clone(), Watch::superblock(path))?;
        }
        for serial in &sources.key {
            self.add(control, format!("key:{serial}").into(), Watch::key(*serial))?;
        }
        if sources.block_errors {
            self.add(control, "block".into(), Watch::block_devices())?;
        }
        for path in &sources.block {
            self.add(control, path.clone(), Watch::block_device(path))?;
        }
        if sources.usb {
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
                say::warn(&format!("{} is watched already", escaped(&label)));
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

    fn get_mut(&mut self, cookie: u64) -> Option<&mut Watched> {
        let index = usize::try_from(cookie).ok()?.checked_sub(1)?;
        self.all.get_mut(index)
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
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.path.as_os_str().as_bytes().ends_with(b"/")
    }

    /// A watched path, for tests of what is printed.
    #[cfg(test)]
    pub fn example(path: &str) -> Self {
        Watched {
            path: path.into(),
            object: (0, 0),
        }
    }
}

/// Whether something is mounted here.
fn is_mount_point(fd: &OwnedFd) -> io::Result<bool> {
    let stat = statx(fd, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?;
    Ok(stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

fn scope(reach: Reach, is_dir: bool) -> Scope {
    match reach {
        // Below a file there is nothing: it is watched itself.
        Reach::Children | Reach::Subtree if !is_dir => Scope::Object,
        Reach::Children => Scope::Children,
        Reach::Subtree => Scope::Subtree,
        Reach::Mount => Scope::Mount,
        Reach::Sb => Scope::Superblock,
    }
}

/// A path as it is printed.
fn shown(path: &Path, is_dir: bool) -> PathBuf {
    if is_dir {
        return with_slash(path);
    }
    let bytes = path.as_os_str().as_bytes();
    OsStr::from_bytes(bytes.strip_suffix(b"/").unwrap_or(bytes)).into()
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
        assert_eq!(scope(Reach::Children, true), Scope::Children);
        assert_eq!(scope(Reach::Children, false), Scope::Object);
        assert_eq!(scope(Reach::Subtree, true), Scope::Subtree);
        assert_eq!(scope(Reach::Subtree, false), Scope::Object);
        assert_eq!(scope(Reach::Sb, false), Scope::Superblock);
    }

    #[test]
    fn a_path_is_printed_as_what_it_leads_to() {
        for (path, is_dir, printed) in [("a", true, "a/"), ("a/", false, "a"), ("a", false, "a")] {
            assert_eq!(shown(Path::new(path), is_dir).as_os_str(), printed);
        }
    }
}
