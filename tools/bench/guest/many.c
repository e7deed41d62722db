// SPDX-License-Identifier: GPL-2.0
/*
 * Ten thousand subtrees of one queue on a file system: what the last costs to add, beside the first, and
 * what a write at depth 8 costs that is outside of all of them, or inside of one. It takes minutes, so it
 * is no part of "make bench": tools/bench/run many.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <watch_queue/wq.h>

#include "subtree.h"

#define MANY	10000
#define LIMIT	"/sys/module/watch_queue_dev/parameters/max_subtrees"

static void raise_limit(void)
{
	FILE *file = fopen(LIMIT, "w");

	if (!file || fprintf(file, "%u\n", MANY + 1) < 0 || fclose(file))
		die(LIMIT);
}

/* What writing to a file costs, whose records are read in between. */
static void write_files(const char *path, struct listener *l, unsigned int have, const char *part)
{
	struct samples samples = { 0 };
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	if (fd < 0)
		die("%s", path);
	for (unsigned int i = 0; i < 24; i++) {
		uint64_t start = ticks();

		if (pwrite(fd, "x", 1, 0) != 1)
			die("pwrite");
		if (i >= 8)
			sample(&samples, ticks() - start - ticks_cost);
		if (have)
			peer_subtree.drain(l);
	}
	report(&samples, 1, "many.%u.%s", have, part);
	close(fd);
}

void set_many(bool quick)
{
	const struct want want = { .events = IN_MODIFY, .children = true };
	struct listener l = { 0 };
	char name[64];

	(void)quick;
	raise_limit();
	if (mkdir("many-subtrees", 0755) || mount("many", "many-subtrees", "tmpfs", 0, "nr_inodes=0") ||
	    chdir("many-subtrees"))
		die("many-subtrees");
	make_tree();
	for (unsigned int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "root-%u", i);
		if (mkdir(name, 0755))
			die("%s", name);
	}
	write_files(TREE_DEEP "/file", &l, 0, "outside");
	open_queue(&l);
	for (unsigned int i = 0; i < MANY; i++) {
		uint64_t start;

		snprintf(name, sizeof(name), "root-%u", i);
		start = ticks();
		peer_subtree.add(&l, name, want);
		start = ticks() - start - ticks_cost;
		if (i == 0 || i == 1 || i == MANY - 1)
			report_once((double)start, "many.%u.add", i + 1);
		if (i == 0 || i == MANY - 1) {
			write_files(TREE_DEEP "/file", &l, i + 1, "outside");
			write_files("root-0/file", &l, i + 1, "inside");
		}
	}
	peer_subtree.close(&l);
	if (chdir("..") || umount2("many-subtrees", MNT_DETACH))
		die("many-subtrees");
}
