// SPDX-License-Identifier: MIT OR Apache-2.0

//! The crate's numbers and layouts against those of the kernel's header, as a C compiler sees it.
#![allow(missing_docs)]

use std::mem::{offset_of, size_of};
use std::process::Command;

use watch_queue::{abi, Events, Questions, Scope, WatchFlags};

/// What the header says about each expression, in order.
fn header_says(expressions: &[&str]) -> Vec<u64> {
    let top = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../..");
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (folder.join("abi.c"), folder.join("abi"));
    let prints: String = expressions.iter().map(|e| format!("P({e});\n")).collect();
    let text = format!(
        "#include <stddef.h>\n#include <stdio.h>\n#include <linux/watch_queue_dev.h>\n\
         #define P(x) printf(\"%llu\\n\", (unsigned long long)(x))\n\
         int main(void)\n{{\n{prints}return 0;\n}}\n"
    );
    std::fs::write(&source, text).unwrap();
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let status = Command::new(&compiler)
        .arg(format!("-I{top}/include/uapi"))
        .args(["-Wall", "-Werror", "-o"])
        .args([&program, &source])
        .status()
        .unwrap_or_else(|e| panic!("cannot run the C compiler {compiler:?} (set CC): {e}"));
    assert!(
        status.success(),
        "the C compiler refused {}",
        source.display()
    );
    let output = Command::new(&program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// Compares pairs of a C expression and the value that the crate has for it.
fn agree(pairs: &[(&str, u64)]) {
    let expressions: Vec<_> = pairs.iter().map(|p| p.0).collect();
    let values = header_says(&expressions);
    assert_eq!(values.len(), pairs.len());
    for ((expression, ours), header) in pairs.iter().zip(values) {
        assert_eq!(*ours, header, "{expression}");
    }
}

macro_rules! layout {
    ($ours:ty, $c:literal: $($field:ident = $c_field:literal),+) => {
        [
            (concat!("sizeof(struct ", $c, ")"), size_of::<$ours>() as u64),
            $((
                concat!("offsetof(struct ", $c, ", ", $c_field, ")"),
                offset_of!($ours, $field) as u64,
            )),+
        ]
    };
}

#[test]
fn numbers_and_layouts_are_those_of_the_header() {
    let mut pairs = vec![
        ("WATCH_TYPE_META", abi::TYPE_META.into()),
        ("WATCH_TYPE_MOUNT_NOTIFY", abi::TYPE_MOUNT.into()),
        ("WATCH_TYPE_SB_NOTIFY", abi::TYPE_SB.into()),
        ("WATCH_TYPE_KEY_NOTIFY", abi::TYPE_KEY.into()),
        ("WATCH_TYPE_BLOCK_NOTIFY", abi::TYPE_BLOCK.into()),
        ("WATCH_TYPE_USB_NOTIFY", abi::TYPE_USB.into()),
        ("WATCH_TYPE_FS_NOTIFY", abi::TYPE_FS.into()),
        ("WATCH_MOUNT_ALL_EVENTS", abi::MOUNT_ALL_EVENTS),
        ("WATCH_SB_ALL_EVENTS", abi::SB_ALL_EVENTS),
        ("WATCH_KEY_ALL_EVENTS", abi::KEY_ALL_EVENTS),
        ("WATCH_BLOCK_ALL_EVENTS", abi::BLOCK_ALL_EVENTS),
        ("WATCH_USB_ALL_EVENTS", abi::USB_ALL_EVENTS),
        ("sizeof(struct mount_notification)", 32),
        ("offsetof(struct mount_notification, changed_mount_id)", 24),
        ("sizeof(struct superblock_notification)", 16),
        ("sizeof(struct error_notification)", 56),
        ("offsetof(struct error_notification, error_type)", 36),
        ("sizeof(struct quota_notification)", 32),
        ("offsetof(struct quota_notification, warning)", 24),
        ("offsetof(struct key_notification, aux)", 12),
        ("offsetof(struct block_notification, sector)", 16),
        ("offsetof(struct usb_notification, name)", 17),
        ("WATCH_META_SKIP_NOTIFICATION", abi::META_SKIP.into()),
        ("WATCH_META_REMOVAL_NOTIFICATION", abi::META_REMOVAL.into()),
        ("WATCH_META_LOSS_NOTIFICATION", abi::META_LOSS.into()),
        (
            "WATCH_META_UNANSWERED_NOTIFICATION",
            abi::META_UNANSWERED.into(),
        ),
        (
            "sizeof(struct fs_permission_notification)",
            abi::PERMISSION_FIXED_SIZE as u64,
        ),
        ("offsetof(struct fs_permission_notification, request)", 48),
        ("offsetof(struct fs_permission_notification, deadline)", 56),
        ("offsetof(struct fs_permission_notification, count)", 72),
        ("offsetof(struct watch_unanswered_notification, reason)", 24),
        ("WATCH_RESPONSE_ALLOW", abi::RESPONSE_ALLOW.into()),
        ("WATCH_RESPONSE_DENY", abi::RESPONSE_DENY.into()),
        ("WATCH_FS_OPEN_PERM", Questions::OPEN.bits()),
        ("WATCH_FS_ACCESS_PERM", Questions::ACCESS.bits()),
        ("WATCH_FS_OPEN_EXEC_PERM", Questions::OPEN_EXEC.bits()),
        ("WATCH_FS_PRE_ACCESS", Questions::PRE_ACCESS.bits()),
        ("WATCH_FS_ALL_PERM", Questions::all().bits()),
        ("WATCH_INFO_OVERRUN", abi::INFO_OVERRUN.into()),
        ("WATCH_INFO_ENOMEM", abi::INFO_ENOMEM.into()),
        ("WATCH_INFO_RECURSIVE", abi::INFO_RECURSIVE.into()),
        ("WATCH_INFO_LENGTH", abi::INFO_LENGTH.into()),
        ("WATCH_LENGTH_SHIFT", abi::LENGTH_SHIFT.into()),
        (
            "WATCH_INFO_LENGTH >> WATCH_LENGTH_SHIFT",
            abi::RECORD_MAX_SLOTS.into(),
        ),
        ("WATCH_INFO_IN_SUBTREE", abi::INFO_IN_SUBTREE.into()),
        ("WATCH_INFO_TYPE_FLAGS", abi::INFO_TYPE_FLAGS.into()),
        ("WATCH_INFO_FLAG_0", abi::INFO_FLAG_0.into()),
        ("NOTIFY_FS_IS_DIR", abi::INFO_FLAG_0.into()),
        ("WATCH_INFO_FLAG_1", abi::INFO_FLAG_1.into()),
        ("NOTIFY_FS_TRUNCATED", abi::INFO_FLAG_1.into()),
        ("NOTIFY_FS_NO_PLACE", abi::INFO_FLAG_2.into()),
        ("WATCH_LOSS_MANY", abi::INFO_FLAG_0.into()),
        ("WATCH_INFO_ID", abi::INFO_ID.into()),
        ("WATCH_INFO_ID__SHIFT", abi::INFO_ID_SHIFT.into()),
        ("WATCH_FILTER_MAX", abi::FILTER_MAX as u64),
        ("WATCH_FEATURE_LSM", abi::FEATURE_LSM),
        ("WATCH_FEATURE_PERMISSION", abi::FEATURE_PERMISSION),
        ("WATCH_FEATURE_PROBES", abi::FEATURE_PROBES),
        ("WATCH_REMOVE_ALL", abi::REMOVE_ALL.into()),
        ("sizeof(struct watch_notification)", abi::SLOT_SIZE as u64),
        (
            "sizeof(struct watch_queue_buffer) / 8",
            abi::HEADER_SLOTS.into(),
        ),
        ("sizeof(struct fs_notification)", abi::FS_FIXED_SIZE as u64),
        ("offsetof(struct fs_notification, name_off)", 40),
        ("offsetof(struct fs_notification, handle_off)", 44),
        ("sizeof(struct watch_notification_type_filter)", 44),
        ("offsetof(struct watch_notification_filter, filters)", 8),
        ("WATCH_FS_ACCESS", Events::ACCESS.bits()),
        ("WATCH_FS_MODIFY", Events::MODIFY.bits()),
        ("WATCH_FS_ATTRIB", Events::ATTRIB.bits()),
        ("WATCH_FS_CLOSE_WRITE", Events::CLOSE_WRITE.bits()),
        ("WATCH_FS_CLOSE_NOWRITE", Events::CLOSE_NOWRITE.bits()),
        ("WATCH_FS_OPEN", Events::OPEN.bits()),
        ("WATCH_FS_MOVED_FROM", Events::MOVED_FROM.bits()),
        ("WATCH_FS_MOVED_TO", Events::MOVED_TO.bits()),
        ("WATCH_FS_CREATE", Events::CREATE.bits()),
        ("WATCH_FS_DELETE", Events::DELETE.bits()),
        ("WATCH_FS_DELETE_SELF", Events::DELETE_SELF.bits()),
        ("WATCH_FS_MOVE_SELF", Events::MOVE_SELF.bits()),
        ("WATCH_FS_OPEN_EXEC", Events::OPEN_EXEC.bits()),
        ("WATCH_FS_MOVE", Events::MOVE.bits()),
        ("WATCH_FS_CLOSE", Events::CLOSE.bits()),
        ("WATCH_FS_MUTATIONS", Events::MUTATIONS.bits()),
        ("WATCH_FS_ALL_EVENTS", Events::all().bits()),
        ("WATCH_SCOPE_OBJECT", Scope::Object as u64),
        ("WATCH_SCOPE_CHILDREN", Scope::Children as u64),
        ("WATCH_SCOPE_SUBTREE", Scope::Subtree as u64),
        ("WATCH_SCOPE_MOUNT", Scope::Mount as u64),
        ("WATCH_SCOPE_SB", Scope::Superblock as u64),
        ("WATCH_ADD_ONLYDIR", WatchFlags::ONLY_DIR.bits().into()),
        ("WATCH_ADD_ONESHOT", WatchFlags::ONE_SHOT.bits().into()),
        (
            "WATCH_ADD_EXCL_UNLINK",
            WatchFlags::EXCLUDE_UNLINKED.bits().into(),
        ),
        (
            "WATCH_ADD_FILE_HANDLE",
            WatchFlags::FILE_HANDLE.bits().into(),
        ),
        ("WATCH_ADD_UPDATE", WatchFlags::UPDATE.bits().into()),
        ("WATCH_ADD_MASK_ADD", WatchFlags::MASK_ADD.bits().into()),
        ("WATCH_ADD_EVICTABLE", WatchFlags::EVICTABLE.bits().into()),
        (
            "WATCH_ADD_IGNORE_SURV",
            WatchFlags::IGNORE_SURVIVES_MODIFY.bits().into(),
        ),
        ("WATCH_ADD_PATH", WatchFlags::PATH.bits().into()),
    ];
    pairs.extend(
        layout!(abi::Add, "watch_queue_add": size = "size", type_ = "type",
        scope = "scope", flags = "flags", object = "object", id = "id", mask = "mask",
        ignore_mask = "ignore_mask", cookie = "cookie", handle = "handle"),
    );
    pairs.extend(
        layout!(abi::Remove, "watch_queue_remove": size = "size", flags = "flags",
        handle = "handle", type_ = "type", reserved = "__reserved"),
    );
    pairs.extend(layout!(abi::QueueInfo, "watch_queue_info": size = "size",
        abi_version = "abi_version", handle = "handle", features = "features",
        sources = "sources", fs_scopes = "fs_scopes", fs_mask = "fs_mask",
        ring_slots = "ring_slots", watches = "watches", posted = "posted",
        filtered = "filtered", delivered = "delivered", lost = "lost", mask = "mask",
        ignore_mask = "ignore_mask", cookie = "cookie", id = "id", type_ = "type",
        hooks = "hooks", events = "events", asked = "asked", allowed = "allowed",
        denied = "denied", timed_out = "timed_out", by_policy = "by_policy", killed = "killed",
        pending = "pending", not_asked = "not_asked", listener_gone = "listener_gone",
        shut_down = "shut_down", unplaced = "unplaced"));
    pairs.extend(layout!(abi::Respond, "watch_queue_respond": size = "size",
        response = "response", request = "request", error = "error", reserved = "__reserved"));
    pairs.extend(
        layout!(abi::OpenTarget, "watch_queue_open_target": size = "size",
        flags = "flags", request = "request"),
    );
    pairs.extend(
        layout!(abi::Permission, "watch_queue_permission": size = "size",
        timeout_ms = "timeout_ms", unanswered = "unanswered", reserved = "__reserved"),
    );
    agree(&pairs);
}
