// SPDX-License-Identifier: GPL-2.0
/*
 * What ends a request for permission when nobody answers: the deadline, the death of the
 * task, the end of the queue, a full ring; and how that is told. The death of the listener is
 * in permission_listener_test.c.
 */
#include <signal.h>

#include "kselftest_harness.h"
#include "wq_permission.h"

/* For the kernel without the patch, and for use_patches=0. */
TEST(without_the_patch_there_are_no_questions)
{
	static const uint64_t bits[] = {
		WATCH_FS_OPEN_PERM, WATCH_FS_ACCESS_PERM, WATCH_FS_OPEN_EXEC_PERM,
		WATCH_FS_PRE_ACCESS, WATCH_FS_OPEN | WATCH_FS_OPEN_PERM,
	};
	struct watch_queue_info info;
	struct wq q;

	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	if (wq_can_ask())
		SKIP(return, "this kernel has the patch");
	ASSERT_OK(wq_open(&q, 1));
	ASSERT_EQ(0, wq_info(q.fd, 0, &info));
	EXPECT_EQ(0, info.fs_mask & WATCH_FS_ALL_PERM);
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		EXPECT_EQ(0, wq_watch(q.fd, "/", bits[i], WATCH_SCOPE_OBJECT, 1, 1, 0));
		EXPECT_EQ(EOPNOTSUPP, errno);
	}
	EXPECT_EQ(-ENOENT, wq_allow(q.fd, 1));
	EXPECT_EQ(-ENOENT, wq_open_target(q.fd, 1));
	wq_close(&q);
}

FIXTURE(end) {
	struct wq q;
	struct wq_task task;
	struct wq_rec r;
	struct watch_queue_info i;
	uint64_t handle;
};

FIXTURE_SETUP(end)
{
	WQ_NEED_PERMISSION();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_touch("file"));
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 60000, WATCH_RESPONSE_ALLOW));
	self->handle = wq_watch(self->q.fd, "file", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 5, 1, 0);
	ASSERT_NE(0, self->handle);
}

FIXTURE_TEARDOWN(end)
{
	wq_close(&self->q);
	wq_tmpdir_leave();
}

#define BEGIN() ASSERT_OK(wq_task_begin(&self->task, WQ_OPEN, "file"))
/* Begins, and waits until the record is there. */
#define ASK() do { \
	BEGIN(); \
	ASSERT_NE(0, wq_question(&self->q, &self->r)) TH_LOG("%s", wq_why()); \
} while (0)
#define ENDS(result) EXPECT_EQ(result, wq_task_end(&self->task, WQ_SOON))
#define STORY(text) EXPECT_STREQ(text, wq_story(&self->q))
#define INFO() do { \
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i)); \
	EXPECT_OK(wq_check_asked(self->q.fd)); \
} while (0)

TEST_F(end, the_deadline_decides_as_the_policy_says)
{
	uint64_t took;

	ASSERT_EQ(0, wq_set_permission(self->q.fd, 300, WATCH_RESPONSE_ALLOW));
	BEGIN();
	ENDS(0);
	took = wq_now_ms() - self->task.begun;
	EXPECT_GE(took, 300);
	EXPECT_LT(took, 300 + WQ_SOON);
	STORY("open_perm#5, unanswered:timeout:1");
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 100, WATCH_RESPONSE_DENY));
	ASK();
	ENDS(-EPERM);
	EXPECT_EQ(-ENOENT, wq_allow(self->q.fd, self->r.perm.request));
	ASSERT_EQ(1, wq_next(&self->q, &self->r));
	EXPECT_EQ(WATCH_UNANSWERED_TIMEOUT, self->r.unanswered.reason);
	EXPECT_EQ(EPERM, self->r.unanswered.error);
	INFO();
	EXPECT_EQ(2, self->i.asked);
	EXPECT_EQ(2, self->i.timed_out);
}

