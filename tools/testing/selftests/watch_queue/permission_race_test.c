// SPDX-License-Identifier: GPL-2.0
/*
 * What is first to decide a request: the answer, another answer, the deadline, a signal, or
 * SHUTDOWN. Whichever it is, the task, the answering side and the counters agree about it; and
 * each test has seen both outcomes, or it would be no race.
 */
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "kselftest_harness.h"
#include "wq_permission.h"

#define ROUNDS	200
#define US	1000ll

FIXTURE(race) {
	struct wq q;
	struct wq_rec r;
	struct wq_task task;
	struct watch_queue_info i;
	uint64_t request;
};

static const char *begin_queue(struct wq *q, uint32_t timeout_ms)
{
	const char *what = wq_open(q, 16);

	if (what != wq_ok)
		return what;
	if (wq_set_permission(q->fd, timeout_ms, WATCH_RESPONSE_ALLOW))
		return "SET_PERMISSION fails";
	if (!wq_watch(q->fd, "file", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 5, 1, 0))
		return "ADD_WATCH fails";
	return wq_ok;
}

FIXTURE_SETUP(race)
{
	WQ_NEED_PERMISSION();
	WQ_NEED_THREADS();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_touch("file"));
	ASSERT_OK(begin_queue(&self->q, 60000));
}

FIXTURE_TEARDOWN(race)
{
	wq_close(&self->q);
	wq_tmpdir_leave();
}

#define ASK() do { \
	ASSERT_OK(wq_task_begin(&self->task, WQ_OPEN, "file")); \
	self->request = wq_question(&self->q, &self->r); \
	ASSERT_NE(0, self->request) TH_LOG("%s", wq_why()); \
} while (0)

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void spin_until(int64_t ns)
{
	while (now_ns() < ns)
		;
}

/*
 * Where two sides meet: from 1 ms before to 1 ms behind, each round elsewhere; every tenth
 * round is clearly early, and the one after it clearly late.
 */
static int64_t offset(long round)
{
	switch (round % 10) {
	case 0: return -15000 * US;
	case 1: return wq_patience(50) * 1000 * US;
	default: return (round * 7 % 41 - 20) * 50 * US;
	}
}

/* TRAPS: A28 */
TEST_F_TIMEOUT(race, answer_against_deadline_a28, 300)
{
	long rounds = wq_scaled(ROUNDS), early = 0, late = 0;

	ASSERT_EQ(0, wq_set_permission(self->q.fd, wq_patience(20), WATCH_RESPONSE_ALLOW));
	for (long n = 0; n < rounds; n++) {
		int answered, got;

		ASK();
		spin_until(self->r.perm.deadline + offset(n));
		answered = wq_deny(self->q.fd, self->request, EBUSY);
		got = wq_task_end(&self->task, WQ_SOON);
		if (answered == 0) {
			early++;
			ASSERT_EQ(-EBUSY, got);
		} else {
			late++;
			ASSERT_EQ(-ENOENT, answered);
			ASSERT_EQ(0, got);
			ASSERT_EQ(1, wq_next_wait(&self->q, &self->r, WQ_SOON));
			ASSERT_EQ(self->request, self->r.unanswered.request);
			ASSERT_EQ(WATCH_UNANSWERED_TIMEOUT, self->r.unanswered.reason);
		}
	}
	TH_LOG("%ld answers in time, %ld too late", early, late);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(early, self->i.denied);
	EXPECT_EQ(late, self->i.timed_out);
	EXPECT_TRUE(early && late);
	EXPECT_OK(wq_check_asked(self->q.fd));
}

/* What the other side does, in a thread of its own, at a moment of CLOCK_MONOTONIC. */
struct other {
	int64_t at;
	int fd;
	uint64_t request;
	pid_t pid;
	int result;
};

static void *kill_it(void *arg)
{
	struct other *o = arg;

	spin_until(o->at);
	kill(o->pid, SIGKILL);
	return NULL;
}

static void *deny_it(void *arg)
{
	struct other *o = arg;

	spin_until(o->at);
	o->result = wq_deny(o->fd, o->request, EBUSY);
	return NULL;
}

static void *end_it(void *arg)
{
	struct other *o = arg;

	spin_until(o->at);
	o->result = wq_shutdown(o->fd);
	return NULL;
}

