// SPDX-License-Identifier: GPL-2.0
/*
 * What questions mean for others: tasks that are not asked pay nothing for them, no task can
 * get round a question by what it does to watches meanwhile, and it can be found out which
 * listener does not answer.
 */
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mount.h>

#include "kselftest_harness.h"
#include "wq_permission.h"

#define OPENS	10
#define TRIES	1000

FIXTURE(others) {
	struct wq q, ordinary;
	struct wq_rec r;
	struct watch_queue_info i;
};

FIXTURE_SETUP(others)
{
	WQ_NEED_PERMISSION();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("fs", 0755));
	ASSERT_OK(wq_mount("fs", "tmpfs"));
	ASSERT_OK(wq_touch("fs/file"));
	ASSERT_OK(wq_touch("fs/other"));
	ASSERT_OK(wq_open(&self->q, 16));
	ASSERT_OK(wq_open(&self->ordinary, 16));
}

FIXTURE_TEARDOWN(others)
{
	wq_close(&self->q);
	wq_close(&self->ordinary);
	wq_trace_end();
	umount2("fs", MNT_DETACH);
	wq_tmpdir_leave();
}

/*
 * Opens a file in a watched folder OPENS times; how often fsnotify has then looked whether
 * a queue wants to be asked about this very file, for which it needs the folder. It looks if
 * anything on the file system has a mark of the classes that ask.
 */
static int looks(void)
{
	wq_trace_forget();
	for (int i = 0; i < OPENS; i++)
		close(open("fs/other", O_RDONLY | O_CLOEXEC));
	return wq_trace_count("dget_parent <-fsnotify_open_perm_and_set_mode");
}

/* Kernel marks go from a workqueue. */
static int looks_later(void)
{
	uint64_t begun = wq_now_ms();
	int n;

	do {
		n = looks();
	} while (n && wq_now_ms() - begun < (uint64_t)WQ_SOON);
	return n;
}

/* Only watches that ask have marks of the classes that ask. */
TEST_F(others, a_queue_that_does_not_ask_slows_no_open)
{
	uint64_t asks, both;
	int fd = self->ordinary.fd;

	if (!wq_trace_begin("dget_parent", true))
		SKIP(return, "no function tracer: %m");
	ASSERT_NE(0, wq_watch(fd, "fs", WATCH_FS_ALL_EVENTS, WATCH_SCOPE_CHILDREN, 1, 1, 0));
	ASSERT_NE(0, wq_watch(fd, "fs/file", WATCH_FS_ALL_EVENTS, WATCH_SCOPE_OBJECT, 1, 1, 0));
	ASSERT_NE(0, wq_watch(fd, "fs", WATCH_FS_OPEN, WATCH_SCOPE_MOUNT, 1, 1, 0));
	ASSERT_NE(0, wq_watch(fd, "fs", WATCH_FS_ALL_EVENTS, WATCH_SCOPE_SB, 1, 1, 0));
	EXPECT_EQ(0, wq_set_permission(self->q.fd, 1000, WATCH_RESPONSE_ALLOW));
	EXPECT_EQ(0, looks());

	/* One watch that asks, elsewhere on the file system, is enough; two count once. */
	asks = wq_watch(self->q.fd, "fs/file", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 2, 2, 0);
	ASSERT_NE(0, asks);
	EXPECT_EQ(OPENS, looks());
	both = wq_watch(fd, "fs", WATCH_FS_OPEN | WATCH_FS_ACCESS_PERM, WATCH_SCOPE_SUBTREE, 3, 3, 0);
	ASSERT_NE(0, both);
	EXPECT_EQ(0, wq_remove(self->q.fd, asks));
	EXPECT_EQ(OPENS, looks());

	/* The last of them takes the marks along; the queues and their other watches stay. */
	EXPECT_EQ(0, wq_remove(fd, both));
	EXPECT_EQ(0, looks_later());
}

