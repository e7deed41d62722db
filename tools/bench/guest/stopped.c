// SPDX-License-Identifier: GPL-2.0
/*
 * What an event costs that does not arrive: the watch does not want it, the filter stops it, or
 * the ring is full. Each is a listener of its own for the work "pwrite".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <watch_queue/wq.h>

#include "bench.h"

static struct wq *queue_of(struct listener *l, uint32_t pages)
{
	struct wq_opts opts = { .sz = sizeof(opts), .pages = pages };
	struct wq *wq;

	errno = -wq_open(&wq, &opts);
	if (errno)
		die("/dev/watch_queue");
	l->private = wq;
	return wq;
}

static void add(struct wq *wq, const char *path, uint64_t mask, uint64_t ignore_mask)
{
	struct watch_queue_add add = {
		.type = WATCH_TYPE_FS_NOTIFY,
		.scope = WATCH_SCOPE_CHILDREN,
		.flags = WATCH_ADD_IGNORE_SURV,
		.object = open(path, O_PATH),
		.mask = mask,
		.ignore_mask = ignore_mask,
	};

	errno = -wq_add_watch(wq, &add);
	if (errno)
		die("ADD_WATCH %s", path);
	close(add.object);
}

static void never_add(struct listener *l, const char *path, struct want want)
{
	(void)want;
	add(l->private, path, 0, 0);
}

/*
 * The kernel calls for what anybody here asks for or ignores; this watch asks for something
 * else, and ignores the event, so that it comes and is not wanted.
 */
static void mask_open(struct listener *l, const char *path, struct want want)
{
	add(queue_of(l, 1), path, WATCH_FS_ATTRIB, want.events);
}

static void filter_open(struct listener *l, const char *path, struct want want)
{
	union {
		struct watch_notification_filter filter;
		uint32_t words[2 + sizeof(struct watch_notification_type_filter) / 4];
	} other = { .filter = { .nr_filters = 1 } };
	struct wq *wq = queue_of(l, 1);

	other.filter.filters[0].type = WATCH_TYPE_FS_NOTIFY;
	other.filter.filters[0].subtype_filter[0] = ~want.events;
	errno = -wq_filter(wq, &other.filter);
	if (errno)
		die("SET_FILTER");
	add(wq, path, want.events, 0);
}

static void full_open(struct listener *l, const char *path, struct want want)
{
	add(queue_of(l, 1), path, want.events, 0);
}

static unsigned int drain_nothing(struct listener *l)
{
	(void)l;
	return 0;
}

static void close_queue(struct listener *l)
{
	wq_close(l->private);
}

static const struct peer peers[] = {
	{ "mask", mask_open, never_add, drain_nothing, close_queue },
	{ "filter", filter_open, never_add, drain_nothing, close_queue },
	{ "full", full_open, never_add, drain_nothing, close_queue },
};

#define PEERS	(sizeof(peers) / sizeof(peers[0]))

void set_stopped(bool quick)
{
	(void)quick;
	for (size_t i = 0; i < PEERS; i++)
		run_work(&work_pwrite, &peers[i], 1, BATCHES);
}

const struct peer *stopped_peer(const char *name)
{
	for (size_t i = 0; i < PEERS; i++)
		if (strcmp(peers[i].name, name) == 0)
			return &peers[i];
	return NULL;
}
