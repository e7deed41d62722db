// SPDX-License-Identifier: MIT OR Apache-2.0

//! Bodies of records: what the getters return, and which bodies are refused.
#![allow(missing_docs)]

mod fake;

use fake::{fs, fs_raw, meta, record, FakeRing};
use watch_queue::{abi, Corrupt, Events, Kind, Reason, Record};

/// Puts a record through a ring and hands it to `check`.
fn with<R>(bytes: &[u8], check: impl FnOnce(Record<'_>) -> R) -> R {
    let mut ring = FakeRing::new(512, 3);
    let mut consumer = ring.consumer().unwrap();
    assert!(ring.post(bytes));
    let record = consumer.next().unwrap().expect("one record");
    check(record)
}

/// Asserts that the record's body is refused.
fn refused(bytes: &[u8]) {
    with(bytes, |record| {
        let error = record.kind().unwrap_err();
        let corrupt = error.get_ref().and_then(|e| e.downcast_ref::<Corrupt>());
        let (type_, subtype) = (record.type_(), record.subtype());
        assert_eq!(
            corrupt,
            Some(&Corrupt::Body {
                type_,
                subtype,
                length: bytes.len()
            })
        );
    });
}

#[test]
fn an_fs_record_has_all_its_fields() {
    with(&fs(8, 0xfedc_ba98_7654_3210, b"caf\xe9"), |record| {
        let Kind::Fs(event) = record.kind().unwrap() else {
            panic!("not an FS record")
        };
        assert_eq!(event.event(), Events::CREATE);
        assert_eq!(event.mask(), Events::CREATE);
        assert_eq!(event.cookie(), 0xfedc_ba98_7654_3210);
        assert_eq!(event.inode(), 0x0123_4567_89ab_cdef);
        assert_eq!(event.dev(), 0x0801);
        assert_eq!(event.pid(), 42);
        assert_eq!(event.rename_cookie(), 77);
        assert_eq!(event.name().unwrap().as_encoded_bytes(), b"caf\xe9");
        assert_eq!(event.handle(), None);
        assert!(event.is_dir());
    });
}

#[test]
fn the_longest_name_fits() {
    let name = [b'n'; 255];
    with(&fs(7, 1, &name), |record| {
        let Kind::Fs(event) = record.kind().unwrap() else {
            panic!("not an FS record")
        };
        assert_eq!(event.name().unwrap().as_encoded_bytes(), name);
    });
}

#[test]
fn an_event_about_the_watched_object_has_no_name() {
    with(&fs(10, 1, b""), |record| {
        let Kind::Fs(event) = record.kind().unwrap() else {
            panic!("not an FS record")
        };
        assert_eq!((event.event(), event.name()), (Events::DELETE_SELF, None));
    });
}

#[test]
fn name_and_handle_may_come_in_any_order() {
    let rest = b"HANDLE90name";
    with(&fs_raw(0, 1, [56, 4, 48, 8], rest), |record| {
        let Kind::Fs(event) = record.kind().unwrap() else {
            panic!("not an FS record")
        };
        assert_eq!(event.name().unwrap().as_encoded_bytes(), b"name");
        assert_eq!(event.handle().unwrap(), b"HANDLE90");
    });
}

#[test]
fn a_path_ends_with_the_name() {
    for (text, name) in [("a/b/c.txt", "c.txt"), ("c.txt", "c.txt")] {
        with(&fs(1, 1, text.as_bytes()), |record| {
            let Kind::Fs(event) = record.kind().unwrap() else {
                panic!("not an FS record")
            };
            assert_eq!(event.path().unwrap().as_os_str(), text);
            assert_eq!(event.name().unwrap(), name);
            assert!(!event.is_truncated());
        });
    }
}

#[test]
fn offsets_outside_the_record_are_refused() {
    let rest = b"0123456789"; // the record is 64 bytes long
    for (offset, length) in [
        (0, 1),
        (1, 1),
        (47, 1),
        (48, 17),
        (64, 1),
        (65, 0),
        (65535, 65535),
        (48, 65535),
    ] {
        refused(&fs_raw(0, 1, [offset, length, 0, 0], rest));
        refused(&fs_raw(0, 1, [0, 0, offset, length], rest));
    }
}

#[test]
fn unknown_events_are_bits_and_never_shifted_too_far() {
    for (subtype, bits) in [(13, 1 << 13), (63, 1 << 63), (64, 0), (255, 0)] {
        with(&fs(subtype, 1, b""), |record| {
            let Kind::Fs(event) = record.kind().unwrap() else {
                panic!("not an FS record")
            };
            assert_eq!(event.event().bits(), bits);
        });
    }
}

#[test]
fn short_bodies_are_refused() {
    for slots in 1..6 {
        refused(&record(abi::TYPE_FS, 1, 0, &vec![0; slots * 8 - 8]));
    }
    for slots in 1..4 {
        refused(&meta(abi::META_REMOVAL, slots));
    }
    for slots in 1..3 {
        refused(&meta(abi::META_LOSS, slots));
    }
}

#[test]
fn a_removal_says_which_watch_and_why() {
    let reasons = [
        (0, Reason::Removed),
        (1, Reason::OneShot),
        (2, Reason::ObjectGone),
        (3, Reason::Unmount),
        (4, Reason::Evicted),
        (5, Reason::QueueShutdown),
        (6, Reason::SourceGone),
        (7, Reason::Other(7)),
    ];
    for (number, reason) in reasons {
        let mut body = Vec::new();
        body.extend(5_u64.to_ne_bytes());
        body.extend(6_u64.to_ne_bytes());
        body.extend([number, 0_u32].iter().flat_map(|n| n.to_ne_bytes()));
        // Records may grow: what follows the known part is not looked at.
        body.extend([0xff; 16]);
        with(
            &record(abi::TYPE_META, abi::META_REMOVAL, 9 << 24, &body),
            |record| {
                let Kind::Removal(removal) = record.kind().unwrap() else {
                    panic!("not a removal")
                };
                assert_eq!((removal.handle.as_raw(), removal.cookie), (5, 6));
                assert_eq!(removal.reason, reason);
                assert_eq!(record.id(), 9);
            },
        );
    }
}

#[test]
fn a_loss_says_how_many_of_whom() {
    let body: Vec<u8> = [12_u64, 34].iter().flat_map(|n| n.to_ne_bytes()).collect();
    let cases = [
        (0, false, false),
        (abi::INFO_FLAG_0, true, false),
        (abi::INFO_ENOMEM | abi::INFO_OVERRUN, false, true),
    ];
    for (flags, many, memory) in cases {
        with(
            &record(abi::TYPE_META, abi::META_LOSS, flags, &body),
            |record| {
                let Kind::Loss(loss) = record.kind().unwrap() else {
                    panic!("not a loss")
                };
                assert_eq!((loss.count, loss.cookie), (12, 34));
                assert_eq!((loss.many, loss.memory), (many, memory));
                assert_eq!(record.overrun(), flags & abi::INFO_OVERRUN != 0);
            },
        );
    }
}

#[test]
fn what_the_crate_does_not_know_comes_as_bytes() {
    let bytes = record(
        0x80_0001,
        5,
        abi::INFO_IN_SUBTREE | abi::INFO_RECURSIVE,
        &[1; 8],
    );
    with(&bytes, |record| {
        let Kind::Other {
            type_,
            subtype,
            bytes: seen,
        } = record.kind().unwrap()
        else {
            panic!("nobody knows that type")
        };
        assert_eq!((type_, subtype, seen), (0x80_0001, 5, &bytes[..]));
        assert!(record.in_subtree() && record.recursive() && !record.overrun());
    });
    with(&meta(200, 4), |record| {
        assert!(matches!(
            record.kind().unwrap(),
            Kind::Other {
                type_: 0,
                subtype: 200,
                ..
            }
        ));
    });
}

#[test]
fn flags_are_those_of_the_type() {
    with(
        &record(0x80_0001, 0, 0x00a5_0000 | 0xff00_0000, &[]),
        |record| {
            assert_eq!((record.flags(), record.id()), (0xa5, 0xff));
            assert_eq!(record.info() & abi::INFO_LENGTH, 8);
        },
    );
}
