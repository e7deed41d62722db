// SPDX-License-Identifier: GPL-2.0

//! Errors as users see them: one line that says what is wrong, then what can be done.

use std::fmt;
use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::args::{Reach, Watching};
use crate::escape::escaped;
use crate::limits;

/// An error message with advice.
#[derive(Debug)]
pub struct Failure {
    message: String,
    advice: Vec<String>,
    broken_pipe: bool,
}

impl Failure {
    /// A failure without advice.
    pub fn new(message: impl Into<String>) -> Self {
        Failure {
            message: message.into(),
            advice: Vec::new(),
            broken_pipe: false,
        }
    }

    /// Adds a line of advice.
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// Whether the output could not be written because its reader went away.
    pub fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }

    /// The queue could not be opened with a ring of so many pages.
    pub fn opening(error: &io::Error, pages: usize) -> Self {
        match Errno::from_io_error(error) {
            // A container sees the host's modules, but only the devices that it was given.
            Some(Errno::NOENT) if Path::new("/sys/module/watch_queue_dev").exists() => {
                Failure::new("/dev/watch_queue is missing, though the kernel module is loaded")
                    .advise("give this container the device: podman run --device /dev/watch_queue, or systemd-nspawn --bind=/dev/watch_queue")
            }
            Some(Errno::NOENT | Errno::NXIO | Errno::NODEV) => {
                Failure::new("/dev/watch_queue is missing: the kernel module is not loaded")
                    .advise("load it as root: modprobe watch_queue_dev, or insmod watch_queue_dev.ko (make builds it)")
                    .advise("or try it in a virtual machine: make shell")
            }
            Some(Errno::ACCESS) => Failure::new("/dev/watch_queue may not be opened")
                .advise("see ls -l /dev/watch_queue: its mode is 0666, unless udev rules give it to a group"),
            Some(Errno::MFILE) if limits::has_free_file() => Failure::new(format!(
                "you have as many watch queues open as one user may ({})",
                limits::named("max_user_queues")
            ))
            .advise("watchq list shows which programs have them: end some")
            .advise(limits::raise("max_user_queues")),
            Some(Errno::MFILE) => no_free_file(),
            // So many that the crate cannot count their bytes, or the module says no.
            Some(Errno::INVAL) => wrong_pages(pages),
            None if error.kind() == io::ErrorKind::InvalidInput => wrong_pages(pages),
            Some(Errno::PERM) => Failure::new(format!(
                "a ring of {pages} pages exceeds the memory you may lock"
            ))
            .advise("give a smaller number with --pages, or raise ulimit -l"),
            Some(Errno::NOMEM) => Failure::new(format!("no memory for a ring of {pages} pages"))
                .advise("give a smaller number with --pages"),
            _ => Failure::new(format!("cannot open a watch queue: {}", said(error))),
        }
    }

    /// What is called so, and is no path to a file, could not be watched.
    pub fn watching_source(error: &io::Error, label: &Path) -> Self {
        match Errno::from_io_error(error) {
            Some(Errno::ACCESS | Errno::PERM) => {
                Failure::new(format!("{}: you may not watch it", escaped(label)))
                    .advise("mounts, file systems and devices are for their administrators, keys for who may view them")
            }
            Some(Errno::OPNOTSUPP) => Failure::new(format!(
                "{}: this kernel does not tell of its events",
                escaped(label)
            ))
            .advise("watchq info lists what it offers")
            .advise("Documentation/sources.rst says what takes a patch or probes=1"),
            Some(Errno::NOKEY) => Failure::new(format!("{}: there is no such key", escaped(label)))
                .advise("keyctl show, or /proc/keys, lists those that you may see"),
            Some(Errno::KEYEXPIRED | Errno::KEYREVOKED) => Failure::new(format!(
                "{}: cannot be watched: {}",
                escaped(label),
                said(error)
            )),
            Some(Errno::NOTBLK) => Failure::new(format!("{}: is no block device", escaped(label))),
            _ => Failure::watching(error, label),
        }
    }

    /// The path could not be watched with these options.
    pub fn watching_files(error: &io::Error, path: &Path, watching: &Watching) -> Self {
        let refused = Errno::from_io_error(error) == Some(Errno::INVAL);
        if Errno::from_io_error(error) == Some(Errno::XDEV) {
            return Failure::new(format!("{}: nothing is mounted there", escaped(path)))
                .advise("with --scope sb or mount give the mount point, as findmnt -T prints it; what is below a directory is watched by -r");
        }
        match watching.reach() {
            Reach::Mount if refused => Failure::new(format!(
                "{}: a mount does not know one of the events",
                escaped(path)
            ))
            .advise("with --scope mount there are access, modify, close, open and open_exec"),
            _ => Failure::watching(error, path),
        }
    }

    /// The path could not be watched.
    pub fn watching(error: &io::Error, path: &Path) -> Self {
        let path = escaped(path);
        match Errno::from_io_error(error) {
            Some(Errno::NOENT) => Failure::new(format!("{path}: no such file or directory")),
            Some(Errno::PERM) => Failure::new(format!("{path}: you may not watch all of that"))
                .advise("scopes wider than a subtree are for administrators of the whole file system; so is a subtree with unprivileged_subtrees=0"),
            Some(Errno::NOTDIR) => {
                Failure::new(format!("{path}: is no directory, so nothing is below it"))
            }
            Some(Errno::ACCESS) => Failure::new(format!("{path}: you may not watch it"))
                .advise("watching needs the right to read the file or directory"),
            Some(Errno::NOSPC | Errno::DQUOT) => Failure::new(format!(
                "{path}: you have as many watches as one user may ({}), or the file system as many on subtrees ({})",
                limits::named("max_user_watches"),
                limits::named("max_subtrees")
            ))
            .advise("watchq list shows which programs have them: end some")
            .advise(limits::raise("max_user_watches")),
            Some(Errno::MFILE) => no_free_file(),
            Some(Errno::NOMEM) => Failure::new(format!("{path}: no memory for another watch")),
            Some(Errno::OPNOTSUPP) => Failure::new(format!(
                "{path}: this kernel does not offer one of the events"
            ))
            .advise("watchq info lists what it offers"),
            _ => Failure::new(format!("{path}: cannot be watched: {}", said(error))),
        }
    }
}

