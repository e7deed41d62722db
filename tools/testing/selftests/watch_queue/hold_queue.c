// SPDX-License-Identifier: GPL-2.0
/*
 * Holds a queue until it is killed, for module_test.sh: "open" by its descriptor, with a
 * watch, or "mapped" by nothing but its mapping. Creates the file READY when it does.
 *
 *   hold_queue open|mapped READY
 */
#include "wq_test.h"

int main(int argc, char **argv)
{
	struct wq q;
	const char *e;

	if (argc != 3) {
		fprintf(stderr, "usage: hold_queue open|mapped READY\n");
		return 2;
	}
	e = wq_open(&q, 1);
	if (e != wq_ok || !wq_watch(q.fd, "/", WATCH_FS_CREATE, 0, 0, 0, 0)) {
		fprintf(stderr, "hold_queue: %s\n", e != wq_ok ? e : strerror(errno));
		return 1;
	}
	if (!strcmp(argv[1], "mapped"))
		close(q.fd);
	e = wq_touch(argv[2]);
	if (e != wq_ok) {
		fprintf(stderr, "hold_queue: %s\n", e);
		return 1;
	}
	for (;;)
		pause();
}
