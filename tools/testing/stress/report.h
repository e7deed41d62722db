/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a round of stress has done and what failed in it. The counters are shared with the
 * wild process, which is a fork.
 */
#ifndef STRESS_REPORT_H
#define STRESS_REPORT_H

#include <stdatomic.h>
#include <stdbool.h>

/* Counted over the round, and printed at its end. */
enum count {
	C_ADD, C_UPDATE, C_REMOVE, C_REMOVE_ALL, C_FIND, C_FILTER, C_RECORDS, C_LOST, C_QUEUES,
	C_WIDE, C_OTHER, C_FILE_OPS, C_KEY_OPS, C_MOUNTS, C_UMOUNTS, C_LAZY, C_BINDS, C_REMOUNTS,
	C_EVICT, C_ASKED, C_REASON,
	C_NR = C_REASON + 7		/* one for each reason of a REMOVAL */
};

extern atomic_ulong *counts;
static inline void count(enum count c, unsigned long n)
{
	atomic_fetch_add_explicit(&counts[c], n, memory_order_relaxed);
}

bool report_setup(void);		/* before anything is counted or forked */
void report_counts(void);		/* prints them; fails what has not happened */

/* Reports a failed check and goes on; the round has failed. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
unsigned int failures(void);

#endif
