/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A call on a queue, as fault.c drives it, and what is prepared for it. calls.c and
 * permission.c have the lists.
 */
#ifndef FAULT_H
#define FAULT_H

#include "../stress/stress.h"
#include "wq_permission.h"

#define ERRORS		140		/* above the highest errno */
#define RING_PAGES	64u
#define COUNT_OF(a)	(sizeof(a) / sizeof((a)[0]))

struct state {
	struct wq q, other;		/* other: a second queue, where one is needed */
	bool no_ring;			/* q has none: nothing can be added */
	uint64_t handle;		/* of a watch that is there */
	int object;			/* a descriptor of the call's, or -1 */
	struct wq_task task;		/* waits for the answer to the request */
	uint64_t request;
	pid_t listener;			/* the process that is asked, if it is not this one */
};

struct call {
	const char *name;
	bool (*setup)(struct state *s);
	int (*run)(struct state *s);	/* 0 or -errno; may be run again after a failure */
	void (*undo)(struct state *s);	/* what has to be undone before the queue works again */
	int expect;			/* the result without a fault */
	bool as_user;			/* not as root, with just enough RLIMIT_MEMLOCK */
	int errors[6];			/* what a fault may give */
	int must_see[3];		/* what some fault has to give */
};

/* What several lists need: a queue with a ring, and "object", which nobody watches. */
bool ready(struct state *s);
int add_as(struct state *s, unsigned int scope, uint64_t mask, uint32_t flags);

extern const struct call calls[], permission_calls[];
extern const unsigned int nr_calls, nr_permission_calls;

#endif
