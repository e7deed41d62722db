/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the API for other modules share: a consumer that checks each record
 * against what wq_context_test posts and keeps accounts of them, and calls of that module.
 */
#ifndef CONSUMER_H
#define CONSUMER_H

#include <stdbool.h>
#include <stdint.h>
#include <watch_queue/wq.h>

#include "wq_context_test.h"

#define PRODUCERS	64

/* What came out of one queue. Zeroed to begin with. */
struct tally {
	uint64_t records;		/* of modules */
	uint64_t from[PRODUCERS];	/* … by producer */
	uint32_t next[PRODUCERS];	/* lowest number that may follow */
	uint64_t lost;			/* sum of the LOSS records */
	uint32_t removals[256];		/* REMOVAL records by id */
	uint32_t reason;		/* of the last one */
	uint32_t info;			/* of the last record of a module */
	uint32_t subtype;		/* … */
	uint32_t slots;			/* … */
};

/* Opens a queue of so many pages; NULL when that fails. */
struct wq *open_queue(uint32_t pages);

/*
 * Takes everything out of the ring; NULL, or what is wrong: a record that was changed or
 * comes twice or out of order, a second REMOVAL or a record behind it.
 */
const char *take(struct wq *wq, struct tally *tally);

/* Everything that was posted is accounted for; NULL, or what is wrong. */
const char *sums(struct wq *wq, const struct tally *tally, uint64_t posted);

struct sleeper {
	struct wq *wq;
	struct tally *tally;
	uint64_t want;
	int edge;		/* epoll, edge-triggered, or poll */
	const char *wrong;
};

/*
 * Takes all that comes and sleeps in between, until there were `want` records. A reader that
 * sleeps for a second and then finds something was not woken. Takes a struct sleeper; for a thread.
 */
void *sleep_for_records(void *arg);

/* The module: 0 or -errno. */
int watch(int fd, uint32_t list, uint64_t id, uint32_t info_id);
int unwatch(int fd, uint32_t list, uint64_t id);
int post(uint32_t context, uint32_t list, uint64_t id, uint32_t producer, uint32_t first,
	 uint32_t count, uint32_t slots);
int post_raw(struct wqt_post *p);
int end_list(uint32_t context, uint32_t list);
struct wqt_stats stats(void);
void module_close(void);

const char *context_name(uint32_t context);

/* Loads NAME.ko from the current folder, or unloads NAME: 0 or -errno. */
int load(const char *name);
int unload(const char *name);

/* n, or a tenth of it on a debug kernel. */
unsigned int scaled(unsigned int n);

uint64_t now_ms(void);

/* A watch's id, in its place. */
#define ID(n) ((uint32_t)(n) << WATCH_INFO_ID__SHIFT)

/* 0: NULL was returned. Prints what is wrong otherwise. */
#define EXPECT_FINE(expr) do { \
	const char *_why = (expr); \
	EXPECT_EQ(NULL, _why) { \
		TH_LOG("%s", _why); \
	} \
} while (0)

/* A fixture with a queue, wq, on which a test watches lists of wq_context_test. */
#define SET_UP() do { \
	int err = load("wq_context_test"); \
\
	if (access("/dev/watch_queue", F_OK)) \
		SKIP(return, "no /dev/watch_queue: load the module first"); \
	ASSERT_TRUE(err == 0 || err == -EEXIST) \
		TH_LOG("wq_context_test.ko could not be loaded: %s", strerror(-err)); \
	self->wq = open_queue(16); \
	ASSERT_NE(NULL, self->wq); \
} while (0)

/* At its end all that was added was released. */
#define TEAR_DOWN() do { \
	struct wqt_stats s; \
	uint32_t list; \
\
	for (list = 0; list < WQT_LISTS; list++) \
		end_list(WQT_PROCESS, list); \
	wq_close(self->wq); \
	s = stats(); \
	EXPECT_EQ(0, s.errors); \
	EXPECT_EQ(s.added, s.released); \
} while (0)

#endif
