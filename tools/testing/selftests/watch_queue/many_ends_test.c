// SPDX-License-Identifier: GPL-2.0
/*
 * The end of many watches at once: it can be interrupted and goes on where it was, close() leaves most
 * of it to the kernel, and what ends later is in nobody's way.
 */
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "wq_test.h"
#include "kselftest_harness.h"

#define PIECE	1024		/* watches that are ended at once */
#define MS	1000		/* microseconds */

FIXTURE(ends) {
	char limit[WQ_VALUE];
	struct wq q;
	int many;		/* watches: some pieces */
};

FIXTURE_SETUP(ends)
{
	char many[WQ_VALUE];

	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_TRUE(wq_get_parameter("max_user_watches", self->limit));
	ASSERT_OK(wq_tmpdir_enter());
	self->many = wq_scaled(16 * PIECE);
	if (self->many < 5 * PIECE / 4)
		self->many = 5 * PIECE / 4;
	/* As many as there will be, and no more. */
	snprintf(many, sizeof(many), "%d", self->many);
	ASSERT_TRUE(wq_set_parameter("max_user_watches", many));
	ASSERT_OK(wq_open(&self->q, 256));
}

FIXTURE_TEARDOWN(ends)
{
	wq_close(&self->q);
	wq_set_parameter("max_user_watches", self->limit);
	wq_tmpdir_leave();
}

/* Watches pipes, of which nothing is left but the watch; how many could be added. */
static int add_many(int queue, int n)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY, .scope = WATCH_SCOPE_OBJECT,
		.mask = WATCH_FS_MODIFY,
	};
	int added = 0, ends[2], error = 0;

	while (added < n && !error) {
		if (pipe2(ends, O_CLOEXEC))
			return added;
		add.object = ends[0];
		add.handle = 0;
		error = wq_add(queue, &add);
		close(ends[0]);
		close(ends[1]);
		added += !error;
	}
	errno = -error;
	return added;
}

static uint64_t watches(int queue)
{
	struct watch_queue_info info = {};

	return wq_info(queue, 0, &info) ? ~0ull : info.watches;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

static int alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

/* Signals without end, which interrupt system calls for good; and their end. */
static void disturb(int us)
{
	const struct itimerval timer = { { 0, us }, { 0, us } };
	struct sigaction action = { .sa_handler = us ? on_alarm : SIG_IGN };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Each call gets some way, and in the end every watch has its REMOVAL. */
TEST_F_TIMEOUT(ends, remove_all_is_interrupted, 240)
{
	uint64_t before = self->many;
	int interrupted = 0, r;

	ASSERT_EQ(self->many, add_many(self->q.fd, self->many));
	disturb(2 * MS);
	while ((r = wq_remove_all(self->q.fd, 0)) == -EINTR) {
		uint64_t left = watches(self->q.fd);

		interrupted++;
		EXPECT_GT(before, left);
		before = left;
	}
	disturb(0);
	EXPECT_EQ(0, r);
	EXPECT_LT(0, interrupted);
	EXPECT_EQ(0, watches(self->q.fd));
	EXPECT_EQ(self->many, wq_drain(&self->q));
	/* A few are never interrupted. */
	for (int i = wq_scaled(20); i > 0; i--) {
		ASSERT_EQ(100, add_many(self->q.fd, 100));
		disturb(1);
		EXPECT_EQ(0, wq_remove_all(self->q.fd, 0));
		disturb(0);
	}
}

TEST_F_TIMEOUT(ends, shutdown_is_interrupted, 240)
{
	int interrupted = 0, r;

	ASSERT_EQ(self->many, add_many(self->q.fd, self->many));
	disturb(2 * MS);
	while ((r = wq_shutdown(self->q.fd)) == -EINTR) {
		interrupted++;
		/* It has ended in all that others can see. */
		EXPECT_EQ(0, add_many(self->q.fd, 1));
		EXPECT_EQ(ESHUTDOWN, errno);
		EXPECT_EQ(POLLHUP, wq_poll(self->q.fd, 0) & POLLHUP);
	}
	disturb(0);
	EXPECT_EQ(0, r);
	EXPECT_LT(0, interrupted);
	EXPECT_EQ(0, watches(self->q.fd));
	EXPECT_EQ(self->many, wq_drain(&self->q));
	EXPECT_EQ(-ESHUTDOWN, wq_shutdown(self->q.fd));
}

/* close() takes a fraction of the time, and an add right after it waits for the rest. TRAPS: A24 */
TEST_F_TIMEOUT(ends, close_leaves_them, 240)
{
	uint64_t start, remove_all, closing;
	struct wq other;

	ASSERT_EQ(self->many, add_many(self->q.fd, self->many));
	start = now_us();
	ASSERT_EQ(0, wq_remove_all(self->q.fd, 0));
	remove_all = now_us() - start;
	wq_close(&self->q);

	for (int i = wq_scaled(3); i > 0; i--) {
		ASSERT_OK(wq_open(&other, 1));
		ASSERT_EQ(self->many, add_many(other.fd, self->many)) TH_LOG("%s", strerror(errno));
		EXPECT_EQ(0, add_many(other.fd, 1));
		EXPECT_EQ(EDQUOT, errno);
		munmap(other.ring, other.bytes);
		other.ring = NULL;
		start = now_us();
		close(other.fd);
		closing = now_us() - start;
		other.fd = -1;
		/* A fifth of the pieces, if there are so many, in the time of one. */
		EXPECT_GT(remove_all, closing * self->many / (5 * PIECE))
			TH_LOG("REMOVE_ALL %llu us, close() %llu us", (unsigned long long)remove_all,
			       (unsigned long long)closing);
	}
	/*
	 * Room for one, and that only when all others have ended: it is waited for. A limit that is
	 * reached for good is told at once.
	 */
	ASSERT_OK(wq_open(&other, 1));
	ASSERT_EQ(self->many, add_many(other.fd, self->many));
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_TRUE(wq_set_parameter("max_user_watches", "1"));
	wq_close(&other);
	EXPECT_EQ(1, add_many(self->q.fd, 1)) TH_LOG("%s", strerror(errno));
	EXPECT_EQ(0, add_many(self->q.fd, 1));
	EXPECT_EQ(EDQUOT, errno);
}

/* That wait can be interrupted. */
TEST_F_TIMEOUT(ends, waiting_is_interrupted, 240)
{
	struct wq other;

	if (self->many < 4 * PIECE)
		SKIP(return, "on a slow kernel too few for a signal to come in time");
	ASSERT_OK(wq_open(&other, 1));
	ASSERT_EQ(self->many, add_many(other.fd, self->many));
	ASSERT_TRUE(wq_set_parameter("max_user_watches", "1"));
	wq_close(&other);
	disturb(10 * MS);
	EXPECT_EQ(0, add_many(self->q.fd, 1));
	EXPECT_EQ(EINTR, errno);
	disturb(0);
	EXPECT_EQ(1, add_many(self->q.fd, 1)) TH_LOG("%s", strerror(errno));
}

TEST_HARNESS_MAIN
