// SPDX-License-Identifier: GPL-2.0

//! `watchq list`: every queue that the caller may see, its watches and its counters, from
//! /proc/PID/fdinfo. Nothing is asked of the device, so a queue costs nothing to look at.

mod fdinfo;

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;

use crate::args;
use crate::escape::escaped;
use crate::failure::{said, Failure};
use crate::Outcome;
use fdinfo::Shown;

/// A descriptor of a queue, in a process.
#[derive(Debug, Serialize)]
struct Holder {
    pid: u32,
    comm: String,
    fd: u32,
    #[serde(flatten)]
    queue: Shown,
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    holders: Vec<Holder>,
    /// Processes whose descriptors the caller may not see.
    hidden: usize,
}

/// Runs the command.
pub fn run(options: &args::List) -> Result<Outcome, Failure> {
    let found = look(Path::new("/proc"))
        .map_err(|error| Failure::new(format!("/proc: cannot be read: {}", said(&error))))?;
    let mut out = BufWriter::new(io::stdout().lock());
    if options.json {
        for holder in &found.holders {
            serde_json::to_writer(&mut out, holder).map_err(io::Error::from)?;
            out.write_all(b"\n")?;
        }
    } else {
        print(&mut out, &found.holders, options.watches)?;
    }
    out.flush()?;
    if found.hidden != 0 && !options.quiet {
        crate::say::info(&format!(
            "{} processes do not show their files to you: root sees all queues",
            found.hidden
        ));
    }
    Ok(Outcome::Done)
}

fn look(proc: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    for process in fs::read_dir(proc)?.flatten() {
        let Some(pid) = number(&process.file_name()) else {
            continue;
        };
        let fds = match fs::read_dir(process.path().join("fd")) {
            Ok(fds) => fds,
            Err(error) => {
                // One that has ended meanwhile is no secret.
                found.hidden += usize::from(error.kind() == io::ErrorKind::PermissionDenied);
                continue;
            }
        };
        for fd in fds.flatten() {
            // A container may have the device by another path, but hardly by another name. The link is
            // read, not followed: what it leads to may be on a server that hangs.
            let link = fs::read_link(fd.path()).unwrap_or_default();
            let name = link.file_name().unwrap_or_default().to_string_lossy();
            let Some(number) = number(&fd.file_name()).filter(|_| name.starts_with("watch_queue"))
            else {
                continue;
            };
            let text = fs::read_to_string(process.path().join(format!("fdinfo/{number}")));
            if let Some(queue) = text.ok().and_then(|text| Shown::parse(&text)) {
                let comm = fs::read(process.path().join("comm")).unwrap_or_default();
                let comm = String::from_utf8_lossy(&comm)
                    .trim_end_matches('\n')
                    .to_owned();
                found.holders.push(Holder {
                    pid,
                    comm,
                    fd: number,
                    queue,
                });
            }
        }
    }
    found.holders.sort_by_key(|holder| (holder.pid, holder.fd));
    Ok(found)
}

fn number(name: &OsString) -> Option<u32> {
    name.to_str()?.parse().ok()
}

fn print(out: &mut impl Write, holders: &[Holder], watches: bool) -> io::Result<()> {
    writeln!(
        out,
        "{:>7} {:15} {:>3} {:>9} {:>7} {:>10} {:>10} {:>8} {:>8}",
        "PID", "COMMAND", "FD", "RING", "WATCHES", "POSTED", "DELIVERED", "LOST", "WAITING"
    )?;
    for holder in holders {
        let queue = &holder.queue;
        writeln!(
            out,
            "{:>7} {:15} {:>3} {:>9} {:>7} {:>10} {:>10} {:>8} {:>8}",
            holder.pid,
            escaped(&holder.comm).to_string(),
            holder.fd,
            queue.ring_slots.saturating_mul(8),
            queue.watches,
            queue.posted,
            queue.delivered,
            queue.lost,
            queue
                .permission
                .as_ref()
                .map_or(0, |permission| permission.pending)
        )?;
        for watch in queue.watch.iter().filter(|_| watches) {
            writeln!(
                out,
                "        watch {} on {}, scope {}: {}; delivered {}, filtered {}, lost {}",
                watch.handle,
                watch.source,
                watch.scope,
                watch.events.join(","),
                watch.delivered,
                watch.filtered,
                watch.lost
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn queues_are_found_by_their_links() {
        let proc = std::env::temp_dir().join(format!("watchq-list-{}", std::process::id()));
        for (pid, fd, link) in [("12", "3", "/dev/watch_queue"), ("5", "4", "/dev/null")] {
            let process = proc.join(pid);
            fs::create_dir_all(process.join("fd")).expect("folders can be made");
            fs::create_dir_all(process.join("fdinfo")).expect("folders can be made");
            symlink(link, process.join("fd").join(fd)).expect("a link can be made");
            fs::write(process.join("comm"), "a\x1bb\n").expect("it can be written");
            let text = "pos:\t0\nring-slots:\t512\nwatches:\t0\nposted:\t7\nfiltered:\t0\n\
                        delivered:\t5\nlost:\t2\nunplaced:\t0\n";
            fs::write(process.join("fdinfo").join(fd), text).expect("it can be written");
        }
        fs::create_dir_all(proc.join("self/fd")).expect("folders can be made");
        let found = look(&proc).unwrap();
        assert_eq!((found.holders.len(), found.hidden), (1, 0));
        let mut out = Vec::new();
        print(&mut out, &found.holders, true).unwrap();
        let out = String::from_utf8(out).unwrap();
        let words: Vec<_> = out.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(
            words,
            ["12", "a\\033b", "3", "4096", "0", "7", "5", "2", "0"]
        );
        let json = serde_json::to_value(&found.holders[0]).unwrap();
        assert_eq!((&json["pid"], &json["lost"]), (&12.into(), &2.into()));
        fs::remove_dir_all(&proc).expect("it can be removed");
        assert!(look(&proc).is_err());
    }
}
