// SPDX-License-Identifier: GPL-2.0

//! Counts by path and kind of event, and how they are printed.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use watch_queue::Events;

use crate::escape::escaped;
use crate::json::Text;
use crate::names;

/// So many different paths are told apart.
const MAX_PATHS: usize = 65536;

/// All counts.
#[derive(Debug, Default)]
pub struct Table {
    rows: HashMap<PathBuf, Row>,
    /// Of all paths that came when there were too many already.
    others: Row,
    /// How many events were lost.
    pub lost: u64,
}

/// The counts of one path, by the event's bit.
type Row = BTreeMap<u64, u64>;

#[derive(Serialize)]
struct Report<'a> {
    seconds: f64,
    lost: u64,
    paths: Vec<Line<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    others: Option<Counts>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    path: Text<'a>,
    #[serde(flatten)]
    counts: Counts,
}

#[derive(Serialize)]
struct Counts {
    total: u64,
    events: BTreeMap<String, u64>,
}

impl Table {
    /// Counts an event.
    pub fn add(&mut self, path: PathBuf, event: Events) {
        let is_full = self.rows.len() >= MAX_PATHS;
        let row = match self.rows.get_mut(&path) {
            Some(row) => row,
            None if is_full => &mut self.others,
            None => self.rows.entry(path).or_default(),
        };
        let count = row.entry(event.bits()).or_default();
        *count = count.saturating_add(1);
    }

    /// The rows in the order in which they are printed; `top` 0 is all of them.
    fn sorted(&self, top: usize) -> Vec<(&PathBuf, &Row)> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by(|(path, row), (other, other_row)| {
            total(other_row).cmp(&total(row)).then(path.cmp(other))
        });
        rows.truncate(if top == 0 { usize::MAX } else { top });
        rows
    }

    /// Writes columns: the total, each kind of event that came, and the path.
    pub fn write(&self, out: &mut impl Write, top: usize) -> io::Result<()> {
        let rows = self.sorted(top);
        let mut kinds: Vec<u64> = rows
            .iter()
            .flat_map(|(_, row)| row.keys().copied())
            .collect();
        kinds.extend(self.others.keys());
        kinds.sort_unstable();
        kinds.dedup();
        let names = kinds
            .iter()
            .map(|bit| names::of(Events::from_bits_retain(*bit)));
        let columns: Vec<(u64, String)> = kinds.iter().copied().zip(names).collect();
        write!(out, "{:>9}", "total")?;
        for (_, name) in &columns {
            write!(out, " {:>1$}", name, width(name))?;
        }
        writeln!(out, " path")?;
        let others = OsString::from("(others)");
        let rows = rows.into_iter().map(|(path, row)| (path.as_os_str(), row));
        let rest = Some((others.as_os_str(), &self.others)).filter(|_| !self.others.is_empty());
        for (path, row) in rows.chain(rest) {
            write!(out, "{:>9}", total(row))?;
            for (bit, name) in &columns {
                let count = row.get(bit).copied().unwrap_or(0);
                write!(out, " {:>1$}", count, width(name))?;
            }
            writeln!(out, " {}", escaped(path))?;
        }
        Ok(())
    }

    /// Writes one object.
    pub fn write_json(&self, out: &mut impl Write, top: usize, seconds: f64) -> io::Result<()> {
        let lines = self.sorted(top).into_iter().map(|(path, row)| Line {
            path: Text::path_of(path.as_os_str().into()),
            counts: Counts::of(row),
        });
        let report = Report {
            seconds: (seconds * 1000.0).round() / 1000.0,
            lost: self.lost,
            paths: lines.collect(),
            others: Some(Counts::of(&self.others)).filter(|others| others.total != 0),
        };
        serde_json::to_writer(&mut *out, &report)?;
        out.write_all(b"\n")
    }
}

impl Counts {
    fn of(row: &Row) -> Self {
        let name = |bit: &u64| names::of(Events::from_bits_retain(*bit));
        Counts {
            total: total(row),
            events: row.iter().map(|(bit, count)| (name(bit), *count)).collect(),
        }
    }
}

fn total(row: &Row) -> u64 {
    row.values()
        .fold(0, |sum, count| sum.saturating_add(*count))
}

fn width(name: &str) -> usize {
    name.len().max(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Table {
        let mut table = Table::default();
        for (path, event, count) in [
            ("b", Events::MODIFY, 2),
            ("a b", Events::CREATE, 2),
            ("c", Events::MODIFY, 3),
            ("c", Events::CLOSE_WRITE, 1),
        ] {
            for _ in 0..count {
                table.add(path.into(), event);
            }
        }
        table
    }

    #[test]
    fn the_busiest_come_first() {
        let mut out = Vec::new();
        example().write(&mut out, 0).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "    total modify close_write create path\n\
            \x20       4      3           1      0 c\n\
            \x20       2      0           0      2 a\\ b\n\
            \x20       2      2           0      0 b\n"
        );
        let mut out = Vec::new();
        example().write(&mut out, 1).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "    total modify close_write path\n        4      3           1 c\n"
        );
    }

    #[test]
    fn json_has_the_same_counts() {
        let mut table = example();
        table.lost = 5;
        let mut out = Vec::new();
        table.write_json(&mut out, 1, 1.23456).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"seconds\":1.235,\"lost\":5,\"paths\":[{\"path\":\"c\",\"total\":4,\
            \"events\":{\"close_write\":1,\"modify\":3}}]}\n"
        );
    }

    #[test]
    fn memory_is_bounded() {
        let mut table = Table::default();
        for n in 0..MAX_PATHS + 3 {
            table.add(n.to_string().into(), Events::OPEN);
        }
        table.add("0".into(), Events::OPEN);
        assert_eq!((table.rows.len(), total(&table.others)), (MAX_PATHS, 3));
        let mut out = Vec::new();
        table.write(&mut out, 2).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.ends_with("        3      3 (others)\n"), "{out}");
    }
}
