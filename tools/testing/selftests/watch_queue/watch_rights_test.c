// SPDX-License-Identifier: GPL-2.0
/*
 * Rights to watch: read permission on the object, for the opener of the queue and
 * for the caller; and what an unprivileged watcher is told about others.
 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(rights) {
	struct wq q;		/* opened by root */
	int secret;		/* O_PATH of a file that only root may read */
	int open_dir;		/* O_PATH of a folder that everybody may read */
};

FIXTURE_SETUP(rights)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_OK(wq_touch("secret"));
	ASSERT_EQ(0, chmod("secret", 0600));
	ASSERT_EQ(0, mkdir("open", 0777));
	ASSERT_EQ(0, chmod("open", 0777));
	self->secret = open("secret", O_PATH);
	self->open_dir = open("open", O_PATH);
}

FIXTURE_TEARDOWN(rights)
{
	close(self->secret);
	close(self->open_dir);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

static int add_fd(int queue, int object, uint64_t mask)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY, .object = object, .mask = mask,
	};

	return wq_add(queue, &add);
}

struct shared {
	int queue, secret, open_dir;
};

static int unprivileged(void *arg)
{
	struct shared *s = arg;
	struct wq own;

	CHILD_CHECK(wq_open(&own, 1) == wq_ok);
	CHILD_CHECK(add_fd(own.fd, s->secret, WATCH_FS_MODIFY) == -EACCES);
	CHILD_CHECK(add_fd(own.fd, s->open_dir, WATCH_FS_CREATE) == 0);
	/* Having the descriptor of root's queue lends nobody root's eyes. */
	CHILD_CHECK(add_fd(s->queue, s->secret, WATCH_FS_MODIFY) == -EACCES);
	CHILD_CHECK(add_fd(s->queue, s->open_dir, WATCH_FS_CREATE) == 0);
	return 0;
}

/*
 * nobody may watch what he may read, on his own queue and on an inherited one.
 * TRAPS: B21, B45
 */
TEST_F(rights, caller)
{
	struct shared s = { self->q.fd, self->secret, self->open_dir };

	EXPECT_EQ(0, wq_child_nobody(unprivileged, &s));
	EXPECT_EQ(0, add_fd(self->q.fd, self->secret, WATCH_FS_MODIFY));
}

