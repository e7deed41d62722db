// SPDX-License-Identifier: GPL-2.0
/*
 * A question for which there is no room in the ring waits for it, as for its answer: until there is
 * room, the deadline, a signal that kills, or the end of the queue. What the deadline makes of it is in
 * permission_end_test.c.
 */
#include <pthread.h>
#include <signal.h>

#include "kselftest_harness.h"
#include "wq_permission.h"

#define THREADS	800

FIXTURE(room) {
	struct wq q;
	struct wq_task task;
	struct wq_rec r;
	struct watch_queue_info i;
	int poke;
};

FIXTURE_SETUP(room)
{
	WQ_NEED_PERMISSION();
	WQ_NEED_THREADS();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_touch("file"));
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 60000, WATCH_RESPONSE_DENY));
	ASSERT_NE(0, wq_watch(self->q.fd, "file", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 5, 1, 0));
	ASSERT_NE(0, wq_watch(self->q.fd, ".", WATCH_FS_MODIFY, WATCH_SCOPE_CHILDREN, 6, 6, 0));
	self->poke = wq_poke_open("poked");
	ASSERT_GE(self->poke, 0);
}

FIXTURE_TEARDOWN(room)
{
	close(self->poke);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

/* Fills the ring with other records, and lets a task ask. */
#define ASK_WITHOUT_ROOM() do { \
	for (int n = 0; n < 100; n++) \
		wq_poke(self->poke); \
	ASSERT_OK(wq_task_begin(&self->task, WQ_OPEN, "file")); \
	EXPECT_TRUE(wq_task_waits(&self->task, 300)); \
	INFO(); \
	EXPECT_EQ(1, self->i.pending); \
} while (0)
/* It may come as soon as there is room for it, while the other records are read. */
#define IS_QUESTION(r) \
	((r)->type == WATCH_TYPE_FS_NOTIFY && (r)->subtype == NOTIFY_FS_OPEN_PERM)
#define ENDS(result) EXPECT_EQ(result, wq_task_end(&self->task, WQ_SOON))
#define INFO() do { \
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i)); \
	EXPECT_OK(wq_check_asked(self->q.fd)); \
} while (0)

/* What was lost before is told before; the question itself is not lost. */
TEST_F(room, who_waits_is_asked_when_there_is_room)
{
	uint64_t lost;

	ASK_WITHOUT_ROOM();
	lost = self->i.lost;
	do {
		ASSERT_EQ(1, wq_next_wait(&self->q, &self->r, WQ_SOON)) TH_LOG("%s", wq_why());
	} while (!IS_QUESTION(&self->r));
	ASSERT_NE(0, self->r.perm.request);
	EXPECT_EQ(0, wq_deny(self->q.fd, self->r.perm.request, EBUSY));
	ENDS(-EBUSY);
	INFO();
	EXPECT_EQ(lost, self->i.lost);
	EXPECT_EQ(1, self->i.denied);
	EXPECT_EQ(0, self->i.by_policy);
}

/* A reader that never asks the kernel for anything is found out by looking again. */
TEST_F(room, who_waits_looks_again)
{
	struct wq_rec *r = &self->r;
	uint64_t begun;

	ASK_WITHOUT_ROOM();
	begun = wq_now_ms();
	do {
		ASSERT_GE(wq_next(&self->q, r), 0);
	} while (!IS_QUESTION(r) && wq_now_ms() - begun < WQ_SOON);
	ASSERT_TRUE(IS_QUESTION(r));
	EXPECT_EQ(0, wq_allow(self->q.fd, r->perm.request));
	ENDS(0);
}

/* TRAPS: A28 */
TEST_F(room, who_waits_for_room_can_be_killed_a28)
{
	ASK_WITHOUT_ROOM();
	kill(self->task.pid, SIGKILL);
	ENDS(WQ_SIGNALLED);
	INFO();
	EXPECT_EQ(1, self->i.killed);
	EXPECT_EQ(0, self->i.pending);
}

/* TRAPS: A11 */
TEST_F(room, the_end_of_the_queue_lets_go_a11)
{
	ASK_WITHOUT_ROOM();
	EXPECT_EQ(0, wq_shutdown(self->q.fd));
	ENDS(-EPERM);
	INFO();
	EXPECT_EQ(1, self->i.by_policy);
}

struct flood {
	struct wq *q;
	bool stop;
	long opened, tries;
};

/* Refuses, and takes its time for it. */
static void *refuse(void *arg)
{
	struct flood *f = arg;
	struct wq_rec r;

	while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED)) {
		if (wq_next_wait(f->q, &r, 100) != 1 || r.type != WATCH_TYPE_FS_NOTIFY)
			continue;
		if (r.subtype == NOTIFY_FS_OPEN_PERM)
			wq_deny(f->q->fd, r.perm.request, EACCES);
		usleep(100);
	}
	return NULL;
}

static void *try_to_open(void *arg)
{
	struct flood *f = arg;
	int fd;

	while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED)) {
		fd = open("file", O_RDONLY | O_CLOEXEC);
		__atomic_add_fetch(&f->tries, 1, __ATOMIC_RELAXED);
		if (fd >= 0) {
			__atomic_add_fetch(&f->opened, 1, __ATOMIC_RELAXED);
			close(fd);
		}
	}
	return NULL;
}

/* In a process of its own: the listener's is not asked. */
static int flood(void *arg)
{
	struct flood *f = arg;
	pthread_t thread;
	pthread_attr_t attr;
	int n;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (n = 0; n < wq_scaled(THREADS); n++)
		if (pthread_create(&thread, &attr, try_to_open, f))
			break;
	sleep(4);
	printf("# %d threads, %ld attempts, %ld successes\n", n, f->tries, f->opened);
	_exit(f->opened != 0 || n < wq_scaled(THREADS) / 2);
}

/* More tasks than the ring has room for, and a policy that would let them through. */
TEST_F_TIMEOUT(room, a_flood_opens_nothing, 120)
{
	struct flood f = { .q = &self->q };
	pthread_t thread;

	ASSERT_EQ(0, wq_set_permission(self->q.fd, 60000, WATCH_RESPONSE_ALLOW));
	ASSERT_EQ(0, pthread_create(&thread, NULL, refuse, &f));
	EXPECT_EQ(0, wq_child(flood, &f));
	__atomic_store_n(&f.stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	INFO();
	EXPECT_EQ(0, self->i.by_policy);
	EXPECT_EQ(0, self->i.timed_out);
	EXPECT_GT(self->i.denied, wq_scaled(THREADS) / 8);
}

TEST_HARNESS_MAIN
