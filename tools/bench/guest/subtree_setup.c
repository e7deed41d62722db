// SPDX-License-Identifier: GPL-2.0
/* Setting up: one watch of ours on a tree of 20 000 directories beside as many watches of inotify. */
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "subtree.h"

#define DIRECTORIES	20000
#define TIMES		15	/* The kernel takes back memory of other queues meanwhile, now and then. */

static void directory_name(char *name, size_t size, unsigned int i)
{
	snprintf(name, size, "tree/%03u/%03u", i / 200, i % 200);
}

static void add_subtree(const char *part)
{
	const struct want want = { IN_MODIFY, true };
	struct samples samples = { 0 };
	struct listener l;
	uint64_t start;

	if (chdir(TREE_DEEP))
		die(TREE_DEEP);
	for (unsigned int i = 0; i < TIMES; i++) {
		start = ticks();
		peer_subtree.open(&l, TREE_ROOT, want);
		sample(&samples, ticks() - start);
		peer_subtree.close(&l);
	}
	report(&samples, 1, "subtree.watch_queue.1.%s", part);
	if (chdir(TREE_ROOT "/.."))
		die("..");
}

void subtree_setup(void)
{
	const struct want want = { IN_MODIFY, true };
	struct listener l;
	char name[64];
	uint64_t start;

	add_subtree("add-small");
	for (unsigned int i = 0; i < DIRECTORIES; i++) {
		directory_name(name, sizeof(name), i);
		if (i % 200 == 0) {
			name[8] = '\0';
			if (mkdir(name, 0755))
				die("%s", name);
			directory_name(name, sizeof(name), i);
		}
		if (mkdir(name, 0755))
			die("%s", name);
	}
	add_subtree("add");
	start = ticks();
	peer_inotify.open(&l, "tree", want);
	for (unsigned int i = 0; i < DIRECTORIES; i++) {
		directory_name(name, sizeof(name), i);
		peer_inotify.add(&l, name, want);
	}
	report_once((double)(ticks() - start), "subtree.inotify.1.add");
	peer_inotify.close(&l);
}
