/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The books of a well-behaved queue: every watch that was ever asked for, and what its
 * records have said so far. queues.c makes the calls, book.c judges the records.
 *
 * A watch is recognised by its cookie. An update of a watch that has just ended adds a new
 * one with the same cookie, so an entry may stand for several, one after the other: its
 * births.
 */
#ifndef STRESS_BOOK_H
#define STRESS_BOOK_H

#include <pthread.h>

#include "stress.h"

#define ENTRIES	1500u			/* watches in the life of a queue */
#define BIRTHS	8u			/* watches with one cookie */

struct entry {
	char path[64];			/* or the key's name */
	uint32_t type, flags, scope, id;
	uint64_t masks;			/* every event that was ever asked for */
	unsigned int births, removals;
	unsigned int under_way;		/* calls that may turn out to be a birth */
	unsigned int events;
	uint64_t handles[BIRTHS];	/* of the births, as ADD_WATCH returned them */
	uint64_t removed[BIRTHS];	/* as the REMOVALs named them */
};

struct book {
	pthread_mutex_t lock;
	uint32_t serial;		/* upper half of all cookies */
	unsigned int used;
	bool shut;			/* SHUTDOWN was called */
	uint64_t events, lost;		/* read from the ring */
	struct entry entry[ENTRIES];
};

static inline uint64_t book_cookie(const struct book *b, const struct entry *e)
{
	return (uint64_t)b->serial << 32 | (uint32_t)(e - b->entry) << 4 | 0xd;
}

void book_begin(struct book *b, uint32_t serial);
/* A call that may add a watch begins and ends; handle is 0 if it failed. */
struct entry *book_new(struct book *b);
bool book_call(struct book *b, struct entry *e, uint64_t mask);
void book_called(struct book *b, struct entry *e, uint64_t handle);
/* Any entry, or any handle that was born; NULL or 0 if there is none. */
struct entry *book_any(struct book *b, struct rng *r);
uint64_t book_any_handle(struct book *b, struct rng *r, struct entry **e);
/* Judges one record. */
void book_record(struct book *b, const struct wq_rec *rec);
/* Whether everything has come that has to; then whether it was right. */
bool book_complete(struct book *b, const struct watch_queue_info *info);
void book_explain(struct book *b, const struct watch_queue_info *info);
void book_close(struct book *b);

#endif
