// SPDX-License-Identifier: GPL-2.0

//! --follow: watches what paths lead to, through everything that turns them elsewhere.
//!
//! Every directory on the way of a path is watched, in a queue of its own, for the one name that is
//! looked up in it. When something happens to such a name, the way is gone again. A directory is watched
//! before the name is looked up, so nothing falls between; and whether a path leads to another object
//! than before is what the kernel says when that is to be watched: numbers of inodes are used again.

mod walk;

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use rustix::fs::fstat;
use rustix::io::Errno;
use watch_queue::{Control, Events, Handle, Kind, Queue, Ring, Scope, Watch};

use crate::args::Watching;
use crate::failure::Failure;
use crate::names::{APPEARED, GONE, REPLACED};
use crate::watched::List;
use walk::walk;

/// The paths that are followed, and the directories on their ways.
#[derive(Debug)]
pub struct Follower {
    ways: Ways,
    ring: Ring,
    paths: Vec<Followed>,
}

/// A path that leads elsewhere now.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    pub cookie: u64,
    /// APPEARED, REPLACED or GONE.
    pub event: Events,
    /// The process that turned it; 0 when it is not known.
    pub pid: u32,
}

/// One path.
#[derive(Debug)]
struct Followed {
    path: PathBuf,
    /// Its place in the list of all that is watched.
    cookie: u64,
    /// The watch on what it leads to, if it leads to something.
    target: Option<Handle>,
}

/// The directories, by the cookies of their watches.
#[derive(Debug)]
struct Ways {
    control: Control,
    dirs: HashMap<u64, Dir>,
    last: u64,
}

#[derive(Debug)]
struct Dir {
    handle: Handle,
    /// Device and inode number: right for the directory whose watch lives.
    object: (u64, u64),
    /// The names that matter, and the index of the path to which.
    names: Vec<(OsString, usize)>,
}

impl Follower {
    /// Watches what the paths lead to, and what may turn them.
    pub fn set(
        control: &Control,
        list: &mut List,
        watching: &Watching,
        paths: &[PathBuf],
    ) -> Result<Self, Failure> {
        let pages = watching.pages;
        let (own, ring) = Queue::builder()
            .pages(pages)
            .open()
            .map_err(|error| Failure::opening(&error, pages))?;
        let mut follower = Follower {
            ways: Ways {
                control: own,
                dirs: HashMap::new(),
                last: 0,
            },
            ring,
            paths: Vec::new(),
        };
        for path in paths {
            let cookie = list.reserve(path);
            follower.paths.push(Followed {
                path: path.clone(),
                cookie,
                target: None,
            });
        }
        for index in 0..paths.len() {
            let found = follower.refresh(control, list, watching, index);
            if let (Err(error), Some(path)) = (found, paths.get(index)) {
                return Err(Failure::watching(&error, path));
            }
        }
        Ok(follower)
    }

    /// The queue to wait for.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Reads what happened on the ways; returns the paths that lead elsewhere now.
    pub fn changes(
        &mut self,
        control: &Control,
        list: &mut List,
        watching: &Watching,
    ) -> Result<Vec<Change>, Failure> {
        // By index: the last part of the path that did it.
        let mut turned = BTreeMap::new();
        while let Some(record) = self.ring.next()? {
            match record.kind()? {
                Kind::Fs(fs) => {
                    let names = self.ways.dirs.get(&fs.cookie()).map(|dir| &dir.names);
                    let hit = names.into_iter().flatten();
                    let hit = hit.filter(|(name, _)| Some(name.as_os_str()) == fs.name());
                    turned.extend(hit.map(|(_, index)| (*index, fs.pid())));
                }
                Kind::Removal(removal) => {
                    let dir = self.ways.dirs.remove(&removal.cookie);
                    let names = dir.into_iter().flat_map(|dir| dir.names);
                    turned.extend(names.map(|(_, index)| (index, 0)));
                }
                Kind::Loss(_) => turned.extend((0..self.paths.len()).map(|index| (index, 0))),
                _ => {}
            }
        }
        let mut changes = Vec::new();
        for (index, pid) in turned {
            let change = self.look(control, list, watching, index)?;
            changes.extend(change.map(|change| Change { pid, ..change }));
        }
        Ok(changes)
    }

    /// The watch on what a path led to has ended; looks whether it leads to something else.
    pub fn ended(
        &mut self,
        control: &Control,
        list: &mut List,
        watching: &Watching,
        cookie: u64,
    ) -> Result<Option<Change>, Failure> {
        match self.paths.iter().position(|path| path.cookie == cookie) {
            Some(index) => self.look(control, list, watching, index),
            None => Ok(None),
        }
    }

