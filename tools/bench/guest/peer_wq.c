// SPDX-License-Identifier: GPL-2.0
/* A listener: a program with the C library of /dev/watch_queue. */
#include <watch_queue/wq.h>

#include "subtree.h"

static void add(struct listener *l, const char *path, uint32_t scope, struct want want)
{
	errno = -wq_add(l->private, path, scope, want.events, 0x1122334455667788, NULL);
	if (errno)
		die("ADD_WATCH %s", path);
}

static void wq_peer_add(struct listener *l, const char *path, struct want want)
{
	add(l, path, want.children ? WATCH_SCOPE_CHILDREN : WATCH_SCOPE_OBJECT, want);
}

static void subtree_add(struct listener *l, const char *path, struct want want)
{
	add(l, path, WATCH_SCOPE_SUBTREE, want);
}

void open_queue(struct listener *l)
{
	struct wq_opts opts = { .sz = sizeof(opts), .pages = 64 };
	struct wq *wq;

	errno = -wq_open(&wq, &opts);
	if (errno)
		die("/dev/watch_queue");
	l->private = wq;
	l->fd = wq_fd(wq);
}

static void wq_peer_open(struct listener *l, const char *path, struct want want)
{
	open_queue(l);
	wq_peer_add(l, path, want);
}

static void subtree_open(struct listener *l, const char *path, struct want want)
{
	open_queue(l);
	subtree_add(l, path, want);
}

bool subtree_allowed(const char *path, struct want want)
{
	struct wq_opts opts = { .sz = sizeof(opts), .pages = 1 };
	struct wq *wq;
	int rc;

	errno = -wq_open(&wq, &opts);
	if (errno)
		die("/dev/watch_queue");
	rc = wq_add(wq, path, WATCH_SCOPE_SUBTREE, want.events, 0, NULL);
	wq_close(wq);
	return rc == 0;
}

static unsigned int wq_peer_drain(struct listener *l)
{
	struct wq *wq = l->private;
	unsigned int n = 0;

	while (wq_next(wq))
		n++;
	if (wq->error) {
		errno = -wq->error;
		die("the ring");
	}
	wq_advance(wq);
	return n;
}

static void wq_peer_close(struct listener *l)
{
	wq_close(l->private);
}

const struct peer peer_wq = { "watch_queue", wq_peer_open, wq_peer_add, wq_peer_drain, wq_peer_close };
const struct peer peer_subtree = { "subtree", subtree_open, subtree_add, wq_peer_drain, wq_peer_close };
