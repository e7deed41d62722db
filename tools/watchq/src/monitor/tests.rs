// SPDX-License-Identifier: GPL-2.0

//! What `watchq monitor` prints for records that come through a ring in memory.

use clap::Parser;

use super::*;
use crate::args::{Args, Command};

#[path = "../../../lib/watch_queue/rust/tests/fake/mod.rs"]
mod fake;

use fake::{fs, record, FakeRing};

/// Prints records that come through a ring; returns the lines, and how many watches are left.
fn printed(args: &[&str], records: &[Vec<u8>]) -> Result<(String, usize), Failure> {
    printed_as(1, args, records)
}

/// The same as the process `own`.
fn printed_as(own: u32, args: &[&str], records: &[Vec<u8>]) -> Result<(String, usize), Failure> {
    let args = [&["watchq", "monitor", "/a", "/b"], args].concat();
    let Command::Monitor(options) = Args::try_parse_from(args).unwrap().command else {
        panic!("not monitor")
    };
    let mut session = Session {
        output: Output::new(&options)?,
        options: &options,
        out: BufWriter::new(Vec::new()),
        list: List::example(&["/a/", "/b/"]),
        chooser: Chooser::new(&options.choice)?,
        follower: None,
        live: 2,
        mounts: Mounts::default(),
        own: (!options.own).then_some(own),
    };
    let mut ring = FakeRing::new(512, 3);
    let mut consumer = ring.consumer().unwrap();
    for bytes in records {
        assert!(ring.post(bytes));
        session.print(consumer.next().unwrap().unwrap())?;
    }
    let out = session.out.into_inner().unwrap();
    Ok((String::from_utf8(out).unwrap(), session.live))
}

