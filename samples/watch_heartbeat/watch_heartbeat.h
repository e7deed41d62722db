/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the sample module watch_heartbeat offers to user space: a record ten times a second,
 * posted from a hard interrupt. Open /dev/watch_heartbeat and pass the descriptor of a queue,
 * see WATCH_HEARTBEAT.
 */
#ifndef WATCH_HEARTBEAT_H
#define WATCH_HEARTBEAT_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/watch_queue_dev.h>

#define WATCH_TYPE_HEARTBEAT_NOTIFY	0x800002

struct heartbeat_notification {
	struct watch_notification watch;	/* subtype 0 */
	__u64	beat;				/* since the module was loaded */
	__u64	time;				/* CLOCK_MONOTONIC, in ns */
};

struct watch_heartbeat {
	__s32 queue;			/* descriptor of /dev/watch_queue, open for both */
	__u32 id;			/* 0 to 255; appears in the records */
};

/*
 * EBADF, EINVAL, EACCES: not such a descriptor; EINVAL: the id. EBUSY: watched already.
 * ENOBUFS: no ring yet. ENOENT: the queue has ended. EDQUOT: too many watches.
 */
#define WATCH_HEARTBEAT	_IOW('|', 0xb1, struct watch_heartbeat)

#endif
