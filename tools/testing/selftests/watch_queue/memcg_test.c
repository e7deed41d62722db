// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of watches is charged to the memory cgroup of the task that adds them.
 */
#include "wq_test.h"
#include "kselftest_harness.h"

#define ROOT	"/sys/fs/cgroup"
#define GROUP	ROOT "/wq_memcg_test"
#define FILES	1000

FIXTURE(memcg) {
};

FIXTURE_SETUP(memcg)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	if (!wq_put(ROOT "/cgroup.subtree_control", "+memory"))
		SKIP(return, "no memory controller in " ROOT);
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_TRUE(!mkdir(GROUP, 0755) || errno == EEXIST);
}

FIXTURE_TEARDOWN(memcg)
{
	rmdir(GROUP);
	wq_tmpdir_leave();
}

/*
 * Bytes of kernel objects that are charged to the group, after the time in which it adds what each CPU
 * has counted for itself (every two seconds); -1 if that is not told.
 */
static long charged(void)
{
	char line[256];
	long bytes = -1;
	FILE *f;

	sleep(4);
	f = fopen(GROUP "/memory.stat", "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "slab_unreclaimable ", 19))
			bytes = atol(line + 19);
	if (f)
		fclose(f);
	return bytes;
}

static int watch_all(int fd)
{
	char name[16];

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		CHILD_CHECK(wq_watch(fd, name, WATCH_FS_MODIFY, 0, 0, i, 0));
	}
	return 0;
}

/*
 * Each watch costs its object, if it is the first there, and itself with its mark. What it has to cost
 * at least is more than it would be without any one of the three.
 */
static int child(void *arg)
{
	const long object = 110, watch = 150, slack = 20;
	long at_start, with_one, with_two, at_end;
	struct wq first, second;

	(void)arg;
	CHILD_CHECK(wq_put(GROUP "/cgroup.procs", "0"));
	CHILD_CHECK(wq_open(&first, 1) == wq_ok);
	CHILD_CHECK(wq_open(&second, 1) == wq_ok);
	at_start = charged();
	CHILD_CHECK(at_start >= 0);
	CHILD_CHECK(watch_all(first.fd) == 0);
	with_one = charged();
	CHILD_CHECK(watch_all(second.fd) == 0);
	with_two = charged();
	printf("# charged: %ld bytes for the first watch of a file, %ld for the second\n",
	       (with_one - at_start) / FILES, (with_two - with_one) / FILES);
	CHILD_CHECK(with_two - with_one >= watch * FILES);
	CHILD_CHECK(with_one - at_start >= (with_two - with_one) + object * FILES);

	/* And it comes back, when the reapers have been there. */
	wq_close(&first);
	wq_close(&second);
	at_end = charged();
	printf("# charged: %ld bytes before the first and %ld after the last\n", at_start, at_end);
	CHILD_CHECK(at_end <= at_start + slack * FILES);
	return 0;
}

/* TRAPS: A25 */
TEST_F_TIMEOUT(memcg, who_adds_pays, 120)
{
	char name[16];

	/* Not in the group, so that the inodes are charged to another one. */
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ASSERT_OK(wq_touch(name));
	}
	EXPECT_EQ(0, wq_child(child, NULL));
}

TEST_HARNESS_MAIN
