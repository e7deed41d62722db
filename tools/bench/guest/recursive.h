/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Peers that watch everything below a directory and know the path of each event. For detail.c and
 * workload.c; one of them at a time.
 */
#ifndef WQ_BENCH_RECURSIVE_H
#define WQ_BENCH_RECURSIVE_H

#include "bench.h"

/* A listener that has seen the file of this name has seen all before it. */
#define MARKER	"the-end"

/* What came, of whatever peer it was. */
struct heard {
	unsigned long events;	/* as the peer counts them */
	unsigned long paths;	/* those whose path was there or was made */
	unsigned long lost;	/* that the peer said it has lost; inotify, fanotify: overflows */
	unsigned long markers;
	uint64_t bytes;		/* of the paths */
};

extern struct heard heard;

/* The path of an event, below the root of what is watched. */
void heard_path(const char *path, size_t length);

/* Sleeps until there is something. */
void recursive_wait(struct listener *l);

extern const struct peer recursive_inotify, recursive_fanotify;
extern const struct peer recursive_wq;		/* the path is in the record */
extern const struct peer recursive_watermark;	/* … and a watermark of 64 records or 10 ms */
extern const struct peer recursive_handle;	/* a file handle and the name, no path */

#endif