/* Opens a queue as nobody and gives it to root. */
static int queue_of_nobody(void)
{
	int fd, fds[2], status;
	struct iovec iov = { .iov_base = &fd, .iov_len = 1 };
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return -1;
	pid = fork();
	if (pid == 0) {
		if (setgid(WQ_NOBODY) || setuid(WQ_NOBODY))
			_exit(1);
		fd = open(WQ_DEVICE, O_RDWR);
		control.h.cmsg_level = SOL_SOCKET;
		control.h.cmsg_type = SCM_RIGHTS;
		control.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.h), &fd, sizeof(fd));
		_exit(sendmsg(fds[1], &msg, 0) == 1 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	fd = -1;
	if (recvmsg(fds[0], &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	close(fds[0]);
	close(fds[1]);
	return fd;
}

/*
 * The other way round: root on nobody's queue must not report to nobody what nobody may
 * not read.
 * TRAPS: B21, B45
 */
TEST_F(rights, opener)
{
	int fd = queue_of_nobody();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, wq_size(fd, 1));
	EXPECT_EQ(-EACCES, add_fd(fd, self->secret, WATCH_FS_MODIFY));
	EXPECT_EQ(0, add_fd(fd, self->open_dir, WATCH_FS_CREATE));
	close(fd);
}

static int watch_and_wait(void *arg)
{
	int *pipes = arg;
	struct wq own;
	struct wq_rec r;
	char c;
	int fd;

	CHILD_CHECK(wq_open(&own, 1) == wq_ok);
	CHILD_CHECK(wq_watch(own.fd, "open", WATCH_FS_CREATE, 0, 0, 0, 0) != 0);
	CHILD_CHECK(write(pipes[1], "x", 1) == 1);
	CHILD_CHECK(read(pipes[2], &c, 1) == 1);
	CHILD_CHECK(wq_next(&own, &r) == 1);
	CHILD_CHECK(!strcmp(r.name, "by_root"));
	CHILD_CHECK(r.fs.pid == 0);
	/* One's own doing is one's own to know. */
	fd = open("open/by_nobody", O_CREAT | O_WRONLY, 0600);
	CHILD_CHECK(fd >= 0);
	CHILD_CHECK(wq_next(&own, &r) == 1);
	CHILD_CHECK(!strcmp(r.name, "by_nobody"));
	CHILD_CHECK(r.fs.pid == (uint32_t)getpid());
	return 0;
}

/* An unprivileged watcher learns what happened to the folder, and not which of root's
 * processes did it.
 */
TEST_F(rights, pid_of_others)
{
	int pipes[4], status;
	char c;
	pid_t pid;

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, pipe(pipes + 2));
	pid = fork();
	if (pid == 0)
		_exit(wq_child_nobody(watch_and_wait, pipes));
	ASSERT_EQ(1, read(pipes[0], &c, 1));
	ASSERT_OK(wq_touch("open/by_root"));
	ASSERT_EQ(1, write(pipes[3], "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* The number that the next process is likely to get, less one. */
static pid_t last_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

/*
 * The opener's own process is not known by its number, which may be used again: a process that has
 * it afterwards is another one.
 */
TEST_F(rights, pid_used_again)
{
	pid_t first = last_pid(), pid, last;
	struct wq q = { .fd = queue_of_nobody() };
	struct wq_rec r;
	int status, n = 0;

	ASSERT_LE(0, q.fd);
	last = last_pid();
	ASSERT_OK(wq_map(&q, 1));
	ASSERT_EQ(0, add_fd(q.fd, self->open_dir, WATCH_FS_CREATE));
	/* One of these was the opener's. */
	for (pid = first + 1; pid < last && n < 20; pid++) {
		uint64_t tids = (uint64_t)(uintptr_t)&pid;
		struct {
			uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack,
				 stack_size, tls, set_tid, set_tid_size;
		} args = { .exit_signal = SIGCHLD, .set_tid = tids, .set_tid_size = 1 };
		pid_t child = syscall(SYS_clone3, &args, sizeof(args));
		char name[32];

		snprintf(name, sizeof(name), "open/%d", pid);
		if (child == 0)
			_exit(open(name, O_CREAT | O_WRONLY, 0600) < 0);
		if (child < 0 && errno == EPERM)
			SKIP(return, "may not choose a pid");
		if (child < 0 && errno == EEXIST)
			continue;
		ASSERT_EQ(pid, child) TH_LOG("%s", strerror(errno));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_EQ(0, status);
		ASSERT_EQ(1, wq_next(&q, &r)) TH_LOG("%s", wq_why());
		EXPECT_EQ(0, r.fs.pid);
		n++;
	}
	EXPECT_LT(0, n);
	wq_close(&q);
}

static int create_as_nobody(void *unused)
{
	(void)unused;
	CHILD_CHECK(open("open/file", O_CREAT | O_WRONLY, 0600) >= 0);
	return 0;
}

/* root sees the pid of nobody's process: it is neither his own nor 0. */
TEST_F(rights, pid_for_root)
{
	struct wq_rec r;

	ASSERT_NE(0, wq_watch(self->q.fd, "open", WATCH_FS_CREATE, 0, 0, 0, 0));
	EXPECT_EQ(0, wq_child_nobody(create_as_nobody, NULL));
	ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
	EXPECT_NE(0, r.fs.pid);
	EXPECT_NE(getpid(), r.fs.pid);
}

static int lose_permission(void *arg)
{
	int *pipes = arg;
	struct wq own;
	char c;

	CHILD_CHECK(wq_open(&own, 1) == wq_ok);
	CHILD_CHECK(wq_watch(own.fd, "open", WATCH_FS_CREATE, 0, 0, 0, 0) != 0);
	CHILD_CHECK(write(pipes[1], "x", 1) == 1);
	CHILD_CHECK(read(pipes[2], &c, 1) == 1);
	/* Rights are checked when the watch is set; after chmod no new one can be. */
	CHILD_CHECK(wq_remove_all(own.fd, 0) == 0);
	CHILD_CHECK(wq_watch(own.fd, "open", WATCH_FS_CREATE, 0, 0, 0, 0) == 0);
	CHILD_CHECK(errno == EACCES);
	return 0;
}

TEST_F(rights, checked_each_time)
{
	int pipes[4], status;
	char c;
	pid_t pid;

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, pipe(pipes + 2));
	pid = fork();
	if (pid == 0)
		_exit(wq_child_nobody(lose_permission, pipes));
	ASSERT_EQ(1, read(pipes[0], &c, 1));
	ASSERT_EQ(0, chmod("open", 0711));
	ASSERT_EQ(1, write(pipes[3], "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
