// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the API for other modules, called in process context: what each function refuses
 * and what it means. The module wq_context_test does the calls; wq_context_test.ko has to be
 * in the current folder. TRAPS: B16, B19, B23, B42, B44.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "kselftest_harness.h"

#include "consumer.h"

#define LIMIT_FILE "/sys/module/watch_queue_dev/parameters/max_user_watches"

FIXTURE(api) {
	struct wq *wq;
	struct tally tally;
};

FIXTURE_SETUP(api)
{
	SET_UP();
}

FIXTURE_TEARDOWN(api)
{
	TEAR_DOWN();
}

/* How many live watches a queue says it has. */
static int64_t live(struct wq *wq)
{
	struct watch_queue_info info = { .size = sizeof(info) };
	int rc = wq_info(wq, 0, &info);

	return rc ? rc : (int64_t)info.watches;
}

TEST_F(api, get_refuses)
{
	int fd;

	EXPECT_EQ(-EBADF, watch(-1, 0, 1, 0));
	EXPECT_EQ(-EBADF, watch(1000, 0, 1, 0));
	fd = open("/dev/null", O_RDWR);
	EXPECT_EQ(-EINVAL, watch(fd, 0, 1, 0));
	close(fd);
	fd = open("/dev/watch_queue", O_RDONLY);
	EXPECT_EQ(-EACCES, watch(fd, 0, 1, 0));
	close(fd);
	fd = open("/dev/watch_queue", O_WRONLY);
	EXPECT_EQ(-EACCES, watch(fd, 0, 1, 0));
	close(fd);
}

TEST_F(api, add_refuses)
{
	struct wq *other = open_queue(1);
	int fd = open("/dev/watch_queue", O_RDWR), bit;
	uint64_t added = stats().added;

	ASSERT_NE(NULL, other);
	EXPECT_EQ(-ENOBUFS, watch(fd, 0, 1, 0));
	close(fd);
	for (bit = 0; bit < WATCH_INFO_ID__SHIFT; bit++)
		EXPECT_EQ(-EINVAL, watch(wq_fd(self->wq), 0, 1, 1u << bit));

	EXPECT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(255)));
	EXPECT_EQ(-EBUSY, watch(wq_fd(self->wq), 0, 1, ID(2)));
	EXPECT_EQ(0, watch(wq_fd(self->wq), 0, 2, ID(2)));
	EXPECT_EQ(0, watch(wq_fd(self->wq), 1, 1, ID(3)));
	EXPECT_EQ(0, watch(wq_fd(other), 0, 1, ID(1)));
	EXPECT_EQ(-EBUSY, watch(wq_fd(other), 0, 1, ID(1)));

	/* What was refused changes nothing, and what is removed is counted back. */
	EXPECT_EQ(3, live(self->wq));
	EXPECT_EQ(1, live(other));
	EXPECT_EQ(0, unwatch(wq_fd(other), 0, 1));
	EXPECT_EQ(0, live(other));
	EXPECT_EQ(0, watch(wq_fd(other), 0, 1, ID(1)));
	EXPECT_EQ(1, live(other));

	EXPECT_EQ(0, wq_shutdown(other));
	EXPECT_EQ(0, live(other));
	EXPECT_EQ(-ENOENT, watch(wq_fd(other), 0, 9, ID(1)));
	wq_close(other);
	EXPECT_EQ(added + 5, stats().added);
}

TEST_F(api, the_users_limit)
{
	char old[32] = "", *limit = "1\n";
	int fd = open(LIMIT_FILE, O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_LT(0, read(fd, old, sizeof(old) - 1));
	ASSERT_EQ(2, pwrite(fd, limit, 2, 0));
	EXPECT_EQ(0, watch(wq_fd(self->wq), 0, 1, 0));
	EXPECT_EQ(-EDQUOT, watch(wq_fd(self->wq), 0, 2, 0));
	EXPECT_EQ(0, unwatch(wq_fd(self->wq), 0, 1));
	EXPECT_EQ(0, watch(wq_fd(self->wq), 0, 2, 0));
	EXPECT_EQ(strlen(old), pwrite(fd, old, strlen(old), 0));
	close(fd);
}

TEST_F(api, remove_is_exact)
{
	struct wq *other = open_queue(1);
	struct tally t = {};

	ASSERT_NE(NULL, other);
	EXPECT_EQ(-EBADSLT, unwatch(wq_fd(self->wq), 0, 1));
	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(1)));
	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 2, ID(2)));
	ASSERT_EQ(0, watch(wq_fd(other), 0, 1, ID(1)));
	EXPECT_EQ(-EBADSLT, unwatch(wq_fd(self->wq), 0, 3));
	EXPECT_EQ(0, unwatch(wq_fd(self->wq), 0, 1));
	EXPECT_EQ(-EBADSLT, unwatch(wq_fd(self->wq), 0, 1));
	EXPECT_EQ(0, post(WQT_PROCESS, 0, 1, 0, 0, 1, 2));
	EXPECT_EQ(0, post(WQT_PROCESS, 0, 2, 1, 0, 1, 2));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_FINE(take(other, &t));
	EXPECT_EQ(1, self->tally.removals[1]);
	EXPECT_EQ(0, self->tally.removals[2]);
	EXPECT_EQ(WATCH_REMOVAL_REMOVED, self->tally.reason);
	EXPECT_EQ(1, self->tally.records);
	EXPECT_EQ(1, t.records);
	EXPECT_EQ(0, t.removals[1]);

	/* It is free again. */
	EXPECT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(3)));
	EXPECT_EQ(0, post(WQT_PROCESS, 0, 1, 2, 0, 1, 2));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_EQ(3, self->tally.info >> WATCH_INFO_ID__SHIFT);
	wq_close(other);
}

