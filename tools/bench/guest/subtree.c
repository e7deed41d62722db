// SPDX-License-Identifier: GPL-2.0
/*
 * A subtree: one watch of ours on a tree of 20 000 directories beside as many watches of inotify,
 * and what an event at depth 8 costs that the subtree's watch has to find its way up for.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <watch_queue/wq.h>

#include "bench.h"

#define DIRECTORIES	20000
#define DEEP		"tree/1/2/3/4/5/6/7/8"
#define ROOT		"../../../../../../../.."

static void subtree_open(struct listener *l, const char *path, struct want want)
{
	struct wq_opts opts = { .sz = sizeof(opts), .pages = 64 };
	struct wq *wq;

	(void)path;
	errno = -wq_open(&wq, &opts);
	if (!errno)
		errno = -wq_add(wq, ROOT, WATCH_SCOPE_SUBTREE, want.events, 1, NULL);
	if (errno)
		die("a watch on the subtree");
	l->private = wq;
	l->fd = wq_fd(wq);
}

static void make_tree(void)
{
	char name[64] = "tree";

	if (mkdir(name, 0700))
		die("%s", name);
	for (unsigned int i = 0, at = 4; i < 8; i++) {
		at += snprintf(name + at, sizeof(name) - at, "/%u", i + 1);
		if (mkdir(name, 0700))
			die("%s", name);
	}
}

static void directory_name(char *name, size_t size, unsigned int i)
{
	snprintf(name, size, "tree/%03u/%03u", i / 200, i % 200);
}

static void add_subtree(const char *part)
{
	const struct want want = { IN_MODIFY, true };
	struct listener l;
	uint64_t start;

	if (chdir(DEEP))
		die(DEEP);
	start = ticks();
	subtree_open(&l, ".", want);
	report_once((double)(ticks() - start), "subtree.watch_queue.1.%s", part);
	peer_wq.close(&l);
	if (chdir(ROOT "/.."))
		die("..");
}

void set_subtree(bool quick)
{
	const struct peer subtree = { "subtree", subtree_open, subtree_open, peer_wq.drain, peer_wq.close };
	const struct want want = { IN_MODIFY, true };
	struct listener l;
	char name[64];
	uint64_t start;

	make_tree();
	if (chdir(DEEP))
		die(DEEP);
	run_work(&work_pwrite, &subtree, 1, BATCHES);
	if (chdir(ROOT "/.."))
		die("..");
	if (quick)
		return;
	add_subtree("add-small");
	for (unsigned int i = 0; i < DIRECTORIES; i++) {
		directory_name(name, sizeof(name), i);
		if (i % 200 == 0) {
			name[8] = '\0';
			if (mkdir(name, 0700))
				die("%s", name);
			directory_name(name, sizeof(name), i);
		}
		if (mkdir(name, 0700))
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
