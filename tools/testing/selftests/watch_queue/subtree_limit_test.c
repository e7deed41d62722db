// SPDX-License-Identifier: GPL-2.0
/*
 * What keeps watches on subtrees from making others wait: how many may be on one file system, and
 * how far below its directory such a watch sees.
 */
#include <pthread.h>
#include <sys/mount.h>

#include "wq_test.h"
#include "kselftest_harness.h"

#define PARAMETER "max_subtrees"
#define STEPS	4096			/* directories between a subtree's and what is seen */

FIXTURE(limit) {
	struct wq q, other;
	char before[WQ_VALUE];
};

FIXTURE_SETUP(limit)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_TRUE(wq_get_parameter(PARAMETER, self->before));
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("fs", 0755));
	ASSERT_EQ(0, mkdir("fs2", 0755));
	ASSERT_OK(wq_mount("fs", "tmpfs"));
	ASSERT_OK(wq_mount("fs2", "tmpfs"));
	for (const char *dir = "0123"; *dir; dir++) {
		char path[] = { 'f', 's', '/', *dir, 0 };

		ASSERT_EQ(0, mkdir(path, 0755));
	}
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_OK(wq_open(&self->other, 1));
}

FIXTURE_TEARDOWN(limit)
{
	wq_set_parameter(PARAMETER, self->before);
	wq_close(&self->q);
	wq_close(&self->other);
	umount2("fs", MNT_DETACH);
	umount2("fs2", MNT_DETACH);
	wq_tmpdir_leave();
}

#define SUBTREE(q, path) \
	wq_watch((q).fd, path, WATCH_FS_CREATE | WATCH_FS_MOVE, WATCH_SCOPE_SUBTREE, 0, 0, 0)

/* Of all queues together; what reaches it leaves nothing behind. TRAPS: A16 */
TEST_F(limit, of_one_file_system)
{
	struct watch_queue_info info;
	uint64_t handle;

	ASSERT_TRUE(wq_set_parameter(PARAMETER, "3"));
	handle = SUBTREE(self->q, "fs/0");
	ASSERT_NE(0, handle);
	ASSERT_NE(0, SUBTREE(self->other, "fs/0"));
	ASSERT_NE(0, SUBTREE(self->q, "fs/1"));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(0, SUBTREE(self->q, "fs/2"));
		EXPECT_EQ(EDQUOT, errno);
		EXPECT_EQ(0, SUBTREE(self->other, "fs/3"));
		EXPECT_EQ(EDQUOT, errno);
	}
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_EQ(2, info.watches);
	EXPECT_STREQ("", wq_story(&self->q));
	EXPECT_NE(0, SUBTREE(self->q, "fs2"));
	/* Other scopes do not count. */
	EXPECT_NE(0, wq_watch(self->q.fd, "fs", WATCH_FS_CREATE, WATCH_SCOPE_SB, 0, 0, 0));
	EXPECT_NE(0, wq_watch(self->q.fd, "fs/2", WATCH_FS_CREATE, WATCH_SCOPE_CHILDREN, 0, 0, 0));

	ASSERT_EQ(0, wq_remove(self->q.fd, handle));
	EXPECT_NE(0, SUBTREE(self->q, "fs/2"));
	EXPECT_EQ(0, SUBTREE(self->q, "fs/3"));
	EXPECT_EQ(EDQUOT, errno);
	/* A larger one holds at once. */
	ASSERT_TRUE(wq_set_parameter(PARAMETER, "4"));
	EXPECT_NE(0, SUBTREE(self->q, "fs/3"));
}

