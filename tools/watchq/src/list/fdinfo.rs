// SPDX-License-Identifier: GPL-2.0

//! What /proc/PID/fdinfo says of a queue, taken apart.
//!
//! Lines and fields that this version does not know are stepped over: later modules have more.

use std::collections::HashMap;

use serde::Serialize;
use watch_queue::{abi, Events};

use crate::names;

/// A queue.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Shown {
    pub ring_slots: u64,
    pub watches: u64,
    pub posted: u64,
    pub filtered: u64,
    pub delivered: u64,
    pub lost: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    pub watch: Vec<WatchShown>,
}

/// What became of its questions.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Permission {
    pub asked: u64,
    pub allowed: u64,
    pub denied: u64,
    pub timed_out: u64,
    pub pending: u64,
}

/// A watch.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct WatchShown {
    pub handle: u64,
    pub source: String,
    pub scope: String,
    /// Of files by name; of other sources nothing but that there are some.
    pub events: Vec<String>,
    pub delivered: u64,
    pub filtered: u64,
    pub lost: u64,
}

impl Shown {
    /// `None` when it is not that of a queue.
    pub fn parse(text: &str) -> Option<Self> {
        let mut shown = Shown::default();
        let mut is_queue = false;
        for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
            let number = value.trim().parse().unwrap_or(0);
            match name {
                "ring-slots" => (shown.ring_slots, is_queue) = (number, true),
                "watches" => shown.watches = number,
                "posted" => shown.posted = number,
                "filtered" => shown.filtered = number,
                "delivered" => shown.delivered = number,
                "lost" => shown.lost = number,
                "permission" => shown.permission = Some(Permission::parse(value)),
                "watch" => shown.watch.push(WatchShown::parse(value)),
                _ => {}
            }
        }
        is_queue.then_some(shown)
    }
}

impl Permission {
    fn parse(line: &str) -> Self {
        let fields = fields(line);
        Permission {
            asked: decimal(&fields, "asked"),
            allowed: decimal(&fields, "allowed"),
            denied: decimal(&fields, "denied"),
            timed_out: decimal(&fields, "timed-out"),
            pending: decimal(&fields, "pending"),
        }
    }
}

impl WatchShown {
    fn parse(line: &str) -> Self {
        let fields = fields(line);
        let mask = fields.get("mask");
        let mask = mask.and_then(|mask| u64::from_str_radix(mask, 16).ok());
        let mask = mask.unwrap_or(0);
        let source = u32::try_from(decimal(&fields, "type")).unwrap_or(0);
        WatchShown {
            handle: decimal(&fields, "handle"),
            source: source_name(source),
            scope: scope_name(decimal(&fields, "scope")),
            events: match source {
                abi::TYPE_FS => events(mask),
                _ => vec!["all".to_owned()],
            },
            delivered: decimal(&fields, "delivered"),
            filtered: decimal(&fields, "filtered"),
            lost: decimal(&fields, "lost"),
        }
    }
}

fn fields(line: &str) -> HashMap<&str, &str> {
    line.split_whitespace()
        .filter_map(|field| field.split_once(':'))
        .collect()
}

fn decimal(fields: &HashMap<&str, &str>, name: &str) -> u64 {
    fields
        .get(name)
        .and_then(|value| value.parse().ok())
        .unwrap_or(0)
}

fn events(mask: u64) -> Vec<String> {
    let bits = (0..u64::BITS).map(|bit| 1_u64 << bit);
    bits.filter(|bit| mask & bit != 0)
        .map(|bit| names::of(Events::from_bits_retain(bit)))
        .collect()
}

fn source_name(source: u32) -> String {
    match source {
        abi::TYPE_FS => "fs".into(),
        abi::TYPE_MOUNT => "mount".into(),
        abi::TYPE_SB => "sb".into(),
        abi::TYPE_KEY => "key".into(),
        abi::TYPE_BLOCK => "block".into(),
        abi::TYPE_USB => "usb".into(),
        other => format!("source_{other}"),
    }
}

/// `WATCH_SCOPE_*`, by the names of `watchq info`.
fn scope_name(scope: u64) -> String {
    match scope {
        0 => "object".into(),
        1 => "children".into(),
        2 => "subtree".into(),
        3 => "mount".into(),
        4 => "sb".into(),
        other => format!("scope_{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "pos:\t0\nflags:\t02000002\nring-slots:\t8192\nwatches:\t2\nposted:\t30\n\
        filtered:\t1\ndelivered:\t25\nlost:\t5\nunplaced:\t0\n\
        permission: timeout-ms:10000 unanswered:allow asked:7 allowed:4 denied:1 timed-out:1 by-policy:0 \
        killed:0 pending:1 oldest:7\n\
        watch: handle:1 type:6 scope:1 id:0 cookie:1 mask:10c0 ignore:0 delivered:25 filtered:1 lost:5\n\
        watch: handle:9 type:99 scope:7 new:field\n";

    #[test]
    fn every_line_is_understood() {
        let shown = Shown::parse(TEXT).unwrap();
        assert_eq!(
            (shown.ring_slots, shown.watches, shown.posted, shown.lost),
            (8192, 2, 30, 5)
        );
        let permission = shown.permission.unwrap();
        assert_eq!(
            (permission.asked, permission.timed_out, permission.pending),
            (7, 1, 1)
        );
        let [first, second] = &shown.watch[..] else {
            panic!("two watches: {:?}", shown.watch)
        };
        assert_eq!(
            (first.source.as_str(), first.scope.as_str()),
            ("fs", "children")
        );
        assert_eq!(first.events, ["moved_from", "moved_to", "open_exec"]);
        assert_eq!((first.delivered, first.lost), (25, 5));
        assert_eq!(
            (second.source.as_str(), second.scope.as_str()),
            ("source_99", "scope_7")
        );
    }

    #[test]
    fn other_files_are_no_queues() {
        assert_eq!(
            Shown::parse("pos:\t0\nflags:\t02\neventfd-count: 0\n"),
            None
        );
        assert_eq!(Shown::parse(""), None);
    }
}
