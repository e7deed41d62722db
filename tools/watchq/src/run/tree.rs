// SPDX-License-Identifier: GPL-2.0

//! Whether a process is of the command's tree: its ancestors lead to us.
//!
//! We are the subreaper of all that we start, so a process whose parent has ended becomes our child. Only one
//! that is gone when it is asked about cannot be known, unless it was seen before.

use std::collections::HashMap;
use std::fs;

/// The process that did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command, or what it started.
    Own,
    /// Another program.
    Foreign,
    /// It is gone, or the kernel does not say.
    Unknown,
}

/// The processes that are known.
#[derive(Debug, Default)]
pub struct Tree {
    /// What they were when they could be asked.
    seen: HashMap<u32, Origin>,
    /// The one that was asked about last, since events come many at a time.
    last: Option<(u32, Origin)>,
}

impl Tree {
    /// What a process is to the command; `running` says whether the command may be at work.
    pub fn origin(&mut self, pid: u32, running: bool) -> Origin {
        if let Some((_, origin)) = self.last.filter(|(last, _)| *last == pid) {
            return origin;
        }
        let origin = match self.judge(pid, std::process::id(), parent) {
            // Without the command, there is nobody else.
            Origin::Unknown if !running => Origin::Foreign,
            origin => origin,
        };
        self.last = Some((pid, origin));
        origin
    }

    /// What is read from now on comes later.
    pub fn read_on(&mut self) {
        self.last = None;
    }

    /// The same as origin, with the means to tell a process' parent.
    fn judge(&mut self, pid: u32, us: u32, parent: impl Fn(u32) -> Option<u32>) -> Origin {
        if pid == 0 {
            return Origin::Unknown;
        }
        let mut at = pid;
        // A tree that changes while it is climbed has no loops that last.
        let origin = (0..1000).find_map(|_| {
            if at == us {
                return Some(Origin::Own);
            }
            match parent(at) {
                None => Some(Origin::Unknown),
                Some(0) => Some(Origin::Foreign),
                Some(above) => {
                    at = above;
                    None
                }
            }
        });
        match origin {
            Some(known @ (Origin::Own | Origin::Foreign)) => {
                self.seen.insert(pid, known);
                known
            }
            // One that can be asked is, since its number may have been another's.
            _ => self.seen.get(&pid).copied().unwrap_or(Origin::Unknown),
        }
    }

    /// Forgets all, since numbers of processes come again.
    pub fn clear(&mut self) {
        self.seen.clear();
        self.last = None;
    }
}

/// The parent of a process, also of one that has ended and waits for its parent.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parent_in(&stat)
}

/// The name in the brackets may have any bytes, brackets and spaces among them.
fn parent_in(stat: &[u8]) -> Option<u32> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end..)?).ok()?;
    rest.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_read_behind_any_name() {
        assert_eq!(parent_in(b"7 (a) b) S 42 7 7 0"), Some(42));
        assert_eq!(parent_in(b"7 (\xff) 1 (x) Z 4 7"), Some(4));
        assert_eq!(parent_in(b"7 (a"), None);
        assert_eq!(parent_in(b""), None);
        assert_eq!(
            parent(std::process::id()),
            Some(std::os::unix::process::parent_id())
        );
    }

    #[test]
    fn ancestors_decide() {
        let parents = |pid| match pid {
            1 => Some(0),
            5 | 20 => Some(1),
            6 => Some(5),
            7 => Some(6),
            21 => Some(20),
            _ => None,
        };
        let mut tree = Tree::default();
        for (pid, origin) in [
            (5, Origin::Own),
            (7, Origin::Own),
            (21, Origin::Foreign),
            (1, Origin::Foreign),
            (0, Origin::Unknown),
            (99, Origin::Unknown),
        ] {
            assert_eq!(tree.judge(pid, 5, parents), origin, "{pid}");
        }
        // What was seen is known when it is gone.
        assert_eq!(tree.judge(7, 5, |_| None), Origin::Own);
        assert_eq!(tree.judge(6, 5, |_| None), Origin::Unknown);
        // Its number is another's now.
        assert_eq!(tree.judge(7, 5, |_| Some(0)), Origin::Foreign);
        tree.clear();
        assert_eq!(tree.judge(7, 5, |_| None), Origin::Unknown);
        assert_eq!(tree.origin(0, false), Origin::Foreign);
    }
}
