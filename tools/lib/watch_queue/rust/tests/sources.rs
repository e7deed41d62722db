// SPDX-License-Identifier: MIT OR Apache-2.0

//! Records of mounts, file systems, keys and devices: values, older and newer lengths, and what is
//! too short.
#![allow(missing_docs)]

mod fake;

use fake::{record, FakeRing};
use watch_queue::{abi, Corrupt, Kind, MountChange, Record, SuperblockChange};

fn with<R>(bytes: &[u8], check: impl FnOnce(Record<'_>) -> R) -> R {
    let mut ring = FakeRing::new(512, 3);
    let mut consumer = ring.consumer().unwrap();
    assert!(ring.post(bytes));
    let record = consumer.next().unwrap().expect("one record");
    check(record)
}

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// Two 32-bit fields, the first in memory first.
fn pair(first: u32, second: u32) -> u64 {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&first.to_ne_bytes());
    bytes[4..].copy_from_slice(&second.to_ne_bytes());
    u64::from_ne_bytes(bytes)
}

/// Cut to fewer slots than its type has, a record is refused; with more it is not.
fn needs(type_: u32, subtype: u8, body: &[u64], slots: usize) {
    for length in 0..body.len() {
        let bytes = record(type_, subtype, 0, &words(&body[..length]));
        with(&bytes, |record| {
            let result = record.kind();
            assert_eq!(
                result.is_err(),
                length + 1 < slots,
                "{type_} {subtype} {length}"
            );
            if let Err(error) = result {
                let corrupt = error.get_ref().and_then(|e| e.downcast_ref::<Corrupt>());
                assert!(matches!(corrupt, Some(Corrupt::Body { .. })));
            }
        });
    }
    let longer = [body, &[u64::MAX; 3]].concat();
    with(&record(type_, subtype, 0, &words(&longer)), |record| {
        assert!(record.kind().is_ok());
    });
}

#[test]
fn mounts() {
    let (parent, mount) = (0x1_0000_0002, 0x3_0000_0004);
    let body = [pair(2, 4), parent, mount];
    let changes = [
        (0, 0, MountChange::New),
        (1, 0, MountChange::Unmount),
        (2, 0, MountChange::Expiry),
        (3, abi::INFO_FLAG_0, MountChange::ReadOnly),
        (3, 0, MountChange::Writable),
        (4, 0, MountChange::Attributes),
        (5, 0, MountChange::MoveFrom),
        (6, 0, MountChange::MoveTo),
        (7, 0, MountChange::Other(7)),
    ];
    for (subtype, flags, change) in changes {
        let flags = flags | abi::INFO_RECURSIVE;
        with(
            &record(abi::TYPE_MOUNT, subtype, flags, &words(&body)),
            |record| {
                let Kind::Mount(event) = record.kind().unwrap() else {
                    panic!("not a MOUNT record")
                };
                assert_eq!(
                    (event.change, event.mount, event.parent),
                    (change, mount, parent)
                );
                assert!(event.recursive);
            },
        );
    }
    // That of 2019 has the low halves only.
    with(
        &record(abi::TYPE_MOUNT, 1, 0, &words(&body[..1])),
        |record| {
            let Kind::Mount(event) = record.kind().unwrap() else {
                panic!("not a MOUNT record")
            };
            assert_eq!((event.mount, event.parent, event.recursive), (4, 2, false));
        },
    );
    needs(abi::TYPE_MOUNT, 0, &body, 2);
}

#[test]
fn file_systems() {
    let changed = |subtype, flags, body: &[u64]| {
        with(
            &record(abi::TYPE_SB, subtype, flags, &words(body)),
            |record| {
                let Kind::Superblock(event) = record.kind().unwrap() else {
                    panic!("not an SB record")
                };
                assert_eq!(event.dev, 0x801);
                event.change
            },
        )
    };
    assert_eq!(
        changed(0, abi::INFO_FLAG_0, &[0x801]),
        SuperblockChange::ReadOnly
    );
    assert_eq!(changed(0, 0, &[0x801]), SuperblockChange::Writable);
    assert_eq!(changed(3, 0, &[0x801]), SuperblockChange::Other(3));

    let body = [0x801, pair(117, 9), 12, pair(34, 6), 4096, 512];
    let SuperblockChange::Error(error) = changed(1, 0, &body) else {
        panic!("not an error")
    };
    assert_eq!((error.errno, error.number, error.inode), (117, 9, 12));
    assert_eq!(
        (error.generation, error.what, error.pos, error.len),
        (34, 6, 4096, 512)
    );
    let SuperblockChange::Error(error) = changed(1, 0, &body[..2]) else {
        panic!("not an error")
    };
    assert_eq!(
        (error.errno, error.number, error.inode, error.len),
        (117, 9, 0, 0)
    );

    let SuperblockChange::Quota(quota) = changed(2, 0, &[0x801, pair(1, 1000), pair(4, 0)]) else {
        panic!("not a quota")
    };
    assert_eq!((quota.kind, quota.id, quota.warning), (1, 1000, 4));
    needs(abi::TYPE_SB, 0, &[0x801], 2);
    needs(abi::TYPE_SB, 1, &body, 3);
    needs(abi::TYPE_SB, 2, &[0x801, 0, 0], 4);
}

#[test]
fn keys_and_devices() {
    with(
        &record(abi::TYPE_KEY, 2, 0, &words(&[pair(77, u32::MAX)])),
        |record| {
            let Kind::Key(key) = record.kind().unwrap() else {
                panic!("not a KEY record")
            };
            assert_eq!((key.subtype, key.key, key.aux), (2, 77, -1));
        },
    );
    with(
        &record(abi::TYPE_BLOCK, 10, 0, &words(&[0x800, 2048])),
        |record| {
            let Kind::Block(block) = record.kind().unwrap() else {
                panic!("not a BLOCK record")
            };
            assert_eq!((block.subtype, block.dev, block.sector), (10, 0x800, 2048));
        },
    );
    let mut usb = words(&[pair(5, 0)]);
    usb.extend(b"\x031-1");
    with(&record(abi::TYPE_USB, 4, 0, &usb), |record| {
        let Kind::Usb(usb) = record.kind().unwrap() else {
            panic!("not a USB record")
        };
        assert_eq!((usb.subtype, usb.error, usb.name), (4, 5, &b"1-1"[..]));
    });
    // A name that would end outside the record.
    usb[8] = 8;
    with(&record(abi::TYPE_USB, 4, 0, &usb), |record| {
        assert!(record.kind().is_err());
    });
    needs(abi::TYPE_KEY, 0, &[0], 2);
    needs(abi::TYPE_BLOCK, 1, &[0, 0], 3);
    needs(abi::TYPE_USB, 0, &[0, 0], 3);
}
