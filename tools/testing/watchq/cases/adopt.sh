# shellcheck shell=sh disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0
#
# libwq: watches of every source, and a queue that is handed over by execve() in the middle of its records.

test_a_queue_is_handed_over_and_loses_nothing()
{
	mkdir w
	adopted w >o
	is status $? 0
	is output "$(cat o)" 'file: 0
not a directory: ENOTDIR
mounts: 0
mounts of a namespace: EEXIST
file system: 0
key: 0
block devices: 0
usb: 0
first: create a 7
second: create b 7
second: create c 7
second: 2 records, close-on-exec 1
second: info 0, delivered 3, lost 0
watermark: 0, wait 0, with a time 0, wait 1'
}
