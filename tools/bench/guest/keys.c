// SPDX-License-Identifier: GPL-2.0
/*
 * Keys: an update of a key under nobody, under mainline's pipe-based watch queue, and under
 * /dev/watch_queue. Mainline's header has the name of ours, so its few numbers are here.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/keyctl.h>
#include <watch_queue/wq.h>

#include "bench.h"

#define NOTIFICATION_PIPE	O_EXCL
#define PIPE_SET_SIZE		_IO('W', 0x60)

static long key;

static void make_key(void)
{
	key = syscall(SYS_add_key, "user", "bench", "x", 1UL, KEY_SPEC_PROCESS_KEYRING);
	if (key < 0)
		die("add_key");
}

static void do_update(unsigned int i)
{
	(void)i;
	if (syscall(SYS_keyctl, KEYCTL_UPDATE, key, "y", 1UL))
		die("KEYCTL_UPDATE");
}

static void nothing(void)
{
}

static const struct work work_update = {
	.name = "key-update",
	.prepare = make_key,
	.phase = { do_update },
	.finish = nothing,
};

static void pipe_open(struct listener *l, const char *path, struct want want)
{
	int fds[2];

	(void)path;
	(void)want;
	if (pipe2(fds, NOTIFICATION_PIPE | O_NONBLOCK))
		die("pipe2 with O_NOTIFICATION_PIPE");
	if (ioctl(fds[0], PIPE_SET_SIZE, 256))
		die("IOC_WATCH_QUEUE_SET_SIZE of a pipe");
	if (syscall(SYS_keyctl, KEYCTL_WATCH_KEY, key, fds[0], 1))
		die("KEYCTL_WATCH_KEY");
	close(fds[1]);
	l->fd = fds[0];
}

static unsigned int pipe_drain(struct listener *l)
{
	static char buffer[4096] __attribute__((aligned(8)));
	unsigned int n = 0;

	/* A read gives one notification or several, as many as fit. */
	for (;;) {
		ssize_t length = read(l->fd, buffer, sizeof(buffer)), at = 0;

		if (length <= 0)
			return n;
		while (at < length) {
			const uint32_t *record = (const void *)(buffer + at);
			uint32_t size = record[1] & 0x7f;

			n++;
			at += size ? size : length;
		}
	}
}

static void pipe_close(struct listener *l)
{
	close(l->fd);
}

static void wq_key_open(struct listener *l, const char *path, struct want want)
{
	struct wq_opts opts = { .sz = sizeof(opts), .pages = 64 };
	struct watch_queue_add add = {
		.type = WATCH_TYPE_KEY_NOTIFY,
		.object = key,
		.mask = 1U << NOTIFY_KEY_UPDATED,
	};
	struct wq *wq;

	(void)path;
	(void)want;
	errno = -wq_open(&wq, &opts);
	if (errno)
		die("/dev/watch_queue");
	errno = -wq_add_watch(wq, &add);
	if (errno)
		die("ADD_WATCH of a key");
	l->private = wq;
}

static unsigned int wq_key_drain(struct listener *l)
{
	struct wq *wq = l->private;
	unsigned int n = 0;

	while (wq_next(wq))
		n++;
	wq_advance(wq);
	return n;
}

static void wq_key_close(struct listener *l)
{
	wq_close(l->private);
}

void set_keys(bool quick)
{
	const struct peer pipe_peer = { "pipe", pipe_open, pipe_open, pipe_drain, pipe_close };
	const struct peer wq_peer = { "watch_queue", wq_key_open, wq_key_open, wq_key_drain, wq_key_close };

	run_work(&work_update, &peer_none, 1, BATCHES);
	if (!quick)
		run_work(&work_update, &pipe_peer, 1, BATCHES);
	run_work(&work_update, &wq_peer, 1, BATCHES);
}