/* Watches of others, on the same places, that come and go. */
static void make_noise(int which)
{
	signal(SIGTERM, SIG_DFL);
	for (;;) {
		struct wq q;
		int in;

		if (which == 0) {
			in = inotify_init1(IN_CLOEXEC);
			for (int n = 0; n < 20; n++) {
				int wd = inotify_add_watch(in, "fs/file", IN_OPEN | IN_ATTRIB);

				inotify_rm_watch(in, inotify_add_watch(in, "fs", IN_OPEN));
				inotify_rm_watch(in, wd);
			}
			close(in);
			continue;
		}
		/* The only mark of ours on the file itself: it comes and goes with this queue. */
		if (wq_open(&q, 1) != wq_ok)
			_exit(1);
		wq_set_permission(q.fd, 1, WATCH_RESPONSE_ALLOW);
		for (int n = 0; n < 20; n++)
			wq_remove(q.fd, wq_watch(q.fd, "fs/file", WATCH_FS_OPEN_PERM,
						 WATCH_SCOPE_OBJECT, 1, 1, 0));
		wq_close(&q);
	}
}

/* Opens the file n times; exit status 0 if it was refused each time. */
static void try_to_open(long n)
{
	while (n--) {
		int fd = open("fs/file", O_RDONLY | O_CLOEXEC);

		if (fd >= 0 || errno != EACCES)
			_exit(1);
	}
	_exit(0);
}

/*
 * A mark that cannot be held any more, of whomever, does not let the task through without
 * being asked about by the others. TRAPS: A9, A10
 */
TEST_F_TIMEOUT(others, a_refusal_holds_whatever_others_do_a9_a10, 300)
{
	long tries = wq_scaled(TRIES), refused = 0;
	pid_t noise[2], opener;
	int status = -1;

	ASSERT_EQ(0, wq_set_permission(self->q.fd, 60000, WATCH_RESPONSE_DENY));
	ASSERT_NE(0, wq_watch(self->q.fd, "fs", WATCH_FS_OPEN_PERM, WATCH_SCOPE_CHILDREN, 5, 1, 0));
	for (int n = 0; n < 2; n++) {
		noise[n] = fork();
		if (noise[n] == 0)
			make_noise(n);
		ASSERT_GT(noise[n], 0);
	}
	opener = fork();
	if (opener == 0)
		try_to_open(tries);
	ASSERT_GT(opener, 0);
	while (waitpid(opener, &status, WNOHANG) == 0) {
		if (wq_next_wait(&self->q, &self->r, 50) != 1)
			continue;
		ASSERT_EQ(NOTIFY_FS_OPEN_PERM, self->r.subtype) TH_LOG("%s", wq_why());
		ASSERT_EQ(0, wq_deny(self->q.fd, self->r.perm.request, EACCES));
		refused++;
	}
	EXPECT_EQ(0, status) TH_LOG("the file was opened after %ld refusals", refused);
	EXPECT_EQ(tries, refused);
	for (int n = 0; n < 2; n++) {
		EXPECT_EQ(0, waitpid(noise[n], NULL, WNOHANG)) TH_LOG("noise %d has ended", n);
		kill(noise[n], SIGKILL);
		waitpid(noise[n], NULL, 0);
	}
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(tries, self->i.denied);
	EXPECT_EQ(tries, self->i.asked);
}

/* The kernel's log names the listener and the request. TRAPS: A29 */
TEST_F_TIMEOUT(others, the_log_names_who_does_not_answer_a29, 300)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uint64_t begun = wq_now_ms();
	struct wq_task task;
	bool found = false;

	if (log < 0)
		SKIP(return, "no /dev/kmsg: %m");
	ASSERT_GE(lseek(log, 0, SEEK_END), 0);
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 1, WATCH_RESPONSE_ALLOW));
	ASSERT_NE(0, wq_watch(self->q.fd, "fs/file", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 5, 1, 0));
	/* Not more than some lines in some seconds, and others may have had theirs before us. */
	while (!found && wq_now_ms() - begun < 30000) {
		char line[1024], want[100];
		ssize_t n;

		ASSERT_OK(wq_task_begin(&task, WQ_OPEN, "fs/file"));
		ASSERT_NE(0, wq_question(&self->q, &self->r)) TH_LOG("%s", wq_why());
		ASSERT_EQ(0, wq_task_end(&task, WQ_SOON));
		ASSERT_STREQ("unanswered:timeout:1", wq_story(&self->q));
		snprintf(want, sizeof(want), "process %d did not answer request %llu in time",
			 getpid(), (unsigned long long)self->r.perm.request);
		while ((n = read(log, line, sizeof(line) - 1)) > 0) {
			line[n] = '\0';
			found |= !!strstr(line, want);
		}
		usleep(found ? 0 : 300000);
	}
	EXPECT_TRUE(found);
	close(log);
}

TEST_HARNESS_MAIN
