// SPDX-License-Identifier: GPL-2.0
/*
 * Exceptions: files that a queue wants no questions about, said by an ignore mask, and what
 * becomes of that when the exception is withdrawn while a task waits.
 */
#include <sys/mount.h>

#include "kselftest_harness.h"
#include "wq_permission.h"

FIXTURE(exception) {
	struct wq q[2];
};

FIXTURE_SETUP(exception)
{
	WQ_NEED_PERMISSION();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("fs", 0755));
	ASSERT_OK(wq_mount("fs", "tmpfs"));
	ASSERT_OK(wq_touch("fs/file"));
	for (int i = 0; i < 2; i++) {
		ASSERT_OK(wq_open(&self->q[i], 1));
		ASSERT_EQ(0, wq_set_permission(self->q[i].fd, 60000, WATCH_RESPONSE_ALLOW));
	}
}

FIXTURE_TEARDOWN(exception)
{
	wq_close(&self->q[0]);
	wq_close(&self->q[1]);
	umount2("fs", MNT_DETACH);
	wq_tmpdir_leave();
}

/* Allows all that is asked until the task has ended; counts the questions of both queues. */
static int allow_all(struct wq q[2], struct wq_task *task, int asked[2])
{
	struct wq_rec r;

	for (int turns = 0; turns < 500 && wq_task_waits(task, 10); turns++) {
		for (int i = 0; i < 2; i++) {
			while (wq_next(&q[i], &r) == 1) {
				if (r.type != WATCH_TYPE_FS_NOTIFY)
					continue;
				asked[i]++;
				wq_allow(q[i].fd, r.perm.request);
			}
		}
	}
	return wq_task_end(task, WQ_SOON);
}

/* TRAPS: A20: its mark is still in the list, because a task stands on it. */
TEST_F(exception, that_was_withdrawn_is_none_any_more)
{
	bool before[2] = { false };

	/* Which of two queues is asked first is up to addresses, but always the same. */
	for (int turn = 0; turn < 2; turn++) {
		struct wq *asks = &self->q[turn], *excepts = &self->q[!turn];
		struct wq_task first, second;
		int asked[2] = { 0 };
		uint64_t request;
		struct wq_rec r;
		struct watch_queue_add add = {
			.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY, .scope = WATCH_SCOPE_OBJECT,
			.id = 2, .ignore_mask = WATCH_FS_OPEN_PERM,
		};

		add.object = open("fs/file", O_PATH | O_CLOEXEC);
		ASSERT_LE(0, add.object);
		ASSERT_NE(0, wq_watch(asks->fd, "fs/file", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 1, 1, 0));
		ASSERT_NE(0, wq_watch(excepts->fd, "fs", WATCH_FS_OPEN_PERM, WATCH_SCOPE_SB, 1, 1, 0));
		ASSERT_EQ(0, wq_add(excepts->fd, &add));
		close(add.object);

		ASSERT_OK(wq_task_begin(&first, WQ_OPEN, "fs/file"));
		request = wq_question(asks, &r);
		ASSERT_NE(0, request) TH_LOG("%s", wq_why());
		EXPECT_EQ(0, wq_next(excepts, &r));

		ASSERT_EQ(0, wq_remove(excepts->fd, add.handle));
		EXPECT_STREQ("removal:removed#2", wq_story(excepts));
		ASSERT_OK(wq_task_begin(&second, WQ_OPEN, "fs/file"));
		EXPECT_EQ(0, allow_all(self->q, &second, asked));
		EXPECT_EQ(1, asked[0]);
		EXPECT_EQ(1, asked[1]);

		/* The first goes on behind the task that asked; is the other one there? */
		EXPECT_EQ(0, wq_allow(asks->fd, request));
		EXPECT_EQ(0, allow_all(self->q, &first, asked));
		before[turn] = asked[!turn] == 2;
		for (int i = 0; i < 2; i++) {
			ASSERT_EQ(0, wq_remove_all(self->q[i].fd, 0));
			wq_drain(&self->q[i]);
		}
	}
	EXPECT_TRUE(before[0] != before[1]) TH_LOG("nobody stood on what was withdrawn");
}

TEST_HARNESS_MAIN
