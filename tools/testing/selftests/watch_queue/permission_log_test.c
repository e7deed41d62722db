// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel's log and the counters say of questions that the module decides in place of the
 * listener, and that nobody without the right can say how they are decided, nor hide it.
 */
#include "kselftest_harness.h"
#include "wq_permission.h"

FIXTURE(log) {
	struct wq_task task;
	char before[WQ_VALUE];
	int kmsg;
	struct wq q;
};

FIXTURE_SETUP(log)
{
	WQ_NEED_PERMISSION();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_touch("file"));
	ASSERT_TRUE(wq_get_parameter("max_user_queues", self->before));
	self->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (self->kmsg < 0)
		SKIP(return, "no /dev/kmsg: %m");
	ASSERT_GE(lseek(self->kmsg, 0, SEEK_END), 0);
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_NE(0, wq_watch(self->q.fd, "file", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 5, 1, 0));
}

FIXTURE_TEARDOWN(log)
{
	wq_set_parameter("max_user_queues", self->before);
	close(self->kmsg);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

/* How many lines of the log since the last call have this text. */
static int lines(int kmsg, const char *text)
{
	char line[1024];
	int found = 0;

	for (;;) {
		ssize_t n = read(kmsg, line, sizeof(line) - 1);

		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			return found;
		line[n] = 0;
		found += !!strstr(line, text);
	}
}

/* As any user may: reaches a limit until nothing more is said of it. */
static int make_noise(void *arg)
{
	int fd = open(WQ_DEVICE, O_RDWR | O_CLOEXEC);

	(void)arg;
	CHILD_CHECK(fd >= 0);
	for (int n = 0; n < 100; n++)
		CHILD_CHECK(open(WQ_DEVICE, O_RDWR | O_CLOEXEC) < 0);
	return 0;
}

/* TRAPS: A29 */
TEST_F(log, nobody_can_hide_who_does_not_answer_a29)
{
	char text[80];

	ASSERT_TRUE(wq_set_parameter("max_user_queues", "1"));
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 50, WATCH_RESPONSE_ALLOW));
	EXPECT_EQ(0, wq_child_nobody(make_noise, NULL));
	EXPECT_GE(lines(self->kmsg, "max_user_queues"), 1);
	ASSERT_OK(wq_task_begin(&self->task, WQ_OPEN, "file"));
	EXPECT_EQ(0, wq_task_end(&self->task, WQ_SOON));
	snprintf(text, sizeof(text), "process %d did not answer", getpid());
	EXPECT_EQ(1, lines(self->kmsg, text));
}

/* What the ring has no room for is told once, and counted each time. */
TEST_F(log, the_first_decision_is_told)
{
	struct watch_queue_info i;
	char text[80];
	int fd;

	ASSERT_EQ(0, wq_set_permission(self->q.fd, 20, WATCH_RESPONSE_DENY));
	ASSERT_NE(0, wq_watch(self->q.fd, ".", WATCH_FS_MODIFY, WATCH_SCOPE_CHILDREN, 6, 6, 0));
	fd = wq_poke_open("poked");
	ASSERT_GE(fd, 0);
	for (int n = 0; n < 100; n++)
		wq_poke(fd);
	close(fd);
	for (int n = 0; n < 3; n++) {
		ASSERT_OK(wq_task_begin(&self->task, WQ_OPEN, "file"));
		EXPECT_EQ(-EPERM, wq_task_end(&self->task, WQ_SOON));
	}
	snprintf(text, sizeof(text), "deciding in place of process %d ", getpid());
	EXPECT_EQ(1, lines(self->kmsg, text));
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &i));
	EXPECT_EQ(3, i.not_asked);
	EXPECT_EQ(0, i.listener_gone);
	EXPECT_EQ(0, i.shut_down);
	EXPECT_EQ(3, i.by_policy);
}

static int set_permission(void *arg)
{
	struct wq q;

	(void)arg;
	CHILD_CHECK(wq_open(&q, 1) == wq_ok);
	CHILD_CHECK(wq_set_permission(q.fd, 1000, WATCH_RESPONSE_DENY) == -EPERM);
	return 0;
}

TEST_F(log, it_takes_the_right_to_set_the_policy)
{
	EXPECT_EQ(0, wq_child_nobody(set_permission, NULL));
}

TEST_HARNESS_MAIN