fn no_free_file() -> Failure {
    Failure::new("this process has as many files open as it may (RLIMIT_NOFILE)")
        .advise("raise ulimit -n")
}

fn wrong_pages(pages: usize) -> Failure {
    Failure::new(format!("a ring cannot have {pages} pages")).advise(format!(
        "give a power of two, up to the module's parameter {}",
        limits::named("max_pages")
    ))
}

/// An error in words, without the number that nobody knows by heart.
pub fn said(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        for advice in &self.advice {
            write!(f, "\n  -> {advice}")?;
        }
        Ok(())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if Errno::from_io_error(&error) == Some(Errno::MFILE) {
            return no_free_file();
        }
        Failure {
            message: said(&error),
            advice: Vec::new(),
            broken_pipe: error.kind() == io::ErrorKind::BrokenPipe,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_words() {
        for number in 1..134 {
            let words = said(&io::Error::from_raw_os_error(number));
            assert!(!words.is_empty() && !words.contains("os error"), "{words}");
        }
        assert_eq!(said(&io::Error::from(Errno::MFILE)), "Too many open files");
    }

    #[test]
    fn a_full_table_of_queues_is_not_one_of_files() {
        let words = Failure::opening(&Errno::MFILE.into(), 16).to_string();
        assert!(
            words.contains("max_user_queues") && words.contains("echo"),
            "{words}"
        );
        let words = Failure::opening(&io::ErrorKind::InvalidInput.into(), 3).to_string();
        assert!(
            words.contains("cannot have 3 pages") && words.contains("max_pages"),
            "{words}"
        );
        let words = Failure::watching(&Errno::DQUOT.into(), Path::new("/x")).to_string();
        assert!(words.contains("max_user_watches"), "{words}");
    }
}
