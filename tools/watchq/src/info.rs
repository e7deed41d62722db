// SPDX-License-Identifier: GPL-2.0

//! `watchq info`: what the loaded kernel module offers, as a fresh queue reports it.

use std::io::{self, Write};

use watch_queue::{abi, Events, Info, Queue, Scope};

use crate::failure::Failure;
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

const SCOPES: [(Scope, &str); 5] = [
    (Scope::Object, "object"),
    (Scope::Children, "children"),
    (Scope::Subtree, "subtree"),
    (Scope::Mount, "mount"),
    (Scope::Superblock, "superblock"),
];

/// Runs the command.
pub fn run() -> Result<Outcome, Failure> {
    let (control, _ring) = Queue::builder()
        .pages(1)
        .open()
        .map_err(|error| Failure::opening(&error, 1))?;
    let info = control.info()?;
    print(&mut io::stdout().lock(), &info)?;
    Ok(Outcome::Done)
}

fn print(out: &mut impl Write, info: &Info) -> io::Result<()> {
    let sources = SOURCES
        .iter()
        .filter(|(source, _)| info.has_source(*source));
    let scopes = SCOPES.iter().filter(|(scope, _)| info.has_scope(*scope));
    let events = info.fs_events().iter_names().map(|(_, event)| event);
    let lsm = if info.features() & abi::FEATURE_LSM != 0 {
        "apply"
    } else {
        "do not apply"
    };

    writeln!(out, "ABI version: {}", info.abi_version())?;
    writeln!(
        out,
        "sources: {}",
        words(sources.map(|(_, name)| (*name).to_owned()))
    )?;
    for (source, name) in SOURCES {
        if info.has_source(source) {
            let hooks = HOOKS
                .iter()
                .filter(|(bit, _)| info.hooks(source) & bit != 0);
            writeln!(
                out,
                "  {name}: events {:#x}, by {}",
                info.events(source),
                words(hooks.map(|(_, hook)| (*hook).to_owned()))
            )?;
        }
    }
    writeln!(
        out,
        "scopes of files: {}",
        words(scopes.map(|(_, name)| (*name).to_owned()))
    )?;
    writeln!(
        out,
        "events of files: {}",
        words(single(events).map(names::of))
    )?;
    writeln!(out, "LSM rules for watches on files: {lsm}")
}

/// Only single events, no sets.
fn single(events: impl Iterator<Item = Events>) -> impl Iterator<Item = Events> {
    events.filter(|event| event.bits().is_power_of_two())
}

fn words(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(" ")
}
