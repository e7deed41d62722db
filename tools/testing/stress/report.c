// SPDX-License-Identifier: GPL-2.0
/*
 * See report.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "report.h"
#include "wq_test.h"

#define MANY_OPS	8000		/* a minute of them, on a debug kernel that has two CPUs for it */

atomic_ulong *counts;
static atomic_uint *failed;

bool report_setup(void)
{
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	failed = (atomic_uint *)&counts[C_NR];
	return counts != MAP_FAILED;
}

void fail(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* A defect may show at every turn; the first few tell enough. */
	if (atomic_fetch_add(failed, 1) < 40) {
		printf("# FAILED: %s\n", text);
		fflush(stdout);
	}
}

unsigned int failures(void)
{
	return *failed;
}

void report_counts(void)
{
	static const char *const name[C_NR] = {
		"add", "update", "remove", "remove_all", "find", "filter", "records", "lost",
		"queues", "wide", "other", "file_ops", "key_ops", "mounts", "umounts",
		"lazy_umounts", "binds", "remounts", "evict", "queues_that_asked",
		"removed", "oneshot", "object_gone", "unmount", "evicted", "shutdown",
		"source_gone",
	};

	printf("#");
	for (int i = 0; i < C_NR; i++)
		printf(" %s %lu", name[i], counts[i]);
	printf("\n");
	/* What never happened was not tested; a round with few actions may have missed what is rare. */
	for (int i = 0; i < C_NR; i++)
		if (!counts[i] && (counts[C_FILE_OPS] >= MANY_OPS || i < C_LOST) && i != C_LAZY &&
		    i != C_REASON + WATCH_REMOVAL_SOURCE_GONE &&
		    (getenv("STRESS_IMAGE") || i != C_REASON + WATCH_REMOVAL_EVICTED))
			fail("'%s' has not happened once, in a round with so many actions", name[i]);
}
