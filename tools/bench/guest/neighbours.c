// SPDX-License-Identifier: GPL-2.0
/*
 * What grows with what one user has: a remount with all the queues of a user on the mount namespace, a
 * rename at a depth of 4000 below many subtrees, the thousandth queue on a directory, a write that 128
 * queues hear of, and (ids.c) the lists of other modules. Each beside the same with few or none, and beside
 * inotify where it has such a thing.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <watch_queue/wq.h>

#include "neighbours.h"

#define DEPTH		4000
#define SUBTREES	256	/* the limit on subtrees of a file system */
#define QUEUES		1000	/* on one directory */
#define FAN		128	/* inotify's limit on instances of a user */

/* Runs something in a child, so that whatever it has becomes free. */
static void in_child(void (*run)(unsigned int), unsigned int n)
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		run(n);
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		die("a neighbour: %x", status);
	/* The end of many queues is worked off. */
	usleep(300000);
}

static void remounts(unsigned int queues)
{
	struct samples samples = { 0 };

	own_namespaces();
	for (unsigned int i = 0; i < queues; i++)
		watch_mounts(small_queue());
	for (unsigned int i = 0; i < 64; i++) {
		uint64_t start = ticks();

		remount();
		sample(&samples, ticks() - start - ticks_cost);
	}
	report(&samples, 1, "neighbours.remount.%u.whole", queues);
}

static void drain(struct wq *wq)
{
	while (wq_next(wq))
		;
	wq_advance(wq);
}

static void deep_rename(unsigned int subtrees)
{
	struct samples samples = { 0 };
	struct wq *wq = small_queue();
	char path[32];
	int dir;

	if (mount("deep", "/mnt", "tmpfs", 0, NULL) || mkdir("/mnt/deep", 0755))
		die("mount");
	dir = open("/mnt/deep", O_RDONLY | O_DIRECTORY);
	for (unsigned int i = 0; i < DEPTH; i++) {
		int below;

		if (mkdirat(dir, "d", 0755))
			die("mkdirat");
		below = openat(dir, "d", O_RDONLY | O_DIRECTORY);
		if (below < 0)
			die("openat");
		close(dir);
		dir = below;
	}
	if (mkdirat(dir, "x", 0755) || mkdirat(dir, "y", 0755) || mkdirat(dir, "x/f", 0755))
		die("mkdirat");
	for (unsigned int i = 0; i < subtrees; i++) {
		if (i == 0) {
			snprintf(path, sizeof(path), "/mnt/deep");
		} else {
			snprintf(path, sizeof(path), "/mnt/%u", i);
			if (mkdir(path, 0755))
				die("%s", path);
		}
		errno = -wq_add(wq, path, WATCH_SCOPE_SUBTREE, WATCH_FS_MOVE, i + 1, NULL);
		if (errno)
			die("ADD_WATCH %s", path);
	}
	for (unsigned int i = 0; i < 24; i++) {
		uint64_t start = ticks();

		if (renameat(dir, i & 1 ? "y/f" : "x/f", dir, i & 1 ? "x/f" : "y/f"))
			die("renameat");
		if (i >= 8)
			sample(&samples, ticks() - start - ticks_cost);
		drain(wq);
	}
	report(&samples, 1, "neighbours.rename.%u.whole", subtrees);
	close(dir);
	if (umount2("/mnt", MNT_DETACH))
		die("umount");
}

/* The first of many queues that watch a directory, and the last. */
static void crowd(unsigned int with_inotify)
{
	uint64_t start, first = 0, last = 0;

	if (mkdir("crowd", 0755) && errno != EEXIST)
		die("crowd");
	for (unsigned int i = 0; i < QUEUES; i++) {
		struct wq *wq = NULL;
		int fd = -1;

		if (with_inotify)
			fd = inotify_init1(0);
		else
			wq = small_queue();
		start = ticks();
		if (with_inotify) {
			if (inotify_add_watch(fd, "crowd", IN_MODIFY) < 0)
				die("inotify");
		} else {
			errno = -wq_add(wq, "crowd", WATCH_SCOPE_CHILDREN, WATCH_FS_MODIFY, 1, NULL);
			if (errno)
				die("ADD_WATCH");
		}
		last = ticks() - start - ticks_cost;
		/* The very first makes what all have. */
		if (i == 1)
			first = last;
	}
	report_once((double)first, "neighbours.%s.1.add", with_inotify ? "inotify" : "watch_queue");
	report_once((double)last, "neighbours.%s.%u.add", with_inotify ? "inotify" : "watch_queue", QUEUES);
}

/* A write at depth 8 that 128 queues hear of by a subtree, or 128 instances of inotify by its directory. */
static void fan(unsigned int with_inotify)
{
	const struct want want = { .events = IN_MODIFY, .children = true };
	struct samples samples = { 0 };
	struct listener l;
	int fds[2];

	if (chdir("fan/1/2/3/4/5/6/7"))
		die("fan");
	for (unsigned int i = 0; i < 2; i++) {
		fds[i] = open(i ? "a" : "b", O_CREAT | O_WRONLY, 0644);
		if (fds[i] < 0)
			die("fan");
	}
	for (unsigned int i = 0; i < FAN; i++) {
		if (with_inotify)
			peer_inotify.open(&l, ".", want);
		else
			peer_subtree.open(&l, "../../../../../../..", want);
	}
	/* Two files by turns, so that inotify merges nothing. */
	for (unsigned int i = 0; i < 72; i++) {
		uint64_t start = ticks();

		if (pwrite(fds[i % 2], "x", 1, 0) != 1)
			die("pwrite");
		if (i >= 8)
			sample(&samples, ticks() - start - ticks_cost);
	}
	report(&samples, 1, "neighbours.fan.%s.whole", with_inotify ? "inotify" : "watch_queue");
}

static void make_fan(void)
{
	char path[32] = "fan";

	for (unsigned int i = 0, at = 3; i < 8; i++) {
		if (mkdir(path, 0755))
			die("%s", path);
		at += snprintf(path + at, sizeof(path) - at, "/%u", i + 1);
	}
}

void set_neighbours(bool quick)
{
	const struct rlimit many = { 65536, 65536 }, all = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_NOFILE, &many) || setrlimit(RLIMIT_MEMLOCK, &all))
		die("setrlimit");
	mkdir("/mnt", 0755);
	in_child(remounts, 0);
	in_child(remounts, 1);
	in_child(remounts, queue_limit());
	in_child(deep_rename, 0);
	in_child(deep_rename, 1);
	in_child(deep_rename, SUBTREES);
	make_fan();
	in_child(fan, 0);
	in_child(fan, 1);
	measure_ids(quick);
	in_child(crowd, 0);
	in_child(crowd, 1);
}
