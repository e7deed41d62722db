// SPDX-License-Identifier: GPL-2.0
/*
 * Requests for permission: what is asked, what an answer does, and what happens without one.
 */
#include <signal.h>

#include "kselftest_harness.h"
#include "wq_permission.h"

/* What is to come at once, on a slow machine. */
#define SOON wq_patience(2000)

FIXTURE(ask) {
	struct wq q;
	struct wq_task task;
	struct wq_rec r;
};

FIXTURE_SETUP(ask)
{
	WQ_NEED_PERMISSION();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_touch("file"));
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 60000, WATCH_RESPONSE_ALLOW));
}

FIXTURE_TEARDOWN(ask)
{
	wq_close(&self->q);
	wq_tmpdir_leave();
}

TEST_F(ask, an_open_waits_for_its_answer)
{
	ASSERT_NE(0, wq_watch(self->q.fd, "file", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 5, 0x77, 0));
	ASSERT_OK(wq_task_begin(&self->task, WQ_OPEN, "file"));
	ASSERT_EQ(1, wq_next_wait(&self->q, &self->r, SOON)) TH_LOG("%s", wq_why());
	EXPECT_EQ(NOTIFY_FS_OPEN_PERM, self->r.subtype);
	EXPECT_EQ(10, self->r.slots);
	EXPECT_EQ(5, self->r.id);
	EXPECT_EQ(0x77, self->r.fs.cookie);
	EXPECT_EQ(self->task.pid, self->r.fs.pid);
	EXPECT_EQ(WATCH_FS_OPEN_PERM, self->r.fs.mask);
	EXPECT_NE(0, self->r.perm.request);
	EXPECT_GT(wq_deadline_ms(&self->r), 50000 - SOON);
	EXPECT_LE(wq_deadline_ms(&self->r), 60000);
	EXPECT_TRUE(wq_task_waits(&self->task, 200));
	EXPECT_EQ(0, wq_allow(self->q.fd, self->r.perm.request));
	EXPECT_EQ(0, wq_task_end(&self->task, SOON));
	EXPECT_OK(wq_check_asked(self->q.fd));
	EXPECT_STREQ("", wq_story(&self->q));
}

TEST_F(ask, without_an_answer_the_deadline_decides)
{
	uint64_t took;

	ASSERT_EQ(0, wq_set_permission(self->q.fd, 300, WATCH_RESPONSE_ALLOW));
	ASSERT_NE(0, wq_watch(self->q.fd, "file", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 5, 1, 0));
	ASSERT_OK(wq_task_begin(&self->task, WQ_OPEN, "file"));
	EXPECT_EQ(0, wq_task_end(&self->task, SOON));
	took = wq_now_ms() - self->task.begun;
	EXPECT_GE(took, 300);
	EXPECT_LT(took, 300 + SOON);
	EXPECT_STREQ("open_perm#5, unanswered:timeout:1", wq_story(&self->q));
}

TEST_HARNESS_MAIN
