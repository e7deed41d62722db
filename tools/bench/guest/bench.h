/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The benchmarks' program for the guest: listeners (peers), what happens (works), and how
 * both are counted (measure).
 *
 * Every figure is one line on stdout, "NAME MEDIAN MEAN"; tools/bench/report reads them.
 * With --icount of tools/vm/run a tick of the CPU's counter is one instruction of the guest.
 */
#ifndef WQ_BENCH_H
#define WQ_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BATCH	64	/* operations that are counted together */
#define BATCHES	384	/* such batches for one figure */

/* measure.c: counting. */

static inline uint64_t ticks(void)
{
	uint32_t low, high;

	__asm__ __volatile__("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

struct samples {
	uint64_t *values;
	size_t n, room;
};

void sample(struct samples *s, uint64_t value);
/* Prints one figure, each sample divided by divisor, and forgets the samples. */
void report(struct samples *s, double divisor, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Prints a figure that was taken once. */
void report_once(double value, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What two calls of ticks() count of themselves; to be subtracted. */
extern uint64_t ticks_cost;
void measure_init(void);
/* Ends the program with a message and errno. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* peers.c, peer_wq.c: the listeners. */

#define MAX_LISTENERS	64

struct want {
	uint32_t events;	/* as inotify numbers them; the peers agree on these bits */
	bool children;		/* of what happens to the files of a directory */
	bool whole;		/* no-op handler only: of what happens on the file system */
};

struct listener {
	int fd;
	void *private;
};

struct peer {
	const char *name;
	/* Begins to listen to what happens at path. */
	void (*open)(struct listener *l, const char *path, struct want want);
	/* Adds another object. */
	void (*add)(struct listener *l, const char *path, struct want want);
	/* Reads all that waits, with one system call at most: the number of events. */
	unsigned int (*drain)(struct listener *l);
	void (*close)(struct listener *l);
};

extern const struct peer peer_none, peer_noop, peer_inotify, peer_fanotify, peer_wq;
/* peer_wq.c: opens a queue without a watch. */
void open_queue(struct listener *l);
extern const struct peer peer_subtree;	/* watch_queue, everything below the path */

/* works.c: what happens. The current folder is the one that is watched. */

struct work {
	const char *name;
	struct want want;
	void (*prepare)(void);
	/* One operation on file i of BATCH; a work may have a second phase for each. */
	void (*phase[2])(unsigned int i);
	void (*finish)(void);
};

extern const struct work work_pwrite, work_open, work_create, work_rename;
extern char names[BATCH][16];
void works_init(void);

/* The sets of measurements. */
void set_events(bool quick);
void set_listeners(bool quick);
void set_consume(bool quick);
void set_limits(bool quick);
void set_stopped(bool quick);
void set_keys(bool quick);
void set_unrelated(bool quick);
void set_subtree(bool quick);
void set_untar(bool quick);
void set_wakeup(bool quick);
void set_watches(bool quick);
void set_workload(bool quick);
void set_neighbours(bool quick);
void set_beside(bool quick);
void set_many(bool quick);

/*
 * Runs a work under n listeners of a peer, all on the current folder, and reports
 * NAME.produce, NAME.consume (of all listeners together) and NAME.arrived, per operation.
 */
void run_work(const struct work *work, const struct peer *peer, unsigned int n, unsigned int batches);

/* For tools/bench/profile: its plugin begins or ends to count. */
static inline void mark(void)
{
	__asm__ __volatile__("xchg %%bx, %%bx" : : : "memory");
}

/* For tools/bench/lines: what was counted since the last one is written down. */
static inline void mark_section(void)
{
	__asm__ __volatile__("xchg %%cx, %%cx" : : : "memory");
}

void set_lines(bool quick);
void profile_work(const struct work *work, const struct peer *peer, unsigned int n);
/* stopped.c: the peer of that name; NULL if there is none. */
const struct peer *stopped_peer(const char *name);
/*
 * subtree.c: the peer of that name, in the depth of a tree that is made for the first of them; NULL if there
 * is none.
 */
const struct peer *enter_subtree(const char *name);

#endif
