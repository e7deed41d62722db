// SPDX-License-Identifier: GPL-2.0

//! Where mounts are, by their unique ids: for records, which have the ids only.
//!
//! The kernel is asked about one mount at a time, by its id. No path is looked up, because that would wait
//! for the servers of whatever is mounted, for ever if one hangs; and what a new mount costs does not
//! depend on how many others there are. A mount that has gone keeps the place it was last known at, so
//! that its end can be told with it.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

use crate::sys::{self, MountStat};

/// Mount points by unique id, as far as they are known.
#[derive(Debug, Default)]
pub struct Mounts {
    points: HashMap<u64, OsString>,
    /// The number of the namespace; 0 is that of this program.
    namespace: u64,
}

impl Mounts {
    /// The mounts of a namespace; 0 is that of this program.
    pub fn of(namespace: u64) -> Self {
        let mut mounts = Mounts {
            points: HashMap::new(),
            namespace,
        };
        // What cannot be listed is not known, and looked up when its time comes.
        for id in sys::listmount(namespace, None).unwrap_or_default() {
            mounts.look(id);
        }
        mounts
    }

    /// Asks where a mount is now, and what it is.
    pub fn look(&mut self, id: u64) -> Option<MountStat> {
        let stat = sys::statmount(self.namespace, id).ok()?;
        if !stat.point.is_empty() {
            self.points.insert(id, stat.point.clone());
        }
        Some(stat)
    }

    /// The same for a mount that was moved, and took along what is mounted on it.
    pub fn look_below(&mut self, id: u64) {
        self.look(id);
        for id in sys::listmount(self.namespace, Some(id)).unwrap_or_default() {
            self.look(id);
        }
    }

    /// Where the mount is, or was last.
    pub fn get(&self, id: u64) -> Option<&OsStr> {
        self.points.get(&id).map(OsString::as_os_str)
    }

    /// Where the mount was that has gone.
    pub fn take(&mut self, id: u64) -> Option<OsString> {
        self.points.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_mounts_have_no_place() {
        let mut mounts = Mounts::default();
        assert_eq!(mounts.look(1), None);
        assert_eq!(mounts.get(1), None);
        assert_eq!(mounts.take(1), None);
    }
}
