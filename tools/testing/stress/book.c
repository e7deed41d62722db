// SPDX-License-Identifier: GPL-2.0
/*
 * Judges the records of a well-behaved queue against what was asked for: each watch has
 * exactly one REMOVAL, nothing follows it, no record is of a watch that nobody added or
 * of an event that it never wanted, a one-shot watch has fired once, and all counts add up.
 * Only records of FS have the cookie that tells whose they are; the others are counted.
 */
#include "book.h"

void book_begin(struct book *b, uint32_t serial)
{
	pthread_mutex_lock(&b->lock);
	b->serial = serial;
	b->used = 0;
	b->shut = false;
	b->events = 0;
	b->lost = 0;
	pthread_mutex_unlock(&b->lock);
}

struct entry *book_new(struct book *b)
{
	struct entry *e = NULL;

	pthread_mutex_lock(&b->lock);
	if (b->used < ENTRIES) {
		e = &b->entry[b->used++];
		memset(e, 0, sizeof(*e));
	}
	pthread_mutex_unlock(&b->lock);
	return e;
}

bool book_call(struct book *b, struct entry *e, uint64_t mask)
{
	bool room;

	pthread_mutex_lock(&b->lock);
	room = e->births + e->under_way < BIRTHS;
	if (room) {
		e->under_way++;
		e->masks |= mask;
	}
	pthread_mutex_unlock(&b->lock);
	return room;
}

void book_called(struct book *b, struct entry *e, uint64_t handle)
{
	bool known = !handle;

	pthread_mutex_lock(&b->lock);
	e->under_way--;
	for (unsigned int i = 0; i < e->births; i++)
		known |= e->handles[i] == handle;
	if (!known)
		e->handles[e->births++] = handle;
	pthread_mutex_unlock(&b->lock);
}

struct entry *book_any(struct book *b, struct rng *r)
{
	struct entry *e = NULL;

	pthread_mutex_lock(&b->lock);
	if (b->used) {
		/* The latest are the most likely to live. */
		unsigned int back = rnd(r, b->used < 24 ? b->used : 24);

		e = &b->entry[b->used - 1 - back];
	}
	pthread_mutex_unlock(&b->lock);
	return e;
}

uint64_t book_any_handle(struct book *b, struct rng *r, struct entry **of)
{
	struct entry *e = book_any(b, r);
	uint64_t handle = 0;

	if (e) {
		pthread_mutex_lock(&b->lock);
		if (e->births)
			handle = e->handles[e->births - 1];
		pthread_mutex_unlock(&b->lock);
	}
	*of = e;
	return handle;
}

static struct entry *find(struct book *b, uint64_t cookie, const char *what)
{
	uint32_t index = (uint32_t)cookie >> 4;

	if (cookie >> 32 == b->serial && (cookie & 0xf) == 0xd && index < b->used)
		return &b->entry[index];
	fail("%s with cookie %#llx, which no watch of queue %u had", what,
	     (unsigned long long)cookie, b->serial);
	return NULL;
}

static void say(const struct book *b, const struct entry *e, const char *what)
{
	fail("%s: queue %u, watch %u on %s: type %u, scope %u, flags %#x, %u births, %u under way, %u removals, %u events",
	     what, b->serial, (unsigned int)(e - b->entry), e->path,
	     e->type, e->scope, e->flags, e->births, e->under_way, e->removals, e->events);
}

static void event(struct book *b, const struct wq_rec *rec)
{
	struct entry *e = find(b, rec->fs.cookie, "event");

	b->events++;
	count(C_RECORDS, 1);
	if (!e)
		return;
	e->events++;
	if (e->removals >= e->births + e->under_way)
		say(b, e, "an event after the REMOVAL");
	if (!(e->masks >> rec->subtype & 1))
		say(b, e, "an event that nobody wanted");
	if (rec->id != e->id)
		say(b, e, "an event with another watch's id");
	/* One event is at most two records: two bits, or both halves of a rename. */
	if ((e->flags & WATCH_ADD_ONESHOT) && e->events > 2 * (e->births + e->under_way))
		say(b, e, "a one-shot watch fired again");
}

