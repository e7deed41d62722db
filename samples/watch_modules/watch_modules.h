/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the sample module watch_modules offers to user space: events when kernel modules come
 * and go. Open /dev/watch_modules and pass the descriptor of a queue, see WATCH_MODULES.
 */
#ifndef WATCH_MODULES_H
#define WATCH_MODULES_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/watch_queue_dev.h>

#define WATCH_TYPE_MODULE_NOTIFY	0x800001

enum module_notification_subtype {
	NOTIFY_MODULE_LIVE	= 0,	/* loaded, its init function has succeeded */
	NOTIFY_MODULE_GOING	= 1	/* is being unloaded */
};

struct module_notification {
	struct watch_notification watch;
	char name[];			/* terminated, padded with zeros to 8 bytes */
};

struct watch_modules {
	__s32 queue;			/* descriptor of /dev/watch_queue, open for both */
	__u32 id;			/* 0 to 255; appears in the records */
};

/*
 * EBADF, EINVAL, EACCES: not such a descriptor; EINVAL: the id. EBUSY: watched already.
 * ENOBUFS: no ring yet. ENOENT: the queue has ended. EDQUOT: too many watches.
 */
#define WATCH_MODULES	_IOW('|', 0xb0, struct watch_modules)

#endif
