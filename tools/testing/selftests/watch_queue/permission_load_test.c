// SPDX-License-Identifier: GPL-2.0
/*
 * What unanswered requests must not hold up, many of them at once, and what may go while they
 * wait. What is first to decide one is in permission_race_test.c.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <time.h>

#include "kselftest_harness.h"
#include "wq_permission.h"

#define FEW	5
#define MANY	100

FIXTURE(load) {
	struct wq q;
	struct wq_rec r;
	struct watch_queue_info i;
	struct wq_task tasks[1000];
	int begun;
};

FIXTURE_SETUP(load)
{
	WQ_NEED_PERMISSION();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_touch("file"));
	ASSERT_OK(wq_touch("unrelated"));
	ASSERT_OK(wq_open(&self->q, 64));
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 60000, WATCH_RESPONSE_ALLOW));
	ASSERT_NE(0, wq_watch(self->q.fd, "file", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT, 5, 1, 0));
}

FIXTURE_TEARDOWN(load)
{
	wq_close(&self->q);
	wq_tmpdir_leave();
}

/* Lets n tasks wait. */
#define BEGIN(n) do { \
	for (self->begun = 0; self->begun < (n); self->begun++) \
		ASSERT_OK(wq_task_begin(&self->tasks[self->begun], WQ_OPEN, "file")); \
	do { \
		usleep(1000); \
		ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i)); \
	} while (self->i.pending < (uint64_t)(n)); \
} while (0)
/* Answers all of them, refusing every second. */
#define END() do { \
	int refused = 0, failed = 0; \
	for (int n = 0; n < self->begun; n++) { \
		ASSERT_NE(0, wq_question(&self->q, &self->r)) TH_LOG("%s", wq_why()); \
		ASSERT_EQ(0, n & 1 ? wq_deny(self->q.fd, self->r.perm.request, EBUSY) : \
				     wq_allow(self->q.fd, self->r.perm.request)); \
	} \
	for (int n = 0; n < self->begun; n++) { \
		int r = wq_task_end(&self->tasks[n], 10 * WQ_SOON); \
		if (r == -EBUSY) \
			refused++; \
		else if (r) \
			failed++; \
	} \
	EXPECT_EQ(0, failed); \
	EXPECT_EQ(self->begun / 2, refused); \
	EXPECT_OK(wq_check_asked(self->q.fd)); \
} while (0)

/* Everything that once hung behind a listener that does not answer. TRAPS: A27 */
TEST_F_TIMEOUT(load, unrelated_work_goes_on_a27, 300)
{
	uint64_t begun;
	struct wq other;
	int in, wd, here;

	ASSERT_EQ(0, mkdir("mnt", 0755));
	ASSERT_OK(wq_mount("mnt", "tmpfs"));
	BEGIN(FEW);
	begun = wq_now_ms();

	/* Marks of others come, report and go, on the very file too; the mark reaper works. */
	in = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	ASSERT_GE(in, 0);
	wd = inotify_add_watch(in, "unrelated", IN_ALL_EVENTS);
	here = inotify_add_watch(in, "file", IN_ATTRIB);
	ASSERT_TRUE(wd > 0 && here > 0);
	EXPECT_OK(wq_touch("unrelated"));
	EXPECT_EQ(0, inotify_rm_watch(in, wd));
	EXPECT_EQ(0, inotify_rm_watch(in, here));
	EXPECT_EQ(0, close(in));

	/* So do those of this device. */
	ASSERT_OK(wq_open(&other, 1));
	ASSERT_NE(0, wq_watch(other.fd, "unrelated", WATCH_FS_OPEN, 0, 1, 1, 0));
	ASSERT_NE(0, wq_watch(other.fd, "file", WATCH_FS_OPEN | WATCH_FS_OPEN_PERM, 0, 2, 1, 0));
	EXPECT_OK(wq_touch("unrelated"));
	EXPECT_EQ(0, wq_remove_all(other.fd, 0));
	EXPECT_STREQ("open#1, removal:removed#1, removal:removed#2", wq_story(&other));
	wq_close(&other);

	/* Files and file systems go, the one in question too. */
	EXPECT_EQ(0, unlink("unrelated"));
	EXPECT_EQ(0, rename("file", "renamed"));
	EXPECT_EQ(0, unlink("renamed"));
	EXPECT_EQ(0, umount("mnt"));
	EXPECT_EQ(0, rmdir("mnt"));

	EXPECT_LT(wq_now_ms() - begun, WQ_SOON);
	for (int n = 0; n < FEW; n++)
		EXPECT_TRUE(wq_task_waits(&self->tasks[n], 0));
	END();
}

/* Both grace periods end: fsnotify's, for which close() waits, and ours. TRAPS: A24, A27 */
TEST_F_TIMEOUT(load, no_grace_period_waits_a27, 300)
{
	long before = wq_slab_objects("watch_queue_mark"), after;
	uint64_t begun;
	struct wq other;
	int in;

	BEGIN(MANY);
	begun = wq_now_ms();
	in = inotify_init1(IN_CLOEXEC);
	ASSERT_GT(inotify_add_watch(in, "unrelated", IN_OPEN), 0);
	EXPECT_EQ(0, close(in));
	EXPECT_LT(wq_now_ms() - begun, wq_patience(1000));

	ASSERT_OK(wq_open(&other, 1));
	for (int n = 0; n < 64; n++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", n);
		ASSERT_OK(wq_touch(name));
		ASSERT_NE(0, wq_watch(other.fd, name, WATCH_FS_OPEN, 0, 1, 1, 0));
	}
	wq_close(&other);
	begun = wq_now_ms();
	do {
		usleep(1000);
		after = wq_slab_objects("watch_queue_mark");
	} while (after > before && wq_now_ms() - begun < wq_patience(1000));
	EXPECT_LE(after, before) TH_LOG("marks are not freed");
	if (before < 0)
		TH_LOG("no slab caches to look at");
	END();
}

