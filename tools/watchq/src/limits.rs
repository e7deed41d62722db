// SPDX-License-Identifier: GPL-2.0

//! What bounds queues, rings and watches: the module's parameters and the limits of this process. For
//! `watchq info`, and for messages that say which limit was met and how it is raised.

use std::fs;

use rustix::process::{getrlimit, Resource};
use serde::Serialize;

/// Where the parameters of the loaded module are.
const PARAMETERS: &str = "/sys/module/watch_queue_dev/parameters";

/// A parameter of the module: its name, the unit of its value, and what it bounds.
const KNOWN: [(&str, &str, &str); 5] = [
    ("max_pages", "pages", "the largest ring"),
    ("max_user_queues", "queues", "open queues of one user"),
    ("max_user_watches", "watches", "watches of one user"),
    (
        "max_subtrees",
        "watches",
        "watches on subtrees of one file system",
    ),
    (
        "max_permission_ms",
        "ms",
        "the longest deadline for an answer",
    ),
];

/// A limit as it is now.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    pub name: &'static str,
    /// `None`: there is none, or it cannot be read.
    pub value: Option<u64>,
    pub unit: &'static str,
    /// What it bounds.
    pub of: &'static str,
    /// Where it comes from and is changed.
    pub source: String,
}

/// All limits.
pub fn all() -> Vec<Limit> {
    let module = KNOWN.iter().map(|(name, unit, of)| Limit {
        name,
        value: parameter(name),
        unit,
        of,
        source: format!("{PARAMETERS}/{name}"),
    });
    let process = [
        (
            "RLIMIT_MEMLOCK",
            Resource::Memlock,
            "bytes",
            "memory for all rings of the user",
            "ulimit -l, in KiB",
        ),
        (
            "RLIMIT_NOFILE",
            Resource::Nofile,
            "files",
            "open files of this process",
            "ulimit -n",
        ),
    ];
    let process = process.map(|(name, resource, unit, of, source)| Limit {
        name,
        value: getrlimit(resource).current,
        unit,
        of,
        source: source.to_owned(),
    });
    module.chain(process).collect()
}

/// A parameter's value, if the module is loaded and this may be read.
pub fn parameter(name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("{PARAMETERS}/{name}")).ok()?;
    text.trim().parse().ok()
}

/// A parameter in words: its name, and its value if that is known.
pub fn named(name: &str) -> String {
    match parameter(name) {
        Some(value) => format!("{name} = {value}"),
        None => name.to_owned(),
    }
}

/// How the administrator raises a parameter.
pub fn raise(name: &str) -> String {
    format!("or raise it as root: echo NUMBER >{PARAMETERS}/{name}")
}

/// Whether another file can still be opened.
pub fn has_free_file() -> bool {
    fs::File::open("/").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_says_where_it_comes_from() {
        let all = all();
        assert_eq!(all.len(), 7);
        let files = all.iter().find(|limit| limit.name == "RLIMIT_NOFILE");
        assert!(files.unwrap().value.unwrap() > 3);
        assert!(all.iter().all(|limit| !limit.source.is_empty()));
        assert_eq!(parameter("../none"), None);
        assert_eq!(named("none"), "none");
        assert!(has_free_file());
    }
}
