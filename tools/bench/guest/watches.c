// SPDX-License-Identifier: GPL-2.0
/*
 * Many watches: adding them, closing them, the kernel memory that they take, and how long after the
 * close it is back. What it takes to watch a huge directory, or what is below it, with a lock held
 * that other watches of the kind have to wait for. And what a watch elsewhere on the same file
 * system costs those whom it does not concern.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define MANY	50000
#define HUGE	50000

static void file_name(char *name, size_t size, unsigned int i)
{
	snprintf(name, size, "many/%03u/%06u", i / 500, i);
}

/* Kernel memory in slabs, in bytes: what is in use, to the page. */
static uint64_t slab(void)
{
	unsigned long kilobytes = 0;
	char line[128];
	FILE *file = fopen("/proc/meminfo", "r");

	if (!file)
		die("/proc/meminfo");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Slab: %lu", &kilobytes) == 1)
			break;
	fclose(file);
	return kilobytes * 1024;
}

static uint64_t add_all(const struct peer *peer, struct listener *l)
{
	const struct want want = { IN_MODIFY, false };
	uint64_t start = ticks();
	char name[64];

	for (unsigned int i = 0; i < MANY; i++) {
		file_name(name, sizeof(name), i);
		if (i == 0)
			peer->open(l, name, want);
		else
			peer->add(l, name, want);
	}
	return ticks() - start;
}

static void many(const struct peer *peer)
{
	uint64_t before = slab(), first, second, cost, start;
	struct listener a, b;

	cost = add_all(peer, &a);
	first = slab();
	report_once((double)cost / MANY, "watches.%s.1.add", peer->name);
	report_once((double)(first - before) / MANY, "watches.%s.1.bytes", peer->name);
	cost = add_all(peer, &b);
	second = slab();
	report_once((double)cost / MANY, "watches.%s.2.add", peer->name);
	report_once((double)(second - first) / MANY, "watches.%s.2.bytes", peer->name);

	start = ticks();
	peer->close(&b);
	report_once((double)(ticks() - start) / MANY, "watches.%s.2.close", peer->name);
	start = ticks();
	peer->close(&a);
	report_once((double)(ticks() - start) / MANY, "watches.%s.1.close", peer->name);
	/* Back: what is left is less than a twentieth of what they took. Ten seconds, at most. */
	for (unsigned int i = 0; i < 10000 && slab() > before + (second - before) / 20; i++)
		usleep(1000);
	report_once((double)(ticks() - start) / 1e6, "watches.%s.2.milliseconds", peer->name);
	report_once((double)((int64_t)slab() - (int64_t)before) / MANY, "watches.%s.2.left", peer->name);
}

/*
 * The kernel tells every entry that it knows that its directory is watched; not so for the root of
 * a subtree, which is watched through the file system.
 */
static void huge(const struct peer *peer)
{
	const struct want want = { IN_MODIFY, true };
	struct listener l;
	uint64_t start;

	peer->open(&l, "many", want);
	start = ticks();
	peer->add(&l, "huge", want);
	report_once((double)(ticks() - start), "huge.%s.1.add", peer->name);
	peer->close(&l);
}

void set_watches(bool quick)
{
	static const struct peer *const peers[] = { &peer_wq, &peer_inotify, &peer_fanotify };
	char name[64];

	if (mkdir("many", 0700))
		die("many");
	for (unsigned int i = 0; i < MANY; i++) {
		if (i % 500 == 0) {
			snprintf(name, sizeof(name), "many/%03u", i / 500);
			if (mkdir(name, 0700))
				die("%s", name);
		}
		file_name(name, sizeof(name), i);
		if (mknod(name, S_IFREG | 0600, 0))
			die("%s", name);
	}
	for (unsigned int p = 0; p < (quick ? 1 : 3); p++)
		many(peers[p]);
	if (quick)
		return;
	if (mkdir("huge", 0700))
		die("huge");
	for (unsigned int i = 0; i < HUGE; i++) {
		snprintf(name, sizeof(name), "huge/%06u", i);
		if (mknod(name, S_IFREG | 0600, 0))
			die("%s", name);
	}
	for (unsigned int p = 0; p < 3; p++)
		huge(peers[p]);
	huge(&peer_subtree);
}

void set_unrelated(bool quick)
{
	static const struct peer *const peers[] = { &peer_inotify, &peer_fanotify, &peer_wq };
	const struct want want = { IN_MODIFY, true };
	struct peer bystander = peer_none;
	struct listener l;
	char name[64];

	if (mkdir("../elsewhere", 0700))
		die("elsewhere");
	for (unsigned int p = quick ? 2 : 0; p < 3; p++) {
		peers[p]->open(&l, "../elsewhere", want);
		snprintf(name, sizeof(name), "beside-%s", peers[p]->name);
		bystander.name = name;
		run_work(&work_pwrite, &bystander, 1, BATCHES);
		peers[p]->close(&l);
	}
}