TEST_F_TIMEOUT(load, a_thousand_tasks_wait, 300)
{
	long n = wq_scaled(1000);

	BEGIN(n);
	EXPECT_EQ(n, self->i.asked);
	END();
}

/* All of them at once, by SHUTDOWN. */
TEST_F_TIMEOUT(load, many_tasks_are_let_go_at_once, 300)
{
	long n = wq_scaled(300);
	uint64_t begun;

	BEGIN(n);
	begun = wq_now_ms();
	EXPECT_EQ(0, wq_shutdown(self->q.fd));
	for (int t = 0; t < n; t++)
		EXPECT_EQ(0, wq_task_end(&self->tasks[t], WQ_SOON));
	EXPECT_LT(wq_now_ms() - begun, 3 * WQ_SOON);
	EXPECT_OK(wq_check_asked(self->q.fd));
}

/*
 * A walk that sleeps stands on marks of others, on three lists. All of them go while it
 * sleeps, and it still finds the one behind them. TRAPS: A8, A9
 */
TEST_F_TIMEOUT(load, others_go_while_a_walk_sleeps_a9, 300)
{
	struct wq others[4];
	int in = inotify_init1(IN_CLOEXEC);

	ASSERT_GE(in, 0);
	for (int round = 0; round < wq_scaled(30); round++) {
		const unsigned int scopes[] = {
			WATCH_SCOPE_OBJECT, WATCH_SCOPE_CHILDREN, WATCH_SCOPE_MOUNT, WATCH_SCOPE_OBJECT,
		};
		int asked = 0, wd;

		for (int n = 0; n < 4; n++) {
			ASSERT_OK(wq_open(&others[n], 1));
			ASSERT_NE(0, wq_watch(others[n].fd, n == 0 || n == 3 ? "file" : ".",
					      WATCH_FS_OPEN_PERM | (n ? 0 : WATCH_FS_OPEN),
					      scopes[n], n, 1, 0)) TH_LOG("%d: %m", n);
		}
		wd = inotify_add_watch(in, "file", IN_OPEN);
		ASSERT_OK(wq_task_begin(&self->tasks[0], WQ_OPEN, "file"));
		/* Whichever comes first: all the others end, and nobody else is asked. */
		for (int n = 0; n < 4 && !asked; n = (n + 1) % 4) {
			if (wq_poll(self->q.fd, 1) & POLLIN)
				break;
			asked = wq_poll(others[n].fd, 1) & POLLIN ? n + 1 : 0;
		}
		for (int n = 0; n < 4; n++)
			if (asked != n + 1)
				wq_close(&others[n]);
		inotify_rm_watch(in, wd);
		if (asked) {
			ASSERT_NE(0, wq_question(&others[asked - 1], &self->r));
			EXPECT_EQ(0, wq_allow(others[asked - 1].fd, self->r.perm.request));
		}
		if (!asked || wq_question(&self->q, &self->r)) {
			if (!asked)
				ASSERT_NE(0, wq_question(&self->q, &self->r));
			EXPECT_EQ(0, wq_allow(self->q.fd, self->r.perm.request));
		}
		EXPECT_EQ(0, wq_task_end(&self->tasks[0], WQ_SOON));
		if (asked)
			wq_close(&others[asked - 1]);
		wq_drain(&self->q);
	}
	close(in);
}

static void *read_fdinfo(void *arg)
{
	char path[64], text[4096];
	int fd = *(int *)arg;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	while (__atomic_load_n((int *)arg, __ATOMIC_RELAXED) >= 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		while (read(fd, text, sizeof(text)) > 0)
			;
		close(fd);
	}
	return NULL;
}

/* What is shown of watches looks at nothing that an unmount takes apart. TRAPS: A30 */
TEST_F_TIMEOUT(load, fdinfo_during_unmount_a30, 300)
{
	pthread_t thread;
	int fd = self->q.fd;

	ASSERT_EQ(0, mkdir("mnt", 0755));
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_fdinfo, &fd));
	for (int round = 0; round < wq_scaled(100); round++) {
		ASSERT_OK(wq_mount("mnt", "tmpfs"));
		ASSERT_NE(0, wq_watch(self->q.fd, "mnt", WATCH_FS_OPEN_PERM | WATCH_FS_OPEN,
				      WATCH_SCOPE_SB, 1, 1, WATCH_ADD_FILE_HANDLE));
		ASSERT_NE(0, wq_watch(self->q.fd, "mnt", WATCH_FS_OPEN_PERM | WATCH_FS_OPEN,
				      WATCH_SCOPE_OBJECT, 2, 1, WATCH_ADD_FILE_HANDLE));
		ASSERT_EQ(0, umount("mnt"));
		ASSERT_GE(wq_drain(&self->q), 2);
	}
	__atomic_store_n(&fd, -1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

TEST_HARNESS_MAIN
