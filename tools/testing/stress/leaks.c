// SPDX-License-Identifier: GPL-2.0
/*
 * What has to be as it was before, when everything is closed: the objects in the module's
 * slab caches, and the counts against the limits of a user.
 *
 * Frees wait for grace periods, so the slabs get some seconds. Caches keep free objects per
 * CPU and count them as used; shrinking a cache makes its count exact.
 */
#include "stress.h"

#define PATIENCE_MS	30000
#define WATCHES		200
#define QUEUES		5

long slab_read(const char *cache, const char *what)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/%s", cache, what);
	if (wq_get(path, text, sizeof(text)) <= 0)
		fail("%s: %m", path);
	return strtol(text, NULL, 10);
}

void leaks_start(struct baseline *b)
{
	b->marks = wq_slab_objects("watch_queue_mark");
	b->objects = wq_slab_objects("watch_queue_fs");
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
		marks = wq_slab_objects("watch_queue_mark");
		objects = wq_slab_objects("watch_queue_fs");
	} while ((marks > b->marks || objects > b->objects) && wq_now_ms() - from < PATIENCE_MS);
	printf("# slabs at the end, after %llu ms: %ld marks, %ld objects\n",
	       (unsigned long long)(wq_now_ms() - from), marks, objects);
	return marks == b->marks && objects == b->objects;
}

/* Sets a limit of the module, and keeps what it was before. */
static void limit(const char *name, unsigned int value, char before[WQ_VALUE])
{
	char text[WQ_VALUE];

	snprintf(text, sizeof(text), "%u", value);
	if (!wq_get_parameter(name, before) || !wq_set_parameter(name, text))
		fail("%s: %m", name);
}

static void limit_as_before(const char *name, const char *before)
{
	if (!wq_set_parameter(name, before))
		fail("%s: %m", name);
}

static bool watches_back(const char *folder)
{
	char path[64], before[WQ_VALUE];
	int added = 0, error = 0;
	struct wq q;

	limit("max_user_watches", WATCHES, before);
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
	limit_as_before("max_user_watches", before);
	if (added != WATCHES || error != EDQUOT)
		fail("with a limit of %d watches, %d could be added, then: %s", WATCHES, added,
		     strerror(error));
	return added == WATCHES && error == EDQUOT;
}

static bool queues_back(void)
{
	int fd[QUEUES + 1], opened = 0, error = 0;
	char before[WQ_VALUE];

	limit("max_user_queues", QUEUES, before);
	while (opened <= QUEUES && !error) {
		fd[opened] = open(WQ_DEVICE, O_RDWR | O_CLOEXEC);
		if (fd[opened] < 0)
			error = errno;
		else
			opened++;
	}
	for (int i = 0; i < opened; i++)
		close(fd[i]);
	limit_as_before("max_user_queues", before);
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
