// SPDX-License-Identifier: GPL-2.0
/*
 * The listener is the process that opened the queue, with all its threads, whatever process has
 * the descriptor besides; and what its death means for the tasks that wait.
 */
#include <pthread.h>
#include <signal.h>

#include "kselftest_harness.h"
#include "wq_permission.h"

FIXTURE(listener) {
	struct wq_task task;
};

FIXTURE_SETUP(listener)
{
	WQ_NEED_PERMISSION();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_touch("other"));
}

FIXTURE_TEARDOWN(listener)
{
	wq_tmpdir_leave();
}

#define ENDS(result) EXPECT_EQ(result, wq_task_end(&self->task, WQ_SOON))

/* A listener of its own: never answers. Its queue's descriptor is written to the pipe. */
static void listen_only(int out)
{
	struct wq q;

	if (wq_open(&q, 1) != wq_ok || wq_set_permission(q.fd, 60000, WATCH_RESPONSE_ALLOW) ||
	    !wq_watch(q.fd, "other", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 7, 7, 0))
		_exit(1);
	if (write(out, &q.fd, sizeof(q.fd)) != sizeof(q.fd))
		_exit(1);
	for (;;)
		pause();
}

static pid_t begin_listener(int *fd)
{
	int ends[2];
	pid_t pid;

	if (wq_touch("other") != wq_ok || pipe(ends))
		return -1;
	pid = fork();
	if (pid == 0)
		listen_only(ends[1]);
	if (read(ends[0], fd, sizeof(*fd)) != sizeof(*fd))
		return -1;
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void end_listener(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The queue that process pid has open as fd, for us too. */
static const char *take_queue(struct wq *q, pid_t pid, int fd)
{
	q->fd = wq_take_fd(pid, fd);
	if (q->fd < 0)
		return "no pidfd_getfd()";
	q->bytes = wq_page();
	q->slots = q->bytes / WQ_SLOT;
	q->ring = mmap(NULL, q->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, q->fd, 0);
	if (q->ring == MAP_FAILED)
		return "no mapping";
	q->tail = q->ring->meta.tail;
	return wq_ok;
}

/* The queue goes with its only process. TRAPS: A27 */
TEST_F(listener, a_listener_that_is_killed_lets_go_a27)
{
	int fd;
	pid_t pid = begin_listener(&fd);

	ASSERT_GT(pid, 0);
	ASSERT_OK(wq_task_begin(&self->task, WQ_OPEN, "other"));
	EXPECT_TRUE(wq_task_waits(&self->task, 200));
	end_listener(pid);
	ENDS(0);
	ASSERT_OK(wq_task_begin(&self->task, WQ_OPEN, "other"));
	ENDS(0);
}

/* The queue stays, in another process that cannot know that it has to answer. TRAPS: A27 */
TEST_F(listener, a_queue_that_survives_its_listener_asks_nobody_a27)
{
	struct wq survivor = {};
	struct wq_rec r;
	int fd;
	pid_t pid = begin_listener(&fd);

	ASSERT_GT(pid, 0);
	ASSERT_OK(take_queue(&survivor, pid, fd));

	ASSERT_OK(wq_task_begin(&self->task, WQ_OPEN, "other"));
	ASSERT_NE(0, wq_question(&survivor, &r));
	EXPECT_TRUE(wq_task_waits(&self->task, 100));
	/* It is dead before anybody has waited for it. */
	kill(pid, SIGKILL);
	ENDS(0);
	EXPECT_EQ(-ENOENT, wq_allow(survivor.fd, r.perm.request));
	ASSERT_EQ(1, wq_next_wait(&survivor, &r, WQ_SOON));
	EXPECT_EQ(WATCH_UNANSWERED_LISTENER, r.unanswered.reason);
	EXPECT_NE(0, r.unanswered.request);
	end_listener(pid);

	ASSERT_EQ(0, wq_set_permission(survivor.fd, 60000, WATCH_RESPONSE_DENY));
	ASSERT_OK(wq_task_begin(&self->task, WQ_OPEN, "other"));
	ENDS(-EPERM);
	ASSERT_EQ(1, wq_next(&survivor, &r));
	EXPECT_EQ(NOTIFY_FS_OPEN_PERM, r.subtype);
	EXPECT_EQ(0, r.perm.request);
	EXPECT_STREQ("unanswered:listener:1", wq_story(&survivor));
	EXPECT_OK(wq_check_asked(survivor.fd));
	wq_close(&survivor);
}

/* Whether the first thread of a process is gone, while the process is not. */
static bool leader_is_gone(pid_t pid)
{
	char path[32], text[200];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	wq_get(path, text, sizeof(text));
	return strstr(text, ") Z ");
}

/*
 * Asks for questions when the thread that opened the queue is gone, and answers them as long
 * as it lives.
 */
static void *refuse_all(void *arg)
{
	struct wq *q = arg;
	struct wq_rec r;

	while (!leader_is_gone(getpid()))
		usleep(1000);
	if (wq_set_permission(q->fd, 60000, WATCH_RESPONSE_DENY) ||
	    !wq_watch(q->fd, "other", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 7, 7, 0))
		_exit(1);
	while (wq_next_wait(q, &r, 60000) == 1)
		if (r.type == WATCH_TYPE_FS_NOTIFY)
			wq_deny(q->fd, r.perm.request, EBUSY);
	return NULL;
}

static void listen_in_thread(int out, int in)
{
	static struct wq q;
	pthread_t thread;
	char byte;

	if (wq_open(&q, 1) != wq_ok || pthread_create(&thread, NULL, refuse_all, &q) ||
	    write(out, &q.fd, sizeof(q.fd)) != sizeof(q.fd) || read(in, &byte, 1) != 1)
		_exit(1);
	pthread_exit(NULL);
}

/* A process has exited when its last thread has. */
TEST_F(listener, the_last_thread_counts)
{
	struct watch_queue_info i;
	struct wq survivor = {};
	int to[2], from[2], fd;
	pid_t pid;

	ASSERT_TRUE(pipe(to) == 0 && pipe(from) == 0);
	pid = fork();
	if (pid == 0)
		listen_in_thread(from[1], to[0]);
	ASSERT_EQ(sizeof(fd), read(from[0], &fd, sizeof(fd)));
	ASSERT_OK(take_queue(&survivor, pid, fd));
	ASSERT_EQ(1, write(to[1], "", 1));
	do {
		usleep(1000);
		ASSERT_EQ(0, wq_info(survivor.fd, 0, &i));
	} while (!i.watches);
	ASSERT_TRUE(leader_is_gone(pid));

	ASSERT_OK(wq_task_begin(&self->task, WQ_OPEN, "other"));
	ENDS(-EBUSY);
	ASSERT_EQ(0, wq_info(survivor.fd, 0, &i));
	EXPECT_EQ(1, i.denied);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ASSERT_OK(wq_task_begin(&self->task, WQ_OPEN, "other"));
	ENDS(-EPERM);
	ASSERT_EQ(0, wq_info(survivor.fd, 0, &i));
	EXPECT_EQ(1, i.by_policy);
	EXPECT_OK(wq_check_asked(survivor.fd));
	wq_close(&survivor);
	for (int n = 0; n < 2; n++) {
		close(to[n]);
		close(from[n]);
	}
}

TEST_HARNESS_MAIN
