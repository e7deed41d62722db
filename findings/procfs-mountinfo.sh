#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The mount points of the procfs crate are not paths.
#
# Guess, before the run: a library that parses /proc/PID/mountinfo into a structure also decodes the octal
#	escapes (\040 blank, \011 tab, \134 backslash), so that the mount point can be opened.
# Version: procfs 0.18.0 (crate).
# Seen: root, mount_point and mount_source keep the escapes: a mount on "/mnt/c d" has the mount_point
#	"/mnt/c\040d", which no open() finds.
# Why it matters: who turns the ids in mount events into paths with it loses just the mounts with a blank, as
#	removable media often have.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# expect WHAT SEEN WANTED: fails if what was found once is not so any more.
expect() {
	[ "$2" = "$3" ] && return
	printf '%s changed\n  then: %s\n  now:  %s\n' "$1" "$3" "$2" >&2
	exit 1
}

mkdir src
cat >Cargo.toml <<'END'
[package]
name = "probe"
version = "0.0.0"
edition = "2021"
[dependencies]
procfs = { version = "=0.18.0", default-features = false }
END
cat >src/main.rs <<'END'
fn main() {
    let line = r"36 35 98:0 /a\040b /mnt/c\040d rw,noatime shared:1 - ext4 /dev/sd\040a rw,errors=continue";
    let mount = procfs::process::MountInfo::from_line(line).unwrap();
    println!("{} {} {}", mount.root, mount.mount_point.display(), mount.mount_source.unwrap());
}
END
cargo build -q 2>cargo.log || { cat cargo.log >&2; echo "procfs 0.18.0 cannot be built any more" >&2; exit 2; }
expect "procfs 0.18.0" "$(target/debug/probe)" '/a\040b /mnt/c\040d /dev/sd\040a'
echo "procfs-mountinfo: as found: the escapes are left as they are"