fn words(words: [u64; 2]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

#[test]
fn records_are_printed_with_the_path_of_their_watch() {
    let records = [fs(6, 1, b"old"), fs(7, 2, b"new"), fs(10, 2, b"")];
    let (lines, live) = printed(&[], &records).unwrap();
    assert_eq!(
        lines,
        "/a/ moved_from,isdir old\n/b/ moved_to,isdir new\n/b/ delete_self,isdir\n"
    );
    assert_eq!(live, 2);
}

#[test]
fn the_directories_of_a_path_are_printed_with_the_watched_one() {
    let records = [fs(6, 1, b"x/y/old"), fs(7, 1, b"new")];
    let (lines, _) = printed(&["-r"], &records).unwrap();
    assert_eq!(
        lines,
        "/a/x/y/ moved_from,isdir old\n/a/ moved_to,isdir new\n"
    );
    let (lines, _) = printed(&["-r", "--format", "%w%f"], &records).unwrap();
    assert_eq!(lines, "/a/x/y/old\n/a/new\n");
    let mut long = fs(6, 1, b"old");
    long[4 + 2] |= 2; // TRUNCATED
    let (lines, _) = printed(&["-r", "--format", "%w%f"], &[long]).unwrap();
    assert_eq!(lines, "/a//.../old\n");
}

#[test]
fn what_we_did_ourselves_is_left_out() {
    // The records are those of process 42.
    let records = [fs(1, 1, b"log"), fs(8, 2, b"new")];
    assert_eq!(printed_as(42, &[], &records).unwrap().0, "");
    let (lines, _) = printed_as(42, &["--own"], &records).unwrap();
    assert_eq!(lines, "/a/ modify,isdir log\n/b/ create,isdir new\n");
    assert_eq!(printed_as(41, &[], &records).unwrap().0, lines);
}

#[test]
fn no_directory_is_printed_like_a_path_that_is_not_known() {
    let mut long = fs(8, 1, b"x");
    long[4 + 2] |= 2; // TRUNCATED
    for args in [&["-r"][..], &["-r", "--raw"], &["-r", "--json"]] {
        let lines = [fs(8, 1, b".../x"), fs(8, 1, b"\\.../x"), long.clone()]
            .map(|record| printed(args, &[record]).unwrap().0);
        assert!(
            lines[2] != lines[0] && lines[2] != lines[1],
            "{args:?}: {lines:?}"
        );
    }
    let (line, _) = printed(&["-r", "--json"], &[long]).unwrap();
    assert!(
        line.contains(r#""below":"/a/","name":"x","truncated":true,"#),
        "{line}"
    );
    assert!(!line.contains(r#""path""#), "{line}");
}

#[test]
fn names_make_no_lines_of_their_own() {
    let records = [
        fs(8, 1, b"a\nlost 9 events of /a/: x"),
        fs(8, 1, b"\x1b[31m"),
    ];
    let (lines, _) = printed(&["--format", "%w%f"], &records).unwrap();
    assert_eq!(
        lines,
        "/a/a\\nlost\\ 9\\ events\\ of\\ /a/:\\ x\n/a/\\033[31m\n"
    );
    // With a NUL behind each, nothing can be mistaken, and programs want what it is.
    let (lines, _) = printed(&["--format", "%w%f%0"], &records).unwrap();
    assert_eq!(lines, "/a/a\nlost 9 events of /a/: x\0/a/\x1b[31m\0");
}

#[test]
fn both_halves_of_a_rename_share_the_cookie() {
    let (lines, _) = printed(&["--json"], &[fs(6, 1, b"old"), fs(7, 2, b"new")]).unwrap();
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        assert!(line.ends_with(r#""rename_cookie":77}"#), "{line}");
    }
}

#[test]
fn losses_and_ends_are_printed_and_ends_counted() {
    let mut end = words([9, 2]);
    end.extend(words([2, 0]));
    let records = [
        record(abi::TYPE_META, abi::META_LOSS, 0, &words([5, 1])),
        record(
            abi::TYPE_META,
            abi::META_LOSS,
            abi::INFO_FLAG_0,
            &words([5, 0]),
        ),
        record(abi::TYPE_META, abi::META_REMOVAL, 0, &end),
    ];
    let (lines, live) = printed(&[], &records).unwrap();
    let starts = [
        "lost 5 events of /a/",
        "lost 5 events of several",
        "ended /b/: it was del",
    ];
    assert_eq!(lines.lines().count(), 3);
    for (line, start) in lines.lines().zip(starts) {
        assert!(line.starts_with(start), "{line}");
    }
    assert_eq!(live, 1);
}

#[test]
fn an_unknown_watch_is_an_error() {
    for cookie in [0, 3] {
        let failure = printed(&[], &[fs(8, cookie, b"x")]).unwrap_err();
        assert!(
            failure.to_string().contains(&format!("cookie {cookie}")),
            "{failure}"
        );
    }
}

/// Records of other sources, by the id of the watch.
fn others() -> [Vec<u8>; 6] {
    let id = |id: u32| id << abi::INFO_ID_SHIFT;
    let readonly = abi::INFO_FLAG_0 | abi::INFO_RECURSIVE;
    let mut body = words([0, 9]);
    body.extend(words([5, 0])[..8].iter());
    let error = [words([0x801, 117]), words([12, 6 << 32]), words([0, 0])].concat();
    let usb = [&[0; 8][..], b"\x031-1"].concat();
    [
        record(abi::TYPE_MOUNT, 3, id(1) | readonly, &body),
        record(abi::TYPE_SB, 1, id(2), &error),
        record(
            abi::TYPE_SB,
            2,
            id(2),
            &[words([0x801, 1000 << 32]), words([4, 0])].concat(),
        ),
        record(abi::TYPE_KEY, 2, id(1), &words([77 | 78 << 32, 0])[..8]),
        record(abi::TYPE_BLOCK, 6, id(1), &words([0x0810, 2048])),
        record(abi::TYPE_USB, 0, id(2), &usb),
    ]
}

#[test]
fn other_sources_are_printed_with_their_fields() {
    let (lines, _) = printed(&[], &others()).unwrap();
    assert_eq!(
        lines,
        "/a/ readonly mount=5 on=9 recursive=1\n\
         /b/ error errno=117 number=0 what=metadata inode=12\n\
         /b/ edquot of=user id=1000 limit=block_hard\n\
         /a/ linked key=77 other=78\n\
         /a/ medium dev=8:16 sector=2048\n\
         /b/ device_add name=1-1\n"
    );
}

#[test]
fn other_sources_are_json_objects() {
    let (lines, _) = printed(&["--json"], &others()[..2]).unwrap();
    assert_eq!(
        lines,
        concat!(
            r#"{"event":"readonly","source":"mount","path":"/a/","mount":5,"on":9,"recursive":1}"#,
            "\n",
            r#"{"event":"error","source":"sb","path":"/b/","errno":117,"inode":12,"number":0,"what":"metadata"}"#,
            "\n"
        )
    );
}

#[test]
fn other_sources_of_no_watch_are_left_out() {
    let (lines, _) = printed(&[], &[record(abi::TYPE_KEY, 1, 0, &[0; 8])]).unwrap();
    assert_eq!(lines, "");
}
