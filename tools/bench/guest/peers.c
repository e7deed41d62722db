// SPDX-License-Identifier: GPL-2.0
/* The listeners: none, the handler that does nothing, inotify, and fanotify with FID and name. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../modules/bench_noop.h"
#include "bench.h"

static char buffer[1 << 18] __attribute__((aligned(8)));

static void none_open(struct listener *l, const char *path, struct want want)
{
	(void)l;
	(void)path;
	(void)want;
}

static unsigned int none_drain(struct listener *l)
{
	(void)l;
	return 0;
}

static void none_close(struct listener *l)
{
	(void)l;
}

const struct peer peer_none = { "unwatched", none_open, none_open, none_drain, none_close };

static void close_fd(struct listener *l)
{
	close(l->fd);
}

static void noop_add(struct listener *l, const char *path, struct want want)
{
	struct bench_noop_add add = { .fd = open(path, O_RDONLY), .mask = want.events };

	if (add.fd < 0)
		die("%s", path);
	/* The module under test asks for both halves of a rename at once, too. */
	if (want.events & (IN_MOVED_FROM | IN_MOVED_TO))
		add.mask = (add.mask & ~(IN_MOVED_FROM | IN_MOVED_TO)) | BENCH_NOOP_RENAME;
	if (want.whole)
		add.mask |= BENCH_NOOP_WHOLE;
	else if (want.children)
		add.mask |= BENCH_NOOP_CHILDREN;
	if (ioctl(l->fd, BENCH_NOOP_ADD, &add))
		die("BENCH_NOOP_ADD %s", path);
	close(add.fd);
}

static void noop_open(struct listener *l, const char *path, struct want want)
{
	l->fd = open("/dev/bench_noop", O_RDWR);
	if (l->fd < 0)
		die("/dev/bench_noop");
	noop_add(l, path, want);
}

const struct peer peer_noop = { "noop", noop_open, noop_add, none_drain, close_fd };

static void inotify_add(struct listener *l, const char *path, struct want want)
{
	if (inotify_add_watch(l->fd, path, want.events) < 0)
		die("inotify_add_watch %s", path);
}

static void inotify_open(struct listener *l, const char *path, struct want want)
{
	l->fd = inotify_init1(IN_NONBLOCK);
	if (l->fd < 0)
		die("inotify_init1");
	inotify_add(l, path, want);
}

static unsigned int inotify_drain(struct listener *l)
{
	ssize_t length = read(l->fd, buffer, sizeof(buffer)), at = 0;
	unsigned int n = 0;

	if (length < 0 && errno != EAGAIN)
		die("inotify: read");
	while (at < length) {
		const struct inotify_event *event = (const void *)(buffer + at);

		n++;
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	return n;
}

const struct peer peer_inotify = { "inotify", inotify_open, inotify_add, inotify_drain, close_fd };

static void fanotify_add(struct listener *l, const char *path, struct want want)
{
	uint64_t mask = want.events;

	/* One event with both names, as the others have it. */
	if (mask & (FAN_MOVED_FROM | FAN_MOVED_TO))
		mask = (mask & ~(uint64_t)(FAN_MOVED_FROM | FAN_MOVED_TO)) | FAN_RENAME;
	if (want.children)
		mask |= FAN_EVENT_ON_CHILD;
	if (fanotify_mark(l->fd, FAN_MARK_ADD, mask, AT_FDCWD, path))
		die("fanotify_mark %s", path);
}

static void fanotify_open(struct listener *l, const char *path, struct want want)
{
	l->fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE |
			      FAN_UNLIMITED_MARKS, O_RDONLY);
	if (l->fd < 0)
		die("fanotify_init");
	fanotify_add(l, path, want);
}

static unsigned int fanotify_drain(struct listener *l)
{
	ssize_t length = read(l->fd, buffer, sizeof(buffer));
	const struct fanotify_event_metadata *event = (const void *)buffer;
	unsigned int n = 0;

	if (length < 0 && errno != EAGAIN)
		die("fanotify: read");
	for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length))
		n++;
	return n;
}

const struct peer peer_fanotify = { "fanotify", fanotify_open, fanotify_add, fanotify_drain, close_fd };
