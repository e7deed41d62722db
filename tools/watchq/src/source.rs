// SPDX-License-Identifier: GPL-2.0

//! Events of the sources beside files, as a name and fields, which both outputs print.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use watch_queue::{
    BlockEvent, FileSystemError, KeyEvent, Kind, MountChange, MountEvent, SuperblockChange,
    SuperblockEvent, UsbEvent,
};

use crate::mounts::Mounts;
use crate::watched::Watched;

/// Something that happened, but not to a file.
#[derive(Debug)]
pub struct SourceEvent<'a> {
    pub watched: &'a Watched,
    /// Name of the source, as `watchq info` has it.
    pub source: &'static str,
    pub event: &'static str,
    pub fields: Vec<(&'static str, Value)>,
}

/// What a field holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Value {
    Number(u64),
    Text(OsString),
}

const KEYS: [&str; 8] = [
    "instantiated",
    "updated",
    "linked",
    "unlinked",
    "cleared",
    "revoked",
    "invalidated",
    "setattr",
];
const BLOCKS: [&str; 11] = [
    "unknown",
    "timeout",
    "no_space",
    "transport",
    "target",
    "nexus",
    "medium",
    "protection",
    "kernel_resource",
    "device_resource",
    "io",
];
const USBS: [&str; 6] = [
    "device_add",
    "device_remove",
    "bus_add",
    "bus_remove",
    "device_reset",
    "device_error",
];
const ERRORS: [&str; 7] = [
    "unknown",
    "buffered_read",
    "buffered_write",
    "directio_read",
    "directio_write",
    "data_lost",
    "metadata",
];
const QUOTAS: [&str; 3] = ["user", "group", "project"];
/// `QUOTA_NL_*`.
const LIMITS: [&str; 11] = [
    "none",
    "inode_hard",
    "inode_soft_long",
    "inode_soft",
    "block_hard",
    "block_soft_long",
    "block_soft",
    "inode_hard_below",
    "inode_soft_below",
    "block_hard_below",
    "block_soft_below",
];

/// A name out of a table, whatever the kernel says.
fn name(table: &[&'static str], index: impl TryInto<usize>) -> &'static str {
    let index = index.try_into().ok();
    index
        .and_then(|index| table.get(index))
        .unwrap_or(&"unknown")
}

impl<'a> SourceEvent<'a> {
    /// Makes an event of a record's content; `None` when it is of files or about the queue.
    pub fn new(kind: &Kind<'_>, watched: &'a Watched, mounts: &mut Mounts) -> Option<Self> {
        let (source, (event, fields)) = match kind {
            Kind::Mount(mount) => ("mount", of_mount(mount, mounts)),
            Kind::Superblock(sb) => ("sb", of_superblock(sb)),
            Kind::Key(key) => ("key", of_key(key)),
            Kind::Block(block) => ("block", of_block(block)),
            Kind::Usb(usb) => ("usb", of_usb(usb)),
            _ => return None,
        };
        Some(SourceEvent {
            watched,
            source,
            event,
            fields,
        })
    }
}

type Described = (&'static str, Vec<(&'static str, Value)>);

fn of_mount(mount: &MountEvent, mounts: &mut Mounts) -> Described {
    let id = mount.mount;
    let (event, stat) = match mount.change {
        MountChange::New => ("new_mount", mounts.look(id)),
        MountChange::Unmount => ("unmount", None),
        MountChange::Expiry => ("expiry", None),
        MountChange::ReadOnly => ("readonly", None),
        MountChange::Writable => ("writable", None),
        MountChange::Attributes => ("setattr", None),
        MountChange::MoveFrom => ("move_from", None),
        MountChange::MoveTo => {
            mounts.look_below(id);
            ("move_to", None)
        }
        _ => ("unknown", None),
    };
    let mut fields = vec![
        ("mount", Value::Number(id)),
        ("on", Value::Number(mount.parent)),
    ];
    if mount.recursive {
        fields.push(("recursive", Value::Number(1)));
    }
    let point = match mount.change {
        MountChange::Unmount | MountChange::Expiry => mounts.take(id),
        _ => mounts.get(id).map(OsStr::to_owned),
    };
    fields.extend(point.map(|point| ("at", Value::Text(point))));
    if let Some(stat) = stat {
        fields.push(("type", Value::Text(stat.fs_type)));
        fields.push(("from", Value::Text(stat.source)));
    }
    (event, fields)
}

fn of_superblock(sb: &SuperblockEvent) -> Described {
    match sb.change {
        SuperblockChange::ReadOnly => ("readonly", vec![]),
        SuperblockChange::Writable => ("writable", vec![]),
        SuperblockChange::Error(error) => ("error", of_error(&error)),
        SuperblockChange::Quota(quota) => (
            "edquot",
            vec![
                ("of", Value::Text(name(&QUOTAS, quota.kind).into())),
                ("id", Value::Number(quota.id.into())),
                ("limit", Value::Text(name(&LIMITS, quota.warning).into())),
            ],
        ),
        _ => ("unknown", vec![]),
    }
}

fn of_error(error: &FileSystemError) -> Vec<(&'static str, Value)> {
    let mut fields = vec![
        ("errno", Value::Number(error.errno.into())),
        ("number", Value::Number(error.number.into())),
        ("what", Value::Text(name(&ERRORS, error.what).into())),
    ];
    if error.inode != 0 {
        fields.push(("inode", Value::Number(error.inode)));
    }
    if error.len != 0 {
        fields.push(("pos", Value::Number(error.pos)));
        fields.push(("len", Value::Number(error.len)));
    }
    fields
}

fn of_key(key: &KeyEvent) -> Described {
    let number = |serial: i32| Value::Number(serial.unsigned_abs().into());
    let mut fields = vec![("key", number(key.key))];
    match key.aux {
        0 => {}
        error if error < 0 => fields.push(("errno", number(error))),
        other => fields.push(("other", number(other))),
    }
    (name(&KEYS, key.subtype), fields)
}

fn of_block(block: &BlockEvent) -> Described {
    // As stat() encodes it: 12 bits of major amid 20 of minor.
    let major = block.dev >> 8 & 0xfff;
    let minor = block.dev & 0xff | block.dev >> 12 & 0xf_ff00;
    let fields = vec![
        ("dev", Value::Text(format!("{major}:{minor}").into())),
        ("sector", Value::Number(block.sector)),
    ];
    (name(&BLOCKS, block.subtype), fields)
}

fn of_usb(usb: &UsbEvent<'_>) -> Described {
    let text = OsStr::from_bytes(usb.name).to_owned();
    let mut fields = vec![("name", Value::Text(text))];
    if usb.error != 0 {
        fields.push(("errno", Value::Number(usb.error.into())));
    }
    (name(&USBS, usb.subtype), fields)
}