/* Both sides begin 20 ms from now; ours at that moment, the other one around it. */
#define RACE(do_it, round, ours) do { \
	pthread_t thread; \
	int64_t at = now_ns() + 20000 * US; \
	other.at = at + offset(round) / 4; \
	ASSERT_EQ(0, pthread_create(&thread, NULL, do_it, &other)); \
	spin_until(at); \
	answered = ours; \
	ASSERT_EQ(0, pthread_join(thread, NULL)); \
} while (0)

/* TRAPS: A28 */
TEST_F_TIMEOUT(race, answer_against_signal_a28, 300)
{
	long rounds = wq_scaled(ROUNDS), answers = 0;

	for (long n = 0; n < rounds; n++) {
		struct other other = {};
		int answered, got;

		ASK();
		other.pid = self->task.pid;
		RACE(kill_it, n, wq_allow(self->q.fd, self->request));
		got = wq_task_end(&self->task, WQ_SOON);
		if (answered == 0) {
			answers++;
			/* It may be killed after it has opened the file. */
			ASSERT_TRUE(got == 0 || got == WQ_SIGNALLED);
		} else {
			ASSERT_EQ(-ENOENT, answered);
			ASSERT_EQ(WQ_SIGNALLED, got);
			ASSERT_EQ(1, wq_next_wait(&self->q, &self->r, WQ_SOON));
			ASSERT_EQ(self->request, self->r.unanswered.request);
			ASSERT_EQ(WATCH_UNANSWERED_KILLED, self->r.unanswered.reason);
		}
	}
	TH_LOG("%ld answers, %ld signals", answers, rounds - answers);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(answers, self->i.allowed);
	EXPECT_EQ(rounds - answers, self->i.killed);
	EXPECT_TRUE(answers > 0 && answers < rounds);
	EXPECT_OK(wq_check_asked(self->q.fd));
}

/* Two threads answer, one this, one that: one of them is told that it was too late. */
TEST_F_TIMEOUT(race, answer_against_answer, 300)
{
	long rounds = wq_scaled(ROUNDS), allowed = 0;

	for (long n = 0; n < rounds; n++) {
		struct other other = {};
		int answered;

		ASK();
		other.fd = self->q.fd;
		other.request = self->request;
		RACE(deny_it, n, wq_allow(self->q.fd, self->request));
		ASSERT_EQ(-ENOENT, answered + other.result);
		allowed += answered == 0;
		ASSERT_EQ(answered == 0 ? 0 : -EBUSY, wq_task_end(&self->task, WQ_SOON));
		ASSERT_STREQ("", wq_story(&self->q));
	}
	TH_LOG("%ld allowed, %ld denied", allowed, rounds - allowed);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(allowed, self->i.allowed);
	EXPECT_EQ(rounds - allowed, self->i.denied);
	EXPECT_TRUE(allowed > 0 && allowed < rounds);
}

/* SHUTDOWN returns when no task waits any more, whatever was first. TRAPS: A11 */
TEST_F_TIMEOUT(race, answer_against_shutdown_a11, 300)
{
	long rounds = wq_scaled(ROUNDS), answers = 0;

	for (long n = 0; n < rounds; n++) {
		struct other other = {};
		int answered;

		ASK();
		other.fd = self->q.fd;
		RACE(end_it, n, wq_deny(self->q.fd, self->request, EBUSY));
		ASSERT_EQ(0, other.result);
		ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
		ASSERT_EQ(0, self->i.pending);
		if (answered == 0) {
			answers++;
			ASSERT_EQ(1, self->i.denied);
			ASSERT_EQ(-EBUSY, wq_task_end(&self->task, WQ_SOON));
			ASSERT_STREQ("removal:shutdown#5", wq_story(&self->q));
		} else {
			ASSERT_TRUE(answered == -ENOENT || answered == -ESHUTDOWN);
			ASSERT_EQ(1, self->i.by_policy);
			ASSERT_EQ(0, wq_task_end(&self->task, WQ_SOON));
			ASSERT_STREQ("unanswered:shutdown:1, removal:shutdown#5",
				     wq_story(&self->q));
		}
		wq_close(&self->q);
		ASSERT_OK(begin_queue(&self->q, 60000));
	}
	TH_LOG("%ld answers, %ld ends", answers, rounds - answers);
	EXPECT_TRUE(answers > 0 && answers < rounds);
}

TEST_HARNESS_MAIN
