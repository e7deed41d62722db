/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fuzzer's state, its random numbers, and the calls that it can make (calls.c).
 */
#ifndef WQ_FUZZ_H
#define WQ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define NQUEUES		8	/* descriptors that a process plays with */
#define NMAPS		8
#define NFILES		6
#define SEQUENCE	100	/* calls before a process looks at the clock */

struct map {
	char *base;
	size_t len;
};

struct state {
	uint64_t rng;
	int fd[NQUEUES];
	struct map map[NMAPS];
	uint64_t calls;
	char dir[64];
};

uint64_t rnd(struct state *s);
unsigned int below(struct state *s, unsigned int n);

void do_add(struct state *s);
void do_files(struct state *s);
void do_map(struct state *s);

/* Closes and unmaps everything. */
void forget(struct state *s);

/* Each function as often as it stands here. */
extern void (*const often[])(struct state *s);
extern const unsigned int nr_often;

/* guide.c: whether there is coverage, one sequence of calls, places reached in the module. */
int guide_open(void);
void guide_round(struct state *s, void (*step)(struct state *s));
unsigned int guide_reached(void);

#endif