    /// Whether the cookie is that of a path.
    pub fn has(&self, cookie: u64) -> bool {
        self.paths.iter().any(|path| path.cookie == cookie)
    }

    /// As [`Self::refresh`], but what must not be watched, or reached, is as good as gone.
    fn look(
        &mut self,
        control: &Control,
        list: &mut List,
        watching: &Watching,
        index: usize,
    ) -> Result<Option<Change>, Failure> {
        let change = match self.refresh(control, list, watching, index) {
            Ok(change) => change,
            Err(error) => {
                let Some(followed) = self.paths.get_mut(index) else {
                    return Ok(None);
                };
                crate::say::warn(&Failure::watching(&error, &followed.path));
                followed.target.take().map(|handle| {
                    // It may have ended by itself.
                    let _ = control.remove(handle);
                    GONE
                })
            }
        };
        let cookie = self.paths.get(index).map(|path| path.cookie);
        Ok(cookie.zip(change).map(|(cookie, event)| Change {
            cookie,
            event,
            pid: 0,
        }))
    }

    /// Goes the way of a path again, and watches what it leads to.
    fn refresh(
        &mut self,
        control: &Control,
        list: &mut List,
        watching: &Watching,
        index: usize,
    ) -> io::Result<Option<Events>> {
        let Some(followed) = self.paths.get_mut(index) else {
            return Ok(None);
        };
        self.ways.forget(index);
        let found = walk(&followed.path, |dir, name| self.ways.add(dir, name, index));
        self.ways.sweep();
        let Some(fd) = found? else {
            return Ok(followed.target.take().map(|handle| {
                let _ = control.remove(handle);
                GONE
            }));
        };
        match list.aim(control, watching, followed.cookie, &fd) {
            Ok(handle) => Ok(Some(match followed.target.replace(handle) {
                Some(old) => {
                    let _ = control.remove(old);
                    REPLACED
                }
                None => APPEARED,
            })),
            // Watched already: by this path, as before, or by another that leads there as well.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::EXIST) => {
                if followed.target.is_some() && list.aims_at(followed.cookie, &fd) {
                    return Ok(None);
                }
                crate::say::warn(&Failure::new(list.shared(followed.cookie, &fd)));
                Ok(followed.target.take().map(|handle| {
                    let _ = control.remove(handle);
                    REPLACED
                }))
            }
            Err(error) => Err(error),
        }
    }
}

impl Ways {
    /// Watches the directory `dir` for the name.
    fn add(&mut self, dir: BorrowedFd<'_>, name: &OsStr, index: usize) -> io::Result<()> {
        let stat = fstat(dir)?;
        let object = (stat.st_dev, stat.st_ino);
        let cookie = self.last.saturating_add(1);
        let watch = Watch::fd(dir.as_fd())
            .scope(Scope::Children)
            .events(Events::CREATE | Events::DELETE | Events::MOVE)
            .cookie(cookie);
        let name = (name.to_owned(), index);
        match self.control.add(&watch) {
            Ok(handle) => {
                self.last = cookie;
                // One with the same numbers has gone, but its end was not read yet.
                let mut names = vec![name];
                self.dirs.retain(|_, other| {
                    let same = other.object == object;
                    if same {
                        names.append(&mut other.names);
                    }
                    !same
                });
                self.dirs.insert(
                    cookie,
                    Dir {
                        handle,
                        object,
                        names,
                    },
                );
            }
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::EXIST) => {
                    if let Some(known) = self.dirs.values_mut().find(|dir| dir.object == object) {
                        known.names.push(name);
                    }
                }
                // A directory that may be passed but not read, as those of other users above us.
                Some(Errno::ACCESS | Errno::PERM) => {}
                _ => return Err(error),
            },
        }
        Ok(())
    }

    /// Takes a path out of the directories on its old way.
    fn forget(&mut self, index: usize) {
        for dir in self.dirs.values_mut() {
            dir.names.retain(|(_, other)| *other != index);
        }
    }

    /// Ends the watches that no path needs any more.
    fn sweep(&mut self) {
        let control = &self.control;
        self.dirs.retain(|_, dir| {
            let needed = !dir.names.is_empty();
            if !needed {
                // It may have ended by itself.
                let _ = control.remove(dir.handle);
            }
            needed
        });
    }
}
