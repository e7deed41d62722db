/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the module wq_context_test and the tests agree on: the ioctls of
 * /dev/wq_context_test and the records it posts.
 */
#ifndef WQ_CONTEXT_TEST_H
#define WQ_CONTEXT_TEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Where the module calls the API. */
enum wqt_context {
	WQT_PROCESS,
	WQT_IRQS_OFF,
	WQT_RAW_LOCK,		/* under a raw spinlock of its own */
	WQT_PI_LOCK,		/* under a lock that waking needs */
	WQT_TIMER,		/* softirq */
	WQT_BH_WORK,		/* softirq, as tasklets */
	WQT_HRTIMER_SOFT,
	WQT_HRTIMER_HARD,	/* hard interrupt */
	WQT_IRQ_WORK,		/* hard interrupt */
	WQT_RCU_CALLBACK,
	WQT_CONTEXTS
};

#define WQT_LISTS	16	/* lists that the module has */
#define WQT_TYPE	0x8000ff	/* of its records */

/* A record: this, then pattern up to its length. */
struct wqt_record {
	__u32 head[2];		/* struct watch_notification */
	__u32 producer;
	__u32 seq;
};

/* Byte n of the pattern of a record. */
#define WQT_PATTERN(producer, seq, n) ((unsigned char)((producer) * 31 + (seq) * 7 + (n)))

struct wqt_watch {
	__s32 fd;
	__u32 list;
	__u64 id;
	__u32 info_id;
	__u32 __reserved;
};

struct wqt_post {
	__u32 context;		/* enum wqt_context */
	__u32 list;
	__u64 id;
	__u32 type;
	__u32 info;		/* with the length */
	__u32 producer;
	__u32 first;		/* seq of the first record */
	__u32 count;
	__u32 batch;		/* records for each entry of the context */
};

struct wqt_end {
	__u32 context;
	__u32 list;
};

struct wqt_stats {
	__u64 added;		/* watches */
	__u64 released;		/* calls of release_watch(), after a barrier */
	__u64 errors;		/* what the module found wrong; the log says what */
};

#define WQT_WATCH	_IOW('|', 0xa0, struct wqt_watch)
#define WQT_UNWATCH	_IOW('|', 0xa1, struct wqt_watch)
#define WQT_POST	_IOW('|', 0xa2, struct wqt_post)
#define WQT_END		_IOW('|', 0xa3, struct wqt_end)
#define WQT_STATS	_IOR('|', 0xa4, struct wqt_stats)

#endif
