/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What one user costs others: the sets "neighbours" (one CPU) and "beside" (several CPUs that run by turns).
 * neighbour.c has what their files share.
 */
#ifndef WQ_BENCH_NEIGHBOURS_H
#define WQ_BENCH_NEIGHBOURS_H

#include <sys/types.h>

#include "bench.h"

struct wq;

#define STRANGER	1001	/* a user without privileges */

/* The default limit on queues of a user. */
unsigned int queue_limit(void);
/* Opens a queue with a ring of one page. */
struct wq *small_queue(void);
/* Becomes a user without privileges who is root in a user and mount namespace of his own. */
void own_namespaces(void);
/* Watches everything that happens to the mounts of the caller's namespace. */
void watch_mounts(struct wq *wq);
/* Remounts /mnt with other flags than the last time. */
void remount(void);

/* Memory for what a child says to its parent. */
struct shared {
	unsigned int ready, stop;
	double value;
};

struct shared *share_memory(void);
/* Waits until the child has set ready; dies if it has ended instead. */
void await(struct shared *shared, pid_t child);

/* ids.c: many ids in one list of another module. */
void measure_ids(bool quick);

#endif
