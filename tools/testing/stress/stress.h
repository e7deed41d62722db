/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the stress program share: the random numbers of a thread, the places
 * where files are, the counters that are printed at the end, and how a failed check is
 * reported.
 */
#ifndef STRESS_H
#define STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "wq_test.h"

/* Random numbers; each thread has its own, made from the seed and the thread's number. */
struct rng {
	uint64_t state;
};

void rng_init(struct rng *r, uint64_t seed, unsigned int thread);
uint32_t rnd(struct rng *r, uint32_t below);	/* 0 to below - 1 */
static inline bool chance(struct rng *r, uint32_t percent)
{
	return rnd(r, 100) < percent;
}

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

/* Reports a failed check and goes on; the round has failed. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
unsigned int failures(void);

/* Counted over the round, by the wild process too, and printed at its end. */
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