TEST_F(api, user_space_may_remove)
{
	struct watch_queue_remove remove = {
		.size = sizeof(remove), .flags = WATCH_REMOVE_ALL,
	};

	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(1)));
	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 2, ID(2)));
	EXPECT_EQ(0, ioctl(wq_fd(self->wq), IOC_WATCH_QUEUE_REMOVE_WATCH, &remove));
	EXPECT_EQ(-EBADSLT, unwatch(wq_fd(self->wq), 0, 1));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_EQ(1, self->tally.removals[1]);
	EXPECT_EQ(1, self->tally.removals[2]);
}

TEST_F(api, post_refuses)
{
	struct wqt_post p = {
		.list = 0, .id = 1, .type = WQT_TYPE, .info = 2 << WATCH_LENGTH_SHIFT,
		.count = 1, .batch = 1,
	};
	uint32_t types[] = { 0, 1, WATCH_TYPE_FS_NOTIFY, WATCH_TYPE___NR, WATCH_TYPE_FOREIGN_FIRST - 1 };
	unsigned int i;

	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, 0));
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		p.type = types[i];
		p.count = 1;
		EXPECT_EQ(-EINVAL, post_raw(&p));
	}
	p.type = WQT_TYPE;
	p.info = ~WATCH_INFO_LENGTH;
	EXPECT_EQ(-EINVAL, post_raw(&p));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_FINE(sums(self->wq, &self->tally, 0));
}

TEST_F(api, info_bits)
{
	struct wqt_post p = {
		.list = 0, .id = 1, .type = WQT_TYPE, .producer = 33,
		.info = ~WATCH_INFO_LENGTH | 63 << WATCH_LENGTH_SHIFT, .count = 1, .batch = 1,
	};

	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(7)));
	/* Also that the caller's record was not changed. */
	ASSERT_EQ(0, post_raw(&p));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_EQ(ID(7) | 63 << WATCH_LENGTH_SHIFT | WATCH_INFO_RECURSIVE | WATCH_INFO_IN_SUBTREE |
		  WATCH_INFO_TYPE_FLAGS, self->tally.info);
	EXPECT_EQ(33, self->tally.subtype);
	EXPECT_EQ(63, self->tally.slots);
	EXPECT_EQ(1, self->tally.records);
}

TEST_F(api, filters_know_the_types)
{
	struct {
		struct watch_notification_filter f;
		struct watch_notification_type_filter e;
	} filter = {
		.f.nr_filters = 1,
		.e.type = WQT_TYPE,
		.e.subtype_filter[1] = 1 << 5,
	};
	uint32_t producer;

	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(7)));
	ASSERT_EQ(0, wq_filter(self->wq, &filter.f));
	for (producer = 0; producer < PRODUCERS; producer++)
		ASSERT_EQ(0, post(WQT_PROCESS, 0, 1, producer, 0, 1, 2));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_EQ(1, self->tally.records);
	EXPECT_EQ(1, self->tally.from[37]);
	EXPECT_FINE(sums(self->wq, &self->tally, 1));
}

TEST_F(api, fdinfo_shows_it)
{
	char path[64], line[256];
	bool found = false;
	FILE *f;

	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(42)));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", wq_fd(self->wq));
	f = fopen(path, "r");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f))
		found |= strstr(line, "type:8388608 ") && strstr(line, " id:42 ");
	fclose(f);
	EXPECT_TRUE(found);
}

TEST_F(api, a_closed_queue)
{
	struct wqt_stats before = stats(), after;
	struct wq *wq = open_queue(1);

	ASSERT_NE(NULL, wq);
	ASSERT_EQ(0, watch(wq_fd(wq), 0, 1, 0));
	ASSERT_EQ(0, watch(wq_fd(wq), 1, 1, 0));
	wq_close(wq);
	after = stats();
	EXPECT_EQ(before.added + 2, after.added);
	EXPECT_EQ(after.added, after.released);
	EXPECT_EQ(0, post(WQT_PROCESS, 0, 1, 0, 0, 1, 2));
}

TEST_F(api, unloaded_while_watched)
{
	ASSERT_EQ(0, watch(wq_fd(self->wq), 0, 1, ID(1)));
	ASSERT_EQ(0, watch(wq_fd(self->wq), 3, 2, ID(2)));
	ASSERT_EQ(0, post(WQT_PROCESS, 0, 1, 0, 0, 1, 2));
	module_close();
	ASSERT_EQ(0, unload("wq_context_test"));
	EXPECT_FINE(take(self->wq, &self->tally));
	EXPECT_EQ(1, self->tally.records);
	EXPECT_EQ(1, self->tally.removals[1]);
	EXPECT_EQ(1, self->tally.removals[2]);
	EXPECT_EQ(WATCH_REMOVAL_SOURCE_GONE, self->tally.reason);
	ASSERT_EQ(0, load("wq_context_test"));
}

TEST_HARNESS_MAIN
