// SPDX-License-Identifier: GPL-2.0

//! Errors as users see them: one line that says what is wrong, then what can be done.

use std::fmt;
use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::escape::escaped;

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
            Some(Errno::NOENT | Errno::NXIO | Errno::NODEV) => {
                Failure::new("/dev/watch_queue is missing: the kernel module is not loaded")
                    .advise("load it as root: insmod watch_queue_dev.ko (make builds it)")
                    .advise("or try it in a virtual machine: make shell")
            }
            Some(Errno::ACCESS) => Failure::new("/dev/watch_queue may not be opened")
                .advise("its mode should be 0666: see ls -l /dev/watch_queue"),
            Some(Errno::INVAL) => Failure::new(format!("a ring cannot have {pages} pages"))
                .advise("give a power of two, up to the module's maximum (its parameter)"),
            Some(Errno::PERM) => Failure::new(format!(
                "a ring of {pages} pages exceeds the memory you may lock"
            ))
            .advise("give a smaller number with --pages, or raise ulimit -l"),
            _ => Failure::new(format!("cannot open a watch queue: {error}")),
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
            _ => Failure::watching(error, label),
        }
    }

    /// The path could not be watched.
    pub fn watching(error: &io::Error, path: &Path) -> Self {
        let path = escaped(path);
        match Errno::from_io_error(error) {
            Some(Errno::NOENT) => Failure::new(format!("{path}: no such file or directory")),
            Some(Errno::PERM) => Failure::new(format!("{path}: you may not watch all of that"))
                .advise("-r and wider scopes are for the administrator of the whole file system"),
            Some(Errno::NOTDIR) => {
                Failure::new(format!("{path}: is no directory, so nothing is below it"))
            }
            Some(Errno::ACCESS) => Failure::new(format!("{path}: you may not watch it"))
                .advise("watching needs the right to read the file or directory"),
            Some(Errno::NOSPC | Errno::DQUOT) => Failure::new(format!(
                "{path}: you have reached the limit on watches per user"
            ))
            .advise("end other programs that watch, or raise the module's limit")
            .advise("see its parameters in /sys/module/watch_queue_dev/parameters"),
            Some(Errno::NOMEM) => Failure::new(format!("{path}: no memory for another watch")),
            Some(Errno::OPNOTSUPP) => Failure::new(format!(
                "{path}: this kernel does not offer one of the events"
            ))
            .advise("watchq info lists what it offers"),
            _ => Failure::new(format!("{path}: cannot be watched: {error}")),
        }
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
        Failure {
            message: error.to_string(),
            advice: Vec::new(),
            broken_pipe: error.kind() == io::ErrorKind::BrokenPipe,
        }
    }
}
