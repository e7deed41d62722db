// SPDX-License-Identifier: GPL-2.0

//! Where `watchq monitor` writes: stdout, or a file that is opened again when it was moved away.

use std::fs::{File, OpenOptions};
use std::io::{self, StdoutLock, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use crate::escape::escaped;
use crate::failure::{said, Failure};

/// The output.
#[derive(Debug)]
pub enum Sink {
    Stdout(StdoutLock<'static>),
    File { path: PathBuf, file: File },
}

impl Sink {
    /// Opens the file, or takes stdout if none is given.
    pub fn open(path: Option<&Path>) -> Result<Self, Failure> {
        Ok(match path {
            None => Sink::Stdout(io::stdout().lock()),
            Some(path) => Sink::File {
                path: path.to_owned(),
                file: append(path)?,
            },
        })
    }

    /// Whose other end can go away.
    pub fn pipe(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Sink::Stdout(out) => Some(out.as_fd()),
            Sink::File { .. } => None,
        }
    }

    /// Opens the file again by its name. If that fails, the file of before goes on.
    pub fn reopen(&mut self) -> Result<(), Failure> {
        if let Sink::File { path, file } = self {
            *file = append(path)?;
        }
        Ok(())
    }
}

fn append(path: &Path) -> Result<File, Failure> {
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.map_err(|error| {
        Failure::new(format!(
            "{}: cannot be written: {}",
            escaped(path),
            said(&error)
        ))
    })
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Stdout(out) => out.write(bytes),
            Sink::File { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Stdout(out) => out.flush(),
            Sink::File { file, .. } => file.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_appended_to_and_opened_again() {
        let path = std::env::temp_dir().join(format!("watchq-sink-{}", std::process::id()));
        let moved = path.with_extension("1");
        fs::write(&path, "old\n").expect("it can be written");
        let mut sink = Sink::open(Some(&path)).unwrap();
        sink.write_all(b"a\n").unwrap();
        fs::rename(&path, &moved).expect("it can be moved");
        sink.write_all(b"b\n").unwrap();
        sink.reopen().unwrap();
        sink.write_all(b"c\n").unwrap();
        assert_eq!(fs::read_to_string(&moved).unwrap(), "old\na\nb\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "c\n");
        assert!(sink.pipe().is_none());
        fs::remove_file(&path).expect("it can be removed");
        fs::create_dir(&path).expect("it can be made");
        assert!(sink.reopen().is_err());
        sink.write_all(b"d\n").unwrap();
        fs::remove_dir(&path).expect("it can be removed");
        fs::remove_file(&moved).expect("it can be removed");
    }
}