static void removal(struct book *b, const struct wq_rec *rec)
{
	struct entry *e = find(b, rec->removal.cookie, "REMOVAL");
	uint32_t reason = rec->removal.reason;

	count(C_REASON + reason, 1);
	if (!e)
		return;
	if (e->removals >= e->births + e->under_way) {
		say(b, e, "a REMOVAL too many");
		return;
	}
	for (unsigned int i = 0; i < e->removals; i++)
		if (e->removed[i] == rec->removal.handle)
			say(b, e, "two REMOVALs of one handle");
	e->removed[e->removals++] = rec->removal.handle;
	if ((reason == WATCH_REMOVAL_ONESHOT && !(e->flags & WATCH_ADD_ONESHOT)) ||
	    (reason == WATCH_REMOVAL_EVICTED && !(e->flags & WATCH_ADD_EVICTABLE)) ||
	    (reason == WATCH_REMOVAL_QUEUE_SHUTDOWN && !b->shut) ||
	    reason == WATCH_REMOVAL_SOURCE_GONE)
		fail("queue %u, watch on %s, flags %#x: it cannot end for reason %u", b->serial,
		     e->path, e->flags, reason);
	if (rec->id != e->id)
		say(b, e, "a REMOVAL with another watch's id");
}

void book_record(struct book *b, const struct wq_rec *rec)
{
	pthread_mutex_lock(&b->lock);
	if (rec->type == WATCH_TYPE_FS_NOTIFY) {
		event(b, rec);
	} else if (rec->type != WATCH_TYPE_META) {
		b->events++;
		count(C_RECORDS, 1);
		count(C_OTHER, 1);
	} else if (rec->subtype == WATCH_META_REMOVAL_NOTIFICATION) {
		removal(b, rec);
	} else {
		b->lost += rec->loss.count;
		count(C_LOST, rec->loss.count);
		if (rec->loss.cookie)
			find(b, rec->loss.cookie, "LOSS");
	}
	pthread_mutex_unlock(&b->lock);
}

static void sums(struct book *b, unsigned int *births, unsigned int *removals)
{
	*births = *removals = 0;
	for (unsigned int i = 0; i < b->used; i++) {
		*births += b->entry[i].births;
		*removals += b->entry[i].removals;
	}
}

bool book_complete(struct book *b, const struct watch_queue_info *info)
{
	unsigned int births, removals;
	bool complete;

	pthread_mutex_lock(&b->lock);
	sums(b, &births, &removals);
	complete = !info->watches && births == removals && b->events == info->delivered &&
		   b->lost == info->lost;
	pthread_mutex_unlock(&b->lock);
	return complete;
}

void book_explain(struct book *b, const struct watch_queue_info *info)
{
	unsigned int births, removals, shown = 0;

	pthread_mutex_lock(&b->lock);
	sums(b, &births, &removals);
	fail("queue %u does not add up: %llu watches left, %u births and %u REMOVALs, %llu delivered and %llu read, %llu lost and %llu told",
	     b->serial, (unsigned long long)info->watches, births, removals,
	     (unsigned long long)info->delivered, (unsigned long long)b->events,
	     (unsigned long long)info->lost, (unsigned long long)b->lost);
	for (unsigned int i = 0; i < b->used && shown < 5; i++)
		if (b->entry[i].births != b->entry[i].removals) {
			say(b, &b->entry[i], "births and REMOVALs differ");
			shown++;
		}
	pthread_mutex_unlock(&b->lock);
}

/* Every handle that was born was named by exactly one REMOVAL. */
void book_close(struct book *b)
{
	pthread_mutex_lock(&b->lock);
	for (unsigned int i = 0; i < b->used; i++) {
		struct entry *e = &b->entry[i];

		for (unsigned int h = 0; h < e->births; h++) {
			bool found = false;

			for (unsigned int k = 0; k < e->removals; k++)
				found |= e->removed[k] == e->handles[h];
			if (!found)
				say(b, e, "a handle that no REMOVAL named");
		}
	}
	pthread_mutex_unlock(&b->lock);
}
