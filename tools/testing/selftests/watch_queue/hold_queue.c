// SPDX-License-Identifier: GPL-2.0
/*
 * Holds a queue until it is killed, for module_test.sh: "open" by its descriptor, with a
 * watch, "mapped" by nothing but its mapping, or "asked" with tasks that wait for an answer,
 * which never comes. Creates the file READY when it does. Exits with 4 if this kernel has
 * no such questions.
 *
 *   hold_queue open|mapped|asked READY
 */
#include "wq_permission.h"

#define TASKS	60
#define SKIPPED	4	/* as for kselftest */

/* Lets tasks ask, and returns when all of them wait. */
static const char *be_asked(const struct wq *q, const char *path)
{
	struct watch_queue_info info = {};
	struct wq_task task;
	const char *e = wq_touch(path);

	if (e != wq_ok)
		return e;
	if (wq_set_permission(q->fd, 60000, WATCH_RESPONSE_DENY) ||
	    !wq_watch(q->fd, path, WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 0, 0, 0))
		return strerror(errno);
	for (int n = 0; n < TASKS && e == wq_ok; n++)
		e = wq_task_begin(&task, WQ_OPEN, path);
	while (e == wq_ok && info.pending < TASKS) {
		usleep(1000);
		if (wq_info(q->fd, 0, &info))
			return strerror(errno);
	}
	return e;
}

int main(int argc, char **argv)
{
	struct wq q;
	const char *e;

	if (argc != 3) {
		fprintf(stderr, "usage: hold_queue open|mapped|asked READY\n");
		return 2;
	}
	e = wq_open(&q, 4);
	if (e != wq_ok || !wq_watch(q.fd, "/", WATCH_FS_CREATE, 0, 0, 0, 0)) {
		fprintf(stderr, "hold_queue: %s\n", e != wq_ok ? e : strerror(errno));
		return 1;
	}
	if (!strcmp(argv[1], "mapped"))
		close(q.fd);
	if (!strcmp(argv[1], "asked")) {
		char path[4096];
		int saved;

		snprintf(path, sizeof(path), "%s.asked", argv[2]);
		e = be_asked(&q, path);
		saved = errno;
		unlink(path);
		errno = saved;
	}
	if (e == wq_ok)
		e = wq_touch(argv[2]);
	if (e != wq_ok) {
		bool unknown = !strcmp(argv[1], "asked") && errno == EOPNOTSUPP;

		fprintf(stderr, "hold_queue: %s\n", e);
		return unknown ? SKIPPED : 1;
	}
	for (;;)
		pause();
}
