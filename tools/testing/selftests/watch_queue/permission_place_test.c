// SPDX-License-Identifier: GPL-2.0
/*
 * A guarded subtree has no bottom: a task that makes directories in each other is asked about what is in
 * them however many they are, although it cannot be told any more where that is.
 */
#include <pthread.h>
#include <sys/mount.h>

#include "kselftest_harness.h"
#include "wq_permission.h"

FIXTURE(place) {
	struct wq q;
	pthread_t thread;
	uint32_t policy;
};

/* Refuses whatever it is asked; none of it lacks a place. */
static void *refuse(void *arg)
{
	struct wq *q = arg;
	struct wq_rec r;

	for (;;)
		if (wq_next_wait(q, &r, 1000) == 1 && r.type == WATCH_TYPE_FS_NOTIFY)
			wq_deny(q->fd, r.perm.request,
				r.info & NOTIFY_FS_NO_PLACE ? EBUSY : EACCES);
	return NULL;
}

FIXTURE_VARIANT(place) {
	uint32_t policy;
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(place, allow) {
	.policy = WATCH_RESPONSE_ALLOW,
	.flags = 0,
};

FIXTURE_VARIANT_ADD(place, deny) {
	.policy = WATCH_RESPONSE_DENY,
	.flags = WATCH_ADD_PATH,
};

FIXTURE_SETUP(place)
{
	WQ_NEED_PERMISSION();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("fs", 0755));
	ASSERT_OK(wq_mount("fs", "tmpfs"));
	ASSERT_EQ(0, mkdir("fs/guarded", 0755));
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 60000, variant->policy));
	ASSERT_NE(0, wq_watch(self->q.fd, "fs/guarded", WATCH_FS_OPEN_PERM, WATCH_SCOPE_SUBTREE, 5,
			      1, variant->flags));
	self->q.paths = variant->flags & WATCH_ADD_PATH;
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, refuse, &self->q));
}

FIXTURE_TEARDOWN(place)
{
	pthread_cancel(self->thread);
	pthread_join(self->thread, NULL);
	wq_close(&self->q);
	umount2("fs", MNT_DETACH);
	wq_tmpdir_leave();
}

/* In a process of its own: the listener's is not asked. Gives the errno. */
static int try_to_open(void *arg)
{
	int fd = openat(*(int *)arg, "f", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : 0;
}

TEST_F_TIMEOUT(place, a_subtree_has_no_bottom, 150)
{
	static const int depths[] = { 1, 4094, 4095, 4096, 4097, 5000 };
	int dir = open("fs/guarded", O_PATH | O_DIRECTORY | O_CLOEXEC), at = 0;

	for (int depth = 1; depth <= 5000; depth++) {
		int below, fd;

		ASSERT_EQ(0, mkdirat(dir, "d", 0755));
		below = openat(dir, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		ASSERT_LE(0, below);
		close(dir);
		dir = below;
		if (depth != depths[at])
			continue;
		at++;
		fd = openat(dir, "f", O_CREAT | O_RDONLY | O_CLOEXEC, 0644);
		ASSERT_LE(0, fd);
		close(fd);
		EXPECT_EQ(EACCES, wq_child(try_to_open, &dir)) TH_LOG("%d directories down", depth);
	}
	close(dir);
}

TEST_HARNESS_MAIN