/* Whatever a queue has been allowed before, root can make it shorter for all. */
TEST_F(end, the_module_bounds_the_deadline)
{
	char before[WQ_VALUE];
	uint64_t took;

	ASSERT_TRUE(wq_get_parameter("max_permission_ms", before));
	if (!wq_set_parameter("max_permission_ms", "300"))
		SKIP(return, "the parameter cannot be set: %m");
	BEGIN();
	ENDS(0);
	took = wq_now_ms() - self->task.begun;
	EXPECT_EQ(-EINVAL, wq_set_permission(self->q.fd, 301, WATCH_RESPONSE_ALLOW));
	EXPECT_EQ(0, wq_set_permission(self->q.fd, 300, WATCH_RESPONSE_ALLOW));
	EXPECT_TRUE(wq_set_parameter("max_permission_ms", before));
	EXPECT_GE(took, 300);
	EXPECT_LT(took, 300 + WQ_SOON);
	STORY("open_perm#5, unanswered:timeout:1");
}

/* TRAPS: A28 */
TEST_F(end, a_task_that_waits_can_be_killed_a28)
{
	uint64_t request, killed;

	ASK();
	request = self->r.perm.request;
	EXPECT_TRUE(wq_task_waits(&self->task, 100));
	killed = wq_now_ms();
	kill(self->task.pid, SIGKILL);
	ENDS(WQ_SIGNALLED);
	EXPECT_LT(wq_now_ms() - killed, wq_patience(1000));
	EXPECT_EQ(-ENOENT, wq_allow(self->q.fd, request));
	ASSERT_EQ(1, wq_next_wait(&self->q, &self->r, WQ_SOON));
	EXPECT_EQ(request, self->r.unanswered.request);
	EXPECT_EQ(WATCH_UNANSWERED_KILLED, self->r.unanswered.reason);
	EXPECT_EQ(EINTR, self->r.unanswered.error);
	INFO();
	EXPECT_EQ(1, self->i.killed);
	EXPECT_EQ(0, self->i.pending);
}

/* A signal that does not kill waits for the answer. */
TEST_F(end, other_signals_wait)
{
	signal(SIGUSR1, SIG_IGN);
	ASK();
	kill(self->task.pid, SIGSTOP);
	kill(self->task.pid, SIGCONT);
	kill(self->task.pid, SIGUSR1);
	EXPECT_TRUE(wq_task_waits(&self->task, 100));
	EXPECT_EQ(0, wq_allow(self->q.fd, self->r.perm.request));
	ENDS(0);
}

TEST_F(end, shutdown_answers_before_the_watches_end)
{
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 60000, WATCH_RESPONSE_DENY));
	BEGIN();
	EXPECT_TRUE(wq_task_waits(&self->task, 100));
	EXPECT_EQ(0, wq_shutdown(self->q.fd));
	STORY("open_perm#5, unanswered:shutdown:1, removal:shutdown#5");
	ENDS(-EPERM);
	EXPECT_EQ(-ESHUTDOWN, wq_allow(self->q.fd, 1));
	INFO();
	EXPECT_EQ(1, self->i.by_policy);
	BEGIN();
	ENDS(0);
}

TEST_F(end, the_end_of_the_queue_answers)
{
	ASK();
	wq_close(&self->q);
	ENDS(0);
}

/*
 * What finds no room until its deadline is decided then, counted, and told when there is room. What
 * finds some is in permission_room_test.c.
 */
