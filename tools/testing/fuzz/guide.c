// SPDX-License-Identifier: GPL-2.0
/*
 * Coverage as a guide: what a sequence of calls reached in the module (kcov) decides whether
 * it is kept and varied. A sequence is a list of seeds, one for each call, so that the rest
 * of the fuzzer need not know. Only where the kernel has kcov and the module was built for
 * it (Kbuild), which is the debug kernel.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kcov.h>

#include "fuzz.h"

#define TRACE_WORDS	131072UL	/* places that one sequence may pass */
#define KEPT		512		/* sequences; then the oldest go */
#define EDGES		65536

struct sequence {
	unsigned int nr;
	uint64_t seed[SEQUENCE];
};

static struct {
	uint64_t *trace;
	struct sequence kept[KEPT];
	unsigned int nr_kept;
	unsigned int reached;
	unsigned char edge[EDGES];
} guide;

int guide_open(void)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, TRACE_WORDS))
		return 0;
	guide.trace = mmap(NULL, TRACE_WORDS * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);
	if (guide.trace == MAP_FAILED || ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
		return 0;
	return 1;
}

static struct sequence *any_kept(struct state *s)
{
	unsigned int nr = guide.nr_kept < KEPT ? guide.nr_kept : KEPT;

	return &guide.kept[below(s, nr)];
}

/* A few changes of a sequence: another call, one more, one less, the end of another. */
static void vary(struct state *s, struct sequence *q)
{
	const struct sequence *other = any_kept(s);
	unsigned int at, times = 1 + below(s, 4);

	while (times--) {
		at = below(s, q->nr);
		switch (below(s, 4)) {
		case 0:
			q->seed[at] = rnd(s);
			break;
		case 1:
			if (q->nr == SEQUENCE)
				break;
			memmove(q->seed + at + 1, q->seed + at, (q->nr - at) * sizeof(q->seed[0]));
			q->seed[at] = rnd(s);
			q->nr++;
			break;
		case 2:
			if (q->nr < 2)
				break;
			q->nr--;
			memmove(q->seed + at, q->seed + at + 1, (q->nr - at) * sizeof(q->seed[0]));
			break;
		default:
			if (at >= other->nr)
				break;
			memcpy(q->seed + at, other->seed + at,
			       (other->nr - at) * sizeof(q->seed[0]));
			q->nr = other->nr;
		}
	}
}

/* How many places were reached that no sequence had reached before. */
static unsigned int fresh_edges(void)
{
	uint64_t n = __atomic_load_n(&guide.trace[0], __ATOMIC_RELAXED);
	unsigned int fresh = 0;

	for (uint64_t i = 1; i <= n && i < TRACE_WORDS; i++) {
		uint32_t h = (guide.trace[i] * 0x9e3779b97f4a7c15ULL) >> 48;

		fresh += !guide.edge[h];
		guide.edge[h] = 1;
	}
	return fresh;
}

void guide_round(struct state *s, void (*step)(struct state *s))
{
	struct sequence q;
	unsigned int fresh;
	uint64_t rng;

	if (guide.nr_kept && below(s, 3)) {
		q = *any_kept(s);
		vary(s, &q);
	} else {
		q.nr = 1 + below(s, SEQUENCE);
		for (unsigned int i = 0; i < q.nr; i++)
			q.seed[i] = rnd(s);
	}
	rng = s->rng;
	forget(s);
	__atomic_store_n(&guide.trace[0], 0, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < q.nr; i++) {
		s->rng = q.seed[i];
		step(s);
	}
	s->rng = rng;
	fresh = fresh_edges();
	if (!fresh)
		return;
	guide.reached += fresh;
	guide.kept[guide.nr_kept++ % KEPT] = q;
}

unsigned int guide_reached(void)
{
	return guide.reached;
}
