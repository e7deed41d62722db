// SPDX-License-Identifier: GPL-2.0
/*
 * Subtrees: one watch of ours on a tree of 20 000 directories beside as many watches of inotify;
 * what an event at depth 8 costs that the subtree's watch has to find its way up for; and what one
 * costs there when it is other subtrees of the file system that are watched.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define DIRECTORIES	20000
#define DEEP		"tree/1/2/3/4/5/6/7/8"
#define ROOT		"../../../../../../../.."
#define OUTSIDE		16

static void inside_open(struct listener *l, const char *path, struct want want)
{
	(void)path;
	peer_subtree.open(l, ROOT, want);
}

static void others_open(struct listener *l, unsigned int n, struct want want)
{
	char name[64];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), ROOT "/../other/%u", i);
		if (i == 0)
			peer_subtree.open(l, name, want);
		else
			peer_subtree.add(l, name, want);
	}
}

static void outside_open(struct listener *l, const char *path, struct want want)
{
	(void)path;
	others_open(l, 1, want);
}

static void outside_open_many(struct listener *l, const char *path, struct want want)
{
	(void)path;
	others_open(l, OUTSIDE, want);
}

/* The floor: the kernel calls for everything that happens on the file system. */
static void whole_open(struct listener *l, const char *path, struct want want)
{
	want.whole = true;
	peer_noop.open(l, path, want);
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
	if (mkdir("other", 0700))
		die("other");
	for (unsigned int i = 0; i < OUTSIDE; i++) {
		snprintf(name, sizeof(name), "other/%u", i);
		if (mkdir(name, 0700))
			die("%s", name);
	}
}

static unsigned int drain(struct listener *l)
{
	return peer_subtree.drain(l);
}

static void close_queue(struct listener *l)
{
	peer_subtree.close(l);
}

static unsigned int drain_nothing(struct listener *l)
{
	(void)l;
	return 0;
}

static void close_noop(struct listener *l)
{
	peer_noop.close(l);
}

static const struct peer peers[] = {
	{ "subtree", inside_open, inside_open, drain, close_queue },
	{ "outside-noop", whole_open, whole_open, drain_nothing, close_noop },
	{ "outside", outside_open, outside_open, drain, close_queue },
	{ "outside-16", outside_open_many, outside_open_many, drain, close_queue },
};

#define PEERS (sizeof(peers) / sizeof(peers[0]))

const struct peer *enter_subtree(const char *name)
{
	for (size_t p = 0; p < PEERS; p++) {
		if (strcmp(peers[p].name, name) != 0)
			continue;
		make_tree();
		if (chdir(DEEP))
			die(DEEP);
		return &peers[p];
	}
	return NULL;
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
	inside_open(&l, ".", want);
	report_once((double)(ticks() - start), "subtree.watch_queue.1.%s", part);
	peer_wq.close(&l);
	if (chdir(ROOT "/.."))
		die("..");
}

void set_subtree(bool quick)
{
	const struct want want = { IN_MODIFY, true };
	struct listener l;
	char name[64];
	uint64_t start;

	make_tree();
	if (chdir(DEEP))
		die(DEEP);
	for (size_t p = 0; p < PEERS; p++)
		run_work(&work_pwrite, &peers[p], 1, BATCHES);
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
