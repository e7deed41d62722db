// SPDX-License-Identifier: GPL-2.0
/*
 * Listeners on a whole tree that want the path of what happened, below the root of what is watched:
 * what sync clients, build tools and editors do. Here: what is common, and /dev/watch_queue, which has
 * the path in the record. recursive_inotify.c and recursive_fanotify.c have to make it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <watch_queue/wq.h>

#include "bench.h"
#include "recursive.h"

struct heard heard;

void heard_path(const char *path, size_t length)
{
	const size_t marker = sizeof(MARKER) - 1;

	heard.paths++;
	heard.bytes += length;
	/* The path is used: not even a clever compiler leaves out what made it. */
	__asm__ __volatile__("" : : "r"(path), "r"(length) : "memory");
	if (length >= marker && memcmp(path + length - marker, MARKER, marker) == 0)
		heard.markers++;
}

static int record(void *nothing, const struct watch_notification *record)
{
	const struct fs_notification *fs = wq_fs(record);
	const struct watch_loss_notification *loss;

	(void)nothing;
	heard.events++;
	if (fs) {
		const char *path = wq_fs_name(fs);

		if (path && !(fs->watch.info & NOTIFY_FS_TRUNCATED))
			heard_path(path, fs->name_len);
		return 0;
	}
	loss = wq_loss(record);
	if (loss)
		heard.lost += loss->count;
	return 0;
}

static void open_with(struct listener *l, const char *path, struct want want, uint32_t flags)
{
	/* A ring for a burst, as a program of this kind has; everything else is the library's default. */
	struct wq_opts opts = { .sz = sizeof(opts), .pages = 256, .fn = record };
	struct watch_queue_add add = {
		.type = WATCH_TYPE_FS_NOTIFY,
		.scope = WATCH_SCOPE_SUBTREE,
		.flags = flags,
		.mask = want.events,
		.cookie = 1,
	};
	struct wq *wq;

	errno = -wq_open(&wq, &opts);
	if (errno)
		die("/dev/watch_queue");
	add.object = open(path, O_PATH | O_CLOEXEC);
	errno = -wq_add_watch(wq, &add);
	if (errno)
		die("ADD_WATCH %s", path);
	close(add.object);
	l->private = wq;
	l->fd = wq_fd(wq);
}

static void path_open(struct listener *l, const char *path, struct want want)
{
	open_with(l, path, want, WATCH_ADD_PATH);
}

static void handle_open(struct listener *l, const char *path, struct want want)
{
	open_with(l, path, want, WATCH_ADD_FILE_HANDLE);
}

/* For comparison with a watermark that the program sets. */
static void watermark_open(struct listener *l, const char *path, struct want want)
{
	struct watch_queue_watermark mark = { .size = sizeof(mark), .records = 64, .timeout_ms = 10 };

	path_open(l, path, want);
	if (ioctl(l->fd, IOC_WATCH_QUEUE_SET_WATERMARK, &mark))
		die("SET_WATERMARK");
}

static unsigned int drain(struct listener *l)
{
	int n = wq_consume(l->private);

	if (n < 0) {
		errno = -n;
		die("the ring");
	}
	return n;
}

void recursive_wait(struct listener *l)
{
	struct pollfd pfd = { .fd = l->fd, .events = POLLIN };
	int rc;

	/* Ours sleeps as the library has it. */
	rc = l->private ? wq_wait(l->private, -1) : poll(&pfd, 1, -1);
	if (rc < 0)
		die("sleeping");
}

static void close_queue(struct listener *l)
{
	wq_close(l->private);
}

const struct peer recursive_wq = { "watch_queue-r", path_open, path_open, drain, close_queue };
const struct peer recursive_watermark = { "watermark-r", watermark_open, path_open, drain, close_queue };
const struct peer recursive_handle = { "handle-r", handle_open, handle_open, drain, close_queue };
