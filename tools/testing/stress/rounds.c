// SPDX-License-Identifier: GPL-2.0
/*
 * Adds a watch and removes it, n times, and looks at what that has left in the slabs: it
 * must be nothing. Before that it says what a watch and a watched object cost, so that
 * growth is noticed.
 */
#include <dirent.h>

#include "stress.h"

#define CACHES		400
#define SAMPLE		500		/* watches that are measured */

struct cache {
	char name[64];
	long active;
};

/* All caches that a kmalloc() of the module may come from. */
static int general_caches(struct cache *c)
{
	DIR *dir = opendir("/sys/kernel/slab");
	struct dirent *d;
	int n = 0;

	while (dir && (d = readdir(dir)) && n < CACHES)
		if (!strncmp(d->d_name, "kmalloc-", 8)) {
			snprintf(c[n].name, sizeof(c[n].name), "%.63s", d->d_name);
			c[n].active = wq_slab_objects(c[n].name);
			n++;
		}
	if (dir)
		closedir(dir);
	return n;
}

/* Adds SAMPLE watches on as many files and says what they took, each. */
static void measure(void)
{
	static struct cache before[CACHES], after[CACHES];
	char name[16];
	struct wq q;
	int n;

	if (wq_open(&q, 1) != wq_ok) {
		fail("a queue to measure: %m");
		return;
	}
	for (int i = 0; i < SAMPLE; i++) {
		snprintf(name, sizeof(name), "%d", i);
		if (wq_touch(name) != wq_ok)
			fail("%s: %m", name);
	}
	n = general_caches(before);
	for (int i = 0; i < SAMPLE; i++) {
		snprintf(name, sizeof(name), "%d", i);
		if (!wq_watch(q.fd, name, WATCH_FS_MODIFY, WATCH_SCOPE_OBJECT, 0, i, 0))
			fail("watch %d: %m", i);
	}
	if (general_caches(after) != n)
		fail("the list of slab caches has changed");
	printf("# bytes per mark: %ld (with the allocator's: %ld)\n",
	       slab_read("watch_queue_mark", "object_size"),
	       slab_read("watch_queue_mark", "slab_size"));
	printf("# bytes per watched object: %ld (with the allocator's: %ld)\n",
	       slab_read("watch_queue_fs", "object_size"),
	       slab_read("watch_queue_fs", "slab_size"));
	for (int i = 0; i < n; i++)
		if (after[i].active - before[i].active > SAMPLE / 20)
			printf("# per watch from %s: %.1f objects of %ld bytes\n", before[i].name,
			       (double)(after[i].active - before[i].active) / SAMPLE,
			       slab_read(before[i].name, "object_size"));
	wq_close(&q);
}

static bool add_and_remove(unsigned long n, bool new_object)
{
	struct wq q;

	if (wq_open(&q, 1) != wq_ok) {
		fail("a queue: %m");
		return false;
	}
	for (unsigned long i = 0; i < n; i++) {
		uint64_t handle;

		if (new_object) {
			unlink("round");
			wq_touch("round");
		}
		handle = wq_watch(q.fd, "round", WATCH_FS_ALL_EVENTS, WATCH_SCOPE_OBJECT, 0, i, 0);
		if (!handle || wq_remove(q.fd, handle)) {
			fail("round %lu of %lu: %m", i, n);
			break;
		}
		if (i % 64 == 0 && wq_drain(&q) < 0)
			fail("round %lu: %s", i, wq_why());
		if (i % 10000 == 0 && i) {
			printf("# round %lu\n", i);
			fflush(stdout);
		}
	}
	wq_close(&q);
	return !failures();
}

/* A cache may grow by what the rest of the system does, not by one object a round. */
static bool grown(unsigned long n)
{
	static struct cache before[CACHES], after[CACHES];
	struct baseline base;
	bool good;
	int k;

	add_and_remove(100, true);
	usleep(500000);
	leaks_start(&base);
	k = general_caches(before);
	good = add_and_remove(n, false) && add_and_remove(n / 10, true) && leaks_slabs_back(&base);
	general_caches(after);
	for (int i = 0; i < k; i++) {
		long more = after[i].active - before[i].active;

		if (more > 0 && (unsigned long)more > n / 20 + 50) {
			fail("%s has grown by %ld objects", before[i].name, more);
			good = false;
		}
	}
	return good;
}

int rounds_run(unsigned long n)
{
	bool good;

	if (wq_tmpdir_enter() != wq_ok || wq_touch("round") != wq_ok) {
		perror("a temporary folder");
		return 1;
	}
	printf("KTAP version 1\n1..1\n");
	measure();
	good = grown(n) && !failures();
	printf("%s 1 %lu rounds of add and remove leave nothing\n", good ? "ok" : "not ok", n);
	wq_tmpdir_leave();
	return good ? 0 : 1;
}
