// SPDX-License-Identifier: GPL-2.0

//! `watchq info`: what the loaded kernel module offers, as a fresh queue reports it, and the limits with
//! where each comes from.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use watch_queue::{abi, Events, Info, Queue, Scope};

use crate::args;
use crate::failure::Failure;
use crate::limits::{self, Limit};
use crate::names;
use crate::Outcome;

const SOURCES: [(u32, &str); 6] = [
    (abi::TYPE_FS, "fs"),
    (abi::TYPE_MOUNT, "mount"),
    (abi::TYPE_SB, "sb"),
    (abi::TYPE_KEY, "key"),
    (abi::TYPE_BLOCK, "block"),
    (abi::TYPE_USB, "usb"),
];

/// `WATCH_HOOK_*`.
const HOOKS: [(u8, &str); 4] = [
    (0x01, "api"),
    (0x02, "tracepoint"),
    (0x04, "fprobe"),
    (0x80, "patch"),
];

/// By the names that --scope has; object and children are both its `children`.
const SCOPES: [(Scope, &str); 5] = [
    (Scope::Object, "object"),
    (Scope::Children, "children"),
    (Scope::Subtree, "subtree"),
    (Scope::Mount, "mount"),
    (Scope::Superblock, "sb"),
];

const FEATURES: [(u64, &str, &str); 3] = [
    (abi::FEATURE_LSM, "lsm", "LSM rules for watches on files"),
    (
        abi::FEATURE_PERMISSION,
        "permission",
        "permission to open, execute or read (watchq guard)",
    ),
    (
        abi::FEATURE_PROBES,
        "probes",
        "probes where the kernel has no hook (probes=1)",
    ),
];

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    abi_version: u32,
    features: BTreeMap<&'static str, bool>,
    sources: BTreeMap<&'static str, Source>,
    scopes: Vec<&'static str>,
    events: Vec<String>,
    limits: Vec<Limit>,
}

#[derive(Debug, Serialize)]
struct Source {
    events: u32,
    hooks: Vec<&'static str>,
}

/// Runs the command.
pub fn run(options: &args::Info) -> Result<Outcome, Failure> {
    let (control, _ring) = Queue::builder()
        .pages(1)
        .open()
        .map_err(|error| Failure::opening(&error, 1))?;
    let report = Report::new(&control.info()?, limits::all());
    let mut out = io::stdout().lock();
    if options.json {
        serde_json::to_writer(&mut out, &report).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    } else {
        report.print(&mut out)?;
    }
    Ok(Outcome::Done)
}

impl Report {
    fn new(info: &Info, limits: Vec<Limit>) -> Self {
        let sources = SOURCES
            .iter()
            .filter(|(source, _)| info.has_source(*source));
        let scopes = SCOPES.iter().filter(|(scope, _)| info.has_scope(*scope));
        let hooks = |source| {
            HOOKS
                .iter()
                .filter(move |(bit, _)| info.hooks(source) & bit != 0)
        };
        Report {
            abi_version: info.abi_version(),
            features: FEATURES
                .iter()
                .map(|(bit, name, _)| (*name, info.features() & bit != 0))
                .collect(),
            sources: sources
                .map(|(source, name)| {
                    let source = Source {
                        events: info.events(*source),
                        hooks: hooks(*source).map(|(_, hook)| *hook).collect(),
                    };
                    (*name, source)
                })
                .collect(),
            scopes: scopes.map(|(_, name)| *name).collect(),
            events: single(info.fs_events()).map(names::of).collect(),
            limits,
        }
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "ABI version: {}", self.abi_version)?;
        let known: Vec<_> = self.sources.keys().copied().collect();
        writeln!(out, "sources: {}", known.join(" "))?;
        for (_, name) in SOURCES {
            if let Some(source) = self.sources.get(name) {
                let hooks = source.hooks.join(" ");
                writeln!(out, "  {name}: events {:#x}, by {hooks}", source.events)?;
            }
        }
        writeln!(out, "scopes of files: {}", self.scopes.join(" "))?;
        writeln!(out, "events of files: {}", self.events.join(" "))?;
        for (_, name, words) in FEATURES {
            let on = self.features.get(name).is_some_and(|on| *on);
            writeln!(out, "{words}: {}", if on { "yes" } else { "no" })?;
        }
        writeln!(out, "limits:")?;
        for limit in &self.limits {
            let value = match limit.value {
                Some(value) => format!("{value} {}", limit.unit),
                None => "none".to_owned(),
            };
            let name = limit.name;
            writeln!(out, "  {name}: {value}, {} ({})", limit.of, limit.source)?;
        }
        Ok(())
    }
}

/// Only single events, no sets.
fn single(events: Events) -> impl Iterator<Item = Events> {
    let events = events.iter_names().map(|(_, event)| event);
    events.filter(|event| event.bits().is_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_the_same_in_words_and_json() {
        let report = Report {
            abi_version: 3,
            features: FEATURES
                .iter()
                .map(|(bit, name, _)| (*name, *bit == 1))
                .collect(),
            sources: [(
                "fs",
                Source {
                    events: 0xfff,
                    hooks: vec!["api", "patch"],
                },
            )]
            .into(),
            scopes: vec!["object", "sb"],
            events: vec!["create".into()],
            limits: vec![Limit {
                name: "max_pages",
                value: None,
                unit: "pages",
                of: "the largest ring",
                source: "/x".into(),
            }],
        };
        let mut text = Vec::new();
        report.print(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        for line in [
            "sources: fs\n",
            "  fs: events 0xfff, by api patch\n",
            "scopes of files: object sb\n",
            "LSM rules for watches on files: yes\n",
            "guard): no\n",
            "  max_pages: none, the largest ring (/x)\n",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["sources"]["fs"]["hooks"][1], "patch");
        assert_eq!(json["features"]["lsm"], true);
        assert!(json["limits"][0]["value"].is_null());
    }

    #[test]
    fn sets_are_no_events() {
        assert_eq!(single(Events::MOVE).count(), 2);
    }
}
