// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the two samples in samples/, which are modules that post events of their own:
 * they deliver what really happens, and can be unloaded while they are watched. Their .ko
 * and wq_context_test.ko, as a module to load and unload, have to be in the current folder.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "kselftest_harness.h"

#include "../../../samples/watch_heartbeat/watch_heartbeat.h"
#include "../../../samples/watch_modules/watch_modules.h"
#include "consumer.h"

#define DUMMY "wq_context_test"

FIXTURE(sample) {
	struct wq *wq;
	int fd;
};

FIXTURE_VARIANT(sample) {
	const char *name;
	const char *device;
	unsigned long cmd;
};

FIXTURE_VARIANT_ADD(sample, c) {
	.name = "watch_modules", .device = "/dev/watch_modules", .cmd = WATCH_MODULES,
};

FIXTURE_VARIANT_ADD(sample, rust) {
	.name = "watch_heartbeat", .device = "/dev/watch_heartbeat", .cmd = WATCH_HEARTBEAT,
};

FIXTURE_SETUP(sample)
{
	if (access("/dev/watch_queue", F_OK))
		SKIP(return, "no /dev/watch_queue: load the module first");
	unload(DUMMY);
	ASSERT_EQ(0, load(variant->name));
	self->fd = open(variant->device, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	self->wq = open_queue(1);
	ASSERT_NE(NULL, self->wq);
}

FIXTURE_TEARDOWN(sample)
{
	close(self->fd);
	unload(variant->name);
	unload(DUMMY);
	wq_close(self->wq);
}

/* Both have the same request, under different names. */
static int request(int fd, unsigned long cmd, int queue, uint32_t id)
{
	struct watch_modules r = { .queue = queue, .id = id };

	return ioctl(fd, cmd, &r) ? -errno : 0;
}

/* The next record; waits for up to two seconds. */
static const struct watch_notification *next(struct wq *wq)
{
	const struct watch_notification *n = wq_next(wq);

	if (!n) {
		wq_advance(wq);
		wq_wait(wq, 2000);
		n = wq_next(wq);
	}
	return n;
}

TEST_F(sample, refuses)
{
	int queue = open("/dev/watch_queue", O_RDWR);

	EXPECT_EQ(-EBADF, request(self->fd, variant->cmd, -1, 1));
	EXPECT_EQ(-EINVAL, request(self->fd, variant->cmd, self->fd, 1));
	EXPECT_EQ(-EINVAL, request(self->fd, variant->cmd, wq_fd(self->wq), 256));
	EXPECT_EQ(-ENOBUFS, request(self->fd, variant->cmd, queue, 1));
	EXPECT_EQ(-ENOTTY, request(self->fd, variant->cmd + 1, queue, 1));
	EXPECT_EQ(0, request(self->fd, variant->cmd, wq_fd(self->wq), 1));
	EXPECT_EQ(-EBUSY, request(self->fd, variant->cmd, wq_fd(self->wq), 2));
	close(queue);
}

/* As long as it is open it stays; when it goes, its watchers are told so. */
TEST_F(sample, unloads_while_watched)
{
	const struct watch_notification *n;
	unsigned int removals = 0, later = 0;

	ASSERT_EQ(0, request(self->fd, variant->cmd, wq_fd(self->wq), 9));
	EXPECT_EQ(-EAGAIN, unload(variant->name));
	EXPECT_EQ(-EAGAIN, unload("watch_queue_dev"));
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, unload(variant->name));
	while ((n = wq_next(self->wq)) != NULL) {
		later += removals;
		if (n->type == WATCH_TYPE_META && n->subtype == WATCH_META_REMOVAL_NOTIFICATION) {
			removals++;
			EXPECT_EQ(WATCH_REMOVAL_SOURCE_GONE,
				  ((const struct watch_removal_notification *)n)->reason);
			EXPECT_EQ(9, n->info >> WATCH_INFO_ID__SHIFT);
		}
	}
	EXPECT_EQ(1, removals);
	EXPECT_EQ(0, later);
}

/* The queue closes first: the sample does not mind. */
TEST_F(sample, outlives_its_watchers)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		struct wq *wq = open_queue(1);

		ASSERT_NE(NULL, wq);
		ASSERT_EQ(0, request(self->fd, variant->cmd, wq_fd(wq), i));
		wq_close(wq);
	}
	EXPECT_EQ(0, request(self->fd, variant->cmd, wq_fd(self->wq), 1));
}

TEST_F(sample, tells_what_happens)
{
	ASSERT_EQ(0, request(self->fd, variant->cmd, wq_fd(self->wq), 200));
	if (variant->cmd == WATCH_MODULES) {
		const struct module_notification *m;
		int subtype;

		ASSERT_EQ(0, load(DUMMY));
		ASSERT_EQ(0, unload(DUMMY));
		for (subtype = NOTIFY_MODULE_LIVE; subtype <= NOTIFY_MODULE_GOING; subtype++) {
			m = (const void *)next(self->wq);
			ASSERT_NE(NULL, m);
			EXPECT_EQ(WATCH_TYPE_MODULE_NOTIFY, wq_type(&m->watch));
			EXPECT_EQ(subtype, wq_subtype(&m->watch));
			EXPECT_EQ(24 | 200u << WATCH_INFO_ID__SHIFT, m->watch.info);
			EXPECT_STREQ(DUMMY, m->name);
		}
		EXPECT_EQ(0, wq_wait(self->wq, 100) && wq_next(self->wq));
	} else {
		uint64_t beat = 0, time = 0;
		int i;

		for (i = 0; i < 10; i++) {
			const struct heartbeat_notification *h = (const void *)next(self->wq);

			ASSERT_NE(NULL, h);
			EXPECT_EQ(WATCH_TYPE_HEARTBEAT_NOTIFY, wq_type(&h->watch));
			EXPECT_EQ(0, wq_subtype(&h->watch));
			EXPECT_EQ(24 | 200u << WATCH_INFO_ID__SHIFT, h->watch.info);
			if (i) {
				EXPECT_EQ(beat + 1, h->beat);
				EXPECT_LT(time, h->time);
			}
			beat = h->beat;
			time = h->time;
		}
		EXPECT_LE(time / 1000000, now_ms());
	}
}

TEST_HARNESS_MAIN
