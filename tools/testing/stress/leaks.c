// SPDX-License-Identifier: GPL-2.0
/*
 * What has to be as it was before, when everything is closed: the objects in the module's
 * slab caches, and the counts against the limits of a user.
 *
 * Frees wait for grace periods, so the slabs get some seconds. Caches keep free objects per
 * CPU and count them as used; shrinking a cache makes its count exact.
 */
#include "stress.h"

#define PARAMETERS	"/sys/module/watch_queue_dev/parameters/"
#define PATIENCE_MS	30000
#define WATCHES		200
#define QUEUES		5

long slab_read(const char *cache, const char *what)
{
	char path[128], text[64] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/%s", cache, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		fail("%s: %m", path);
	if (fd >= 0)
		close(fd);
	return strtol(text, NULL, 10);
}

static void shrink(const char *cache)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", cache);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1", 1) != 1)
		fail("%s: %m", path);
	if (fd >= 0)
		close(fd);
}

/* Objects in use, from /proc/slabinfo; -1 if there is no such cache. */
long slab_active(const char *cache)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	char line[256], name[64];
	long active, found = -1;

	if (!f) {
		fail("/proc/slabinfo: %m");
		return -1;
	}
	shrink(cache);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", name, &active) == 2 && !strcmp(name, cache))
			found = active;
	fclose(f);
	return found;
}

void leaks_start(struct baseline *b)
{
	b->marks = slab_active("watch_queue_mark");
	b->objects = slab_active("watch_queue_fs");
	printf("# slabs at the start: %ld marks, %ld objects\n", b->marks, b->objects);
	if (b->marks < 0 || b->objects < 0)
		fail("/proc/slabinfo lacks the module's caches: is the module loaded?");
}

bool leaks_slabs_back(const struct baseline *b)
{
	uint64_t from = wq_now_ms();
	long marks, objects;

	do {
		usleep(100000);
		marks = slab_active("watch_queue_mark");
		objects = slab_active("watch_queue_fs");
	} while ((marks > b->marks || objects > b->objects) && wq_now_ms() - from < PATIENCE_MS);
	printf("# slabs at the end, after %llu ms: %ld marks, %ld objects\n",
	       (unsigned long long)(wq_now_ms() - from), marks, objects);
	return marks == b->marks && objects == b->objects;
}

static unsigned int parameter(const char *name, unsigned int value)
{
	char path[128], text[16] = "";
	unsigned int old;
	int fd, n;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0) {
		fail("%s: %m", path);
		if (fd >= 0)
			close(fd);
		return 0;
	}
	old = strtoul(text, NULL, 10);
	n = snprintf(text, sizeof(text), "%u", value);
	if (pwrite(fd, text, n, 0) != n)
		fail("%s: %m", path);
	close(fd);
	return old;
}

static bool watches_back(const char *folder)
{
	unsigned int old = parameter("max_user_watches", WATCHES);
	int added = 0, error = 0;
	char path[64];
	struct wq q;

	if (wq_open(&q, 1) != wq_ok) {
		fail("no queue for the look at the limits: %m");
		return false;
	}
	while (added <= WATCHES && !error) {
		snprintf(path, sizeof(path), "%s/%d", folder, added);
		if (wq_touch(path) != wq_ok)
			fail("%s: %m", path);
		if (wq_watch(q.fd, path, WATCH_FS_MODIFY, WATCH_SCOPE_OBJECT, 0, 0, 0))
			added++;
		else
			error = errno;
	}
	wq_close(&q);
	parameter("max_user_watches", old);
	if (added != WATCHES || error != EDQUOT)
		fail("with a limit of %d watches, %d could be added, then: %s", WATCHES, added,
		     strerror(error));
	return added == WATCHES && error == EDQUOT;
}

static bool queues_back(void)
{
	unsigned int old = parameter("max_user_queues", QUEUES);
	int fd[QUEUES + 1], opened = 0, error = 0;

	while (opened <= QUEUES && !error) {
		fd[opened] = open(WQ_DEVICE, O_RDWR | O_CLOEXEC);
		if (fd[opened] < 0)
			error = errno;
		else
			opened++;
	}
	for (int i = 0; i < opened; i++)
		close(fd[i]);
	parameter("max_user_queues", old);
	if (opened != QUEUES || error != EMFILE)
		fail("with a limit of %d queues, %d could be opened, then: %s", QUEUES, opened,
		     strerror(error));
	return opened == QUEUES && error == EMFILE;
}

/* Up to the limit works, and one more does not: so nothing is counted that is gone. */
bool leaks_limits_back(void)
{
	char folder[] = "/tmp/limits.XXXXXX", path[64];
	bool good;

	if (!mkdtemp(folder)) {
		fail("mkdtemp: %m");
		return false;
	}
	good = watches_back(folder) && queues_back();
	for (int i = 0; i <= WATCHES; i++) {
		snprintf(path, sizeof(path), "%s/%d", folder, i);
		unlink(path);
	}
	rmdir(folder);
	return good;
}
