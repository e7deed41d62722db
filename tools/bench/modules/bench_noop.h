/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/bench_noop: a listener of fsnotify whose handler does nothing. Benchmarks only. */
#ifndef BENCH_NOOP_H
#define BENCH_NOOP_H

#include <linux/ioctl.h>
#include <linux/types.h>

struct bench_noop_add {
	__s32	fd;	/* a file or directory */
	__u32	mask;	/* FS_* bits of the kernel */
};

/* Bits of the kernel's that inotify.h does not have. */
#define BENCH_NOOP_CHILDREN	0x08000000	/* FS_EVENT_ON_CHILD */
#define BENCH_NOOP_RENAME	0x10000000	/* FS_RENAME */
/* Not one of the kernel's: the file system of the object. */
#define BENCH_NOOP_WHOLE	0x80000000

/* Each open file is a listener of its own; this gives it one more object. */
#define BENCH_NOOP_ADD	_IOW('B', 1, struct bench_noop_add)

#endif