/* A watch counts once, whether it reports, asks, or both. */
TEST_F(limit, of_what_asks)
{
	const uint64_t asks = WATCH_FS_OPEN_PERM;

	ASSERT_TRUE(wq_set_parameter(PARAMETER, "3"));
	if (!wq_watch(self->q.fd, "fs/0", asks, WATCH_SCOPE_SUBTREE, 0, 0, 0)) {
		ASSERT_EQ(EOPNOTSUPP, errno);
		SKIP(return, "this kernel does not let modules ask");
	}
	EXPECT_NE(0, wq_watch(self->q.fd, "fs/1", asks | WATCH_FS_CREATE, WATCH_SCOPE_SUBTREE, 0, 0, 0));
	EXPECT_NE(0, SUBTREE(self->q, "fs/2"));
	EXPECT_EQ(0, SUBTREE(self->q, "fs/3"));
	EXPECT_EQ(EDQUOT, errno);
	EXPECT_EQ(0, wq_watch(self->q.fd, "fs/3", asks, WATCH_SCOPE_SUBTREE, 0, 0, 0));
	EXPECT_EQ(EDQUOT, errno);
	EXPECT_EQ(0, wq_watch(self->other.fd, "fs/3", asks | WATCH_FS_CREATE, WATCH_SCOPE_SUBTREE, 0, 0, 0));
	EXPECT_EQ(EDQUOT, errno);
	/* What only asks reports nothing. */
	ASSERT_EQ(0, wq_remove_all(self->q.fd, 0));
	wq_drain(&self->q);
	EXPECT_NE(0, wq_watch(self->q.fd, "fs/3", WATCH_FS_OPEN_EXEC_PERM, WATCH_SCOPE_SUBTREE, 0, 0, 0));
	EXPECT_EQ(0, mkdir("fs/3/d", 0700));
	EXPECT_STREQ("", wq_story(&self->q));
}

static void *add_in_vain(void *queue)
{
	struct wq *q = queue;
	long rounds = wq_scaled(2000);

	for (long i = 0; i < rounds; i++) {
		if (wq_watch(q->fd, "fs/2", WATCH_FS_CREATE, WATCH_SCOPE_SUBTREE, 0, 0, 0) ||
		    errno != EDQUOT)
			return (void *)(intptr_t)(errno ?: -1);
	}
	return NULL;
}

/* A watch that could not be entered is met by nobody, while it goes either. TRAPS: A5 */
TEST_F_TIMEOUT(limit, leaves_nobody_behind, 120)
{
	struct watch_queue_info info;
	pthread_t thread;
	void *mine, *his;

	ASSERT_TRUE(wq_set_parameter(PARAMETER, "0"));
	ASSERT_EQ(0, pthread_create(&thread, NULL, add_in_vain, &self->q));
	mine = add_in_vain(&self->q);
	ASSERT_EQ(0, pthread_join(thread, &his));
	EXPECT_EQ(NULL, mine) TH_LOG("errno %ld", (long)mine);
	EXPECT_EQ(NULL, his) TH_LOG("errno %ld", (long)his);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_EQ(0, info.watches);
	EXPECT_STREQ("", wq_story(&self->q));
}

/* TRAPS: A16 */
TEST_F_TIMEOUT(limit, of_the_depth, 150)
{
	int dir = open("fs/0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ASSERT_NE(0, SUBTREE(self->q, "fs/0"));
	for (int depth = 0; depth < STEPS; depth++) {
		int below;

		ASSERT_EQ(0, mkdirat(dir, "d", 0755));
		below = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ASSERT_LE(0, below);
		close(dir);
		dir = below;
		if (depth % 16 == 15)
			EXPECT_EQ(16, wq_drain(&self->q));
	}
	/* The directory in which something is created is at the depth that is still seen … */
	ASSERT_EQ(0, mkdirat(dir, "e", 0755));
	EXPECT_STREQ("create/+ e", wq_story(&self->q));
	ASSERT_EQ(0, renameat(dir, "e", dir, "f"));
	EXPECT_STREQ("moved_from/+ e, moved_to/+ f", wq_story(&self->q));
	/* … and this one is not. */
	ASSERT_EQ(0, mkdirat(dir, "f/g", 0755));
	ASSERT_EQ(0, renameat(dir, "f/g", dir, "f/h"));
	EXPECT_STREQ("", wq_story(&self->q));
	close(dir);
}

TEST_HARNESS_MAIN