TEST_F(end, a_full_ring_decides_at_the_deadline)
{
	uint64_t begun = wq_now_ms();
	int fd;

	ASSERT_NE(0, wq_watch(self->q.fd, ".", WATCH_FS_MODIFY, WATCH_SCOPE_CHILDREN, 6, 6, 0));
	fd = wq_poke_open("poked");
	ASSERT_GE(fd, 0);
	for (int i = 0; i < 100; i++)
		wq_poke(fd);
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 300, WATCH_RESPONSE_ALLOW));
	BEGIN();
	ENDS(0);
	EXPECT_GE(wq_now_ms() - begun, 300);
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 300, WATCH_RESPONSE_DENY));
	BEGIN();
	ENDS(-EPERM);
	EXPECT_GE(wq_now_ms() - begun, 600);
	INFO();
	EXPECT_EQ(2, self->i.asked);
	EXPECT_EQ(2, self->i.by_policy);
	EXPECT_EQ(self->i.posted, self->i.delivered + self->i.lost);
	ASSERT_GT(wq_drain(&self->q), 50);
	wq_poll(self->q.fd, 0);
	STORY("unanswered:several:2");
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 60000, WATCH_RESPONSE_ALLOW));
	ASK();
	EXPECT_EQ(0, wq_allow(self->q.fd, self->r.perm.request));
	ENDS(0);
	close(fd);
}

/* The watch may go before the answer comes. TRAPS: A20 */
TEST_F(end, a_question_outlives_its_watch_a20)
{
	ASK();
	EXPECT_EQ(0, wq_remove(self->q.fd, self->handle));
	STORY("removal:removed#5");
	EXPECT_TRUE(wq_task_waits(&self->task, 100));
	EXPECT_EQ(0, wq_deny(self->q.fd, self->r.perm.request, EBUSY));
	ENDS(-EBUSY);
	BEGIN();
	ENDS(0);
	STORY("");
}

TEST_F(end, a_one_shot_watch_asks_once)
{
	EXPECT_EQ(0, wq_remove(self->q.fd, self->handle));
	ASSERT_NE(0, wq_watch(self->q.fd, "file", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 8, 1,
			      WATCH_ADD_ONESHOT));
	STORY("removal:removed#5");
	ASK();
	STORY("removal:oneshot#8");
	EXPECT_EQ(0, wq_deny(self->q.fd, self->r.perm.request, 0));
	ENDS(-EPERM);
	BEGIN();
	ENDS(0);
}

TEST_F(end, arguments)
{
	struct watch_queue_permission p = {
		.size = sizeof(p), .timeout_ms = 1000, .unanswered = WATCH_RESPONSE_ALLOW,
		.__reserved = 1,
	};
	struct watch_queue_open_target t = { .size = sizeof(t), .flags = 1, .request = 1 };

	EXPECT_EQ(-EINVAL, wq_set_permission(self->q.fd, 0, WATCH_RESPONSE_ALLOW));
	EXPECT_EQ(-EINVAL, wq_set_permission(self->q.fd, 60001, WATCH_RESPONSE_ALLOW));
	EXPECT_EQ(-EINVAL, wq_set_permission(self->q.fd, 1000, 0));
	EXPECT_EQ(-EINVAL, wq_set_permission(self->q.fd, 1000, 3));
	EXPECT_EQ(-1, ioctl(self->q.fd, IOC_WATCH_QUEUE_SET_PERMISSION, &p));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->q.fd, IOC_WATCH_QUEUE_OPEN_TARGET, &t));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, wq_set_permission(self->q.fd, 60000, WATCH_RESPONSE_DENY));
	EXPECT_EQ(0, wq_set_permission(self->q.fd, 1, WATCH_RESPONSE_ALLOW));
}

/* Which listener is waited for, and for what, can be seen from outside. TRAPS: A29 */
TEST_F(end, fdinfo_tells_what_waits_a29)
{
	const char *text;
	char want[200];

	ASK();
	text = wq_fdinfo(self->q.fd);
	snprintf(want, sizeof(want),
		 "permission: timeout-ms:60000 unanswered:allow asked:1 allowed:0 denied:0 timed-out:0 by-policy:0 killed:0 pending:1 oldest:%llu not-asked:0 listener-gone:0 shut-down:0\n",
		 (unsigned long long)self->r.perm.request);
	EXPECT_NE(NULL, strstr(text, want)) TH_LOG("%s", text);
	EXPECT_EQ(0, wq_allow(self->q.fd, self->r.perm.request));
	ENDS(0);
}

TEST_HARNESS_MAIN
