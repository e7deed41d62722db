// SPDX-License-Identifier: GPL-2.0
/*
 * Many subtrees of one file system, some of them one inside the other: where an event is, is found out
 * once for all of them, whatever their number.
 */
#define _GNU_SOURCE
#include <sys/mount.h>
#include <time.h>

#include "wq_test.h"
#include "kselftest_harness.h"

/* More than are kept without memory of their own. */
#define NESTED	40
#define DEPTH	1000
#define MANY	200

FIXTURE(many) {
	struct wq q;
	int dir;
};

FIXTURE_SETUP(many)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("fs", 0755));
	/* More inodes than in the tests' usual one. */
	ASSERT_EQ(0, mount("fs", "fs", "tmpfs", 0, "size=4m,nr_inodes=4k"));
	ASSERT_OK(wq_open(&self->q, 16));
	self->dir = open("fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, self->dir);
}

FIXTURE_TEARDOWN(many)
{
	wq_close(&self->q);
	if (self->dir >= 0)
		close(self->dir);
	wq_tmpdir_leave();
}

static int watch(struct wq *q, int dir, uint64_t mask, unsigned int id)
{
	struct watch_queue_add add = {
		.size = sizeof(add),
		.type = WATCH_TYPE_FS_NOTIFY,
		.scope = WATCH_SCOPE_SUBTREE,
		.object = dir,
		.id = id,
		.mask = mask,
	};

	return wq_add(q->fd, &add);
}

/* Goes one directory down, which is made. */
static bool descend(int *dir)
{
	int below = -1;

	if (mkdirat(*dir, "d", 0755) == 0)
		below = openat(*dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(*dir);
	*dir = below;
	return below >= 0;
}

/* How often each watch got each name, of a rename that each of them is to get once, if at all. */
static bool told(struct wq *q, unsigned int from[NESTED + 1], unsigned int to[NESTED + 1])
{
	struct wq_rec r;

	memset(from, 0, (NESTED + 1) * sizeof(*from));
	memset(to, 0, (NESTED + 1) * sizeof(*to));
	while (wq_next(q, &r) == 1) {
		if (r.type != WATCH_TYPE_FS_NOTIFY || r.id > NESTED)
			return false;
		if (r.subtype == NOTIFY_FS_MOVED_FROM)
			from[r.id]++;
		else if (r.subtype == NOTIFY_FS_MOVED_TO)
			to[r.id]++;
		else
			return false;
	}
	return true;
}

TEST_F(many, nested_roots_hear_what_is_below_them)
{
	unsigned int from[NESTED + 1], to[NESTED + 1];
	int middle = -1;

	for (unsigned int i = 1; i <= NESTED; i++) {
		ASSERT_TRUE(descend(&self->dir));
		ASSERT_LE(0, watch(&self->q, self->dir, WATCH_FS_MOVED_FROM | WATCH_FS_MOVED_TO, i));
		if (i == NESTED / 2)
			middle = dup(self->dir);
	}
	ASSERT_LE(0, middle);
	ASSERT_EQ(0, mknodat(self->dir, "f", S_IFREG | 0644, 0));

	/* Within the innermost: all of them get both. */
	ASSERT_EQ(0, renameat(self->dir, "f", self->dir, "g"));
	ASSERT_TRUE(told(&self->q, from, to));
	for (int i = 1; i <= NESTED; i++) {
		EXPECT_EQ(1, from[i]);
		EXPECT_EQ(1, to[i]);
	}
	/* From it to the one in the middle: those outside of that get both, the others the old name. */
	ASSERT_EQ(0, renameat(self->dir, "g", middle, "g"));
	ASSERT_TRUE(told(&self->q, from, to));
	for (int i = 1; i <= NESTED; i++) {
		EXPECT_EQ(1, from[i]);
		EXPECT_EQ(i <= NESTED / 2, to[i]);
	}
	/* And back. */
	ASSERT_EQ(0, renameat(middle, "g", self->dir, "f"));
	ASSERT_TRUE(told(&self->q, from, to));
	for (int i = 1; i <= NESTED; i++) {
		EXPECT_EQ(i <= NESTED / 2, from[i]);
		EXPECT_EQ(1, to[i]);
	}
	close(middle);
}

/* Nanoseconds of this task for a rename in a directory, the least of many. */
static long long cost_of_rename(int dir)
{
	long long least = -1;

	for (int i = 0; i < 50; i++) {
		const char *old = i & 1 ? "g" : "f", *new = i & 1 ? "f" : "g";
		struct timespec a, b;
		long long t;

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
		if (renameat(dir, old, dir, new))
			return -1;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
		t = (b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec;
		if (least < 0 || t < least)
			least = t;
	}
	return least;
}

/* Each of the watches would go up by itself, with a lock held that keeps everybody's renames waiting. */
TEST_F_TIMEOUT(many, cost_a_rename_one_way_up, 120)
{
	long long one, all;
	char name[16];
	int top, dir;

	top = dup(self->dir);
	ASSERT_LE(0, top);
	ASSERT_EQ(0, mkdirat(top, "deep", 0755));
	dir = openat(top, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, dir);
	ASSERT_LE(0, watch(&self->q, dir, WATCH_FS_MOVED_TO, 1));
	for (int i = 0; i < DEPTH; i++)
		ASSERT_TRUE(descend(&dir));
	ASSERT_EQ(0, mknodat(dir, "f", S_IFREG | 0644, 0));
	one = cost_of_rename(dir);
	for (int i = 0; i < MANY; i++) {
		int root;

		snprintf(name, sizeof(name), "r%d", i);
		ASSERT_EQ(0, mkdirat(top, name, 0755));
		root = openat(top, name, O_PATH | O_CLOEXEC);
		ASSERT_LE(0, root);
		ASSERT_LE(0, watch(&self->q, root, WATCH_FS_MOVED_TO, 2));
		close(root);
	}
	ASSERT_LE(0, wq_drain(&self->q));
	all = cost_of_rename(dir);
	TH_LOG("a rename below %d directories: %lld ns with one subtree, %lld with %d more", DEPTH, one, all,
	       MANY);
	ASSERT_LT(0, one);
	EXPECT_LT(all, 10 * one);
	close(dir);
	close(top);
}

TEST_HARNESS_MAIN
