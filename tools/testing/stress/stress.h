/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the stress program share: the threads, and the functions of each part.
 */
#ifndef STRESS_H
#define STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "report.h"
#include "rng.h"
#include "wq_test.h"

/* A thread, as the watchdog sees it. */
struct worker {
	const char *_Atomic doing;
	struct rng rng;
	unsigned int number;
	atomic_int tid;
	atomic_ulong beats;		/* actions begun */
};

extern __thread struct worker *me;
void doing(const char *what);

/* Ends all loops. */
extern atomic_bool stop;

/* files.c: the folders, what happens in them, and the mounts that come and go. */
bool files_setup(const char *image);
void files_teardown(void);
void files_random_path(struct rng *r, char *buf, size_t len);
void files_act(struct rng *r);		/* one file operation */
void mounts_act(struct rng *r);		/* mounts and unmounts, evicts; one thread does it */
void mounts_summary(void);

/* keys.c: a keyring with a few keys that come and go. */
void keys_setup(void);
int keys_find(const char *name);	/* its serial number, or 0 */
void keys_random_name(struct rng *r, char *buf, size_t len);
void keys_act(struct rng *r);		/* one operation on a key */

/* queues.c: well-behaved queues, every record of which is accounted for. */
void queues_setup(void);
void queues_act(struct rng *r);
void queues_teardown(struct rng *r);

/* wild.c: a process that misuses queues; nobody counts what it gets. */
void wild_run(uint64_t seed) __attribute__((noreturn));

/* leaks.c: what has to be as it was before. */
struct baseline {
	long marks, objects;
};

void leaks_start(struct baseline *b);
bool leaks_slabs_back(const struct baseline *b);
bool leaks_limits_back(void);
long slab_read(const char *cache, const char *what);

/* rounds.c: adds and removes a watch n times; bytes per watch. */
int rounds_run(unsigned long n);

#endif
