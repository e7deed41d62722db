// SPDX-License-Identifier: GPL-2.0

//! Where mounts are, by their unique ids: for records, which have the ids only.
//!
//! What is mounted now is read from /proc. A mount that has gone keeps the place it was last
//! known at, so that its end can be told with it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{statx, AtFlags, StatxFlags, CWD};

/// Mount points by unique id, as far as they are known.
#[derive(Debug, Default)]
pub struct Mounts(HashMap<u64, PathBuf>);

impl Mounts {
    /// The mounts of the program's own namespace.
    pub fn of_this_namespace() -> Self {
        let mut mounts = Mounts::default();
        mounts.look();
        mounts
    }

    /// Where the mount is, or was last.
    pub fn get(&self, id: u64) -> Option<&Path> {
        self.0.get(&id).map(PathBuf::as_path)
    }

    /// Looks again at what is mounted.
    pub fn look(&mut self) {
        let table = fs::read("/proc/self/mountinfo").unwrap_or_default();
        for line in table.split(|byte| *byte == b'\n') {
            // Parts of a line: id, parent, device, root, mount point, ...
            let Some(point) = line.split(|byte| *byte == b' ').nth(4) else {
                continue;
            };
            let path = PathBuf::from(OsString::from_vec(unescape(point)));
            // Of two mounts on one another, the path leads to the upper one.
            if let Some(id) = unique_id(&path) {
                self.0.insert(id, path);
            }
        }
    }
}

/// The unique id of the mount that a path leads to.
fn unique_id(path: &Path) -> Option<u64> {
    const MNT_ID_UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);
    let stat = statx(CWD, path, AtFlags::NO_AUTOMOUNT, MNT_ID_UNIQUE).ok()?;
    (stat.stx_mask & MNT_ID_UNIQUE.bits() != 0).then_some(stat.stx_mnt_id)
}

/// Undoes the octal escapes of /proc/self/mountinfo.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, others @ ..] = rest {
        let digits = others
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match (first, code) {
            (b'\\', Some(code)) => {
                out.push(code);
                rest = &others[3..];
            }
            _ => {
                out.push(*first);
                rest = others;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        for (escaped, path) in [
            ("/a", "/a"),
            ("/a\\040b\\134c", "/a b\\c"),
            ("/a\\", "/a\\"),
            ("/a\\0", "/a\\0"),
            ("/\\999", "/\\999"),
        ] {
            assert_eq!(unescape(escaped.as_bytes()), path.as_bytes(), "{escaped}");
        }
    }

    #[test]
    fn unknown_mounts_have_no_place() {
        assert_eq!(Mounts::default().get(1), None);
    }
}
