// SPDX-License-Identifier: GPL-2.0
/*
 * GET_INFO for a queue and for one watch, its extensible struct, and the same numbers in
 * /proc/self/fdinfo.
 */
#include <ctype.h>

#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(info) {
	struct wq q;
	int poke;
	struct watch_queue_info i;
};

FIXTURE_SETUP(info)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_open(&self->q, 1));
	self->poke = wq_poke_open("f");
}

FIXTURE_TEARDOWN(info)
{
	close(self->poke);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

TEST_F(info, fresh_queue)
{
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(sizeof(self->i), self->i.size);
	EXPECT_EQ(WATCH_QUEUE_ABI_VERSION, self->i.abi_version);
	EXPECT_EQ(0, self->i.handle);
	EXPECT_EQ(self->q.slots, self->i.ring_slots);
	EXPECT_EQ(0, self->i.watches);
	EXPECT_EQ(0, self->i.posted);
	EXPECT_EQ(0, self->i.filtered);
	EXPECT_EQ(0, self->i.delivered);
	EXPECT_EQ(0, self->i.lost);
	EXPECT_EQ(0, self->i.mask);
	EXPECT_EQ(0, self->i.ignore_mask);
	EXPECT_EQ(0, self->i.cookie);
	EXPECT_EQ(0, self->i.id);
	EXPECT_EQ(0, self->i.type);
	EXPECT_EQ(0, self->i.features &
		     ~(WATCH_FEATURE_LSM | WATCH_FEATURE_PERMISSION | WATCH_FEATURE_PROBES));
	EXPECT_EQ(0, self->i.asked);
	EXPECT_EQ(0, self->i.pending);
	EXPECT_EQ(!!(self->i.features & WATCH_FEATURE_PERMISSION),
		  !!(self->i.fs_mask & WATCH_FS_ALL_PERM));
	EXPECT_EQ(0, self->i.sources & ~0x7eull) TH_LOG("sources %#llx", self->i.sources);
}

/* Asking needs no ring. */
TEST_F(info, before_size)
{
	struct wq q;

	ASSERT_OK(wq_open_only(&q));
	ASSERT_EQ(0, wq_info(q.fd, 0, &self->i));
	EXPECT_EQ(0, self->i.ring_slots);
	EXPECT_EQ(WATCH_QUEUE_ABI_VERSION, self->i.abi_version);
	wq_close(&q);
}

/* A watch's own settings and counters; the queue's are the sums. */
TEST_F(info, per_watch)
{
	uint64_t a, b;

	a = wq_watch(self->q.fd, "f", WATCH_FS_MODIFY | WATCH_FS_ATTRIB, 0, 3, 0xabcdef0123456789, 0);
	b = wq_watch(self->q.fd, ".", WATCH_FS_CREATE, WATCH_SCOPE_CHILDREN, 4, 2, 0);
	ASSERT_NE(0, a);
	ASSERT_NE(0, b);
	wq_poke(self->poke);
	wq_poke(self->poke);
	ASSERT_OK(wq_touch("new"));
	ASSERT_EQ(0, wq_info(self->q.fd, a, &self->i));
	EXPECT_EQ(a, self->i.handle);
	EXPECT_EQ(2, self->i.posted);
	EXPECT_EQ(2, self->i.delivered);
	EXPECT_EQ(0, self->i.lost);
	EXPECT_EQ(WATCH_FS_MODIFY | WATCH_FS_ATTRIB, self->i.mask);
	EXPECT_EQ(0, self->i.ignore_mask);
	EXPECT_EQ(0xabcdef0123456789, self->i.cookie);
	EXPECT_EQ(3, self->i.id);
	EXPECT_EQ(WATCH_TYPE_FS_NOTIFY, self->i.type);
	ASSERT_EQ(0, wq_info(self->q.fd, b, &self->i));
	EXPECT_EQ(1, self->i.posted);
	EXPECT_EQ(WATCH_FS_CREATE, self->i.mask);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(2, self->i.watches);
	EXPECT_EQ(3, self->i.posted);
	EXPECT_EQ(3, self->i.delivered);
}

/* META records are no events: they are in none of the counters. */
TEST_F(info, meta_is_not_counted)
{
	uint64_t h = wq_watch(self->q.fd, "f", WATCH_FS_MODIFY, 0, 0, 0, 0);

	wq_poke(self->poke);
	ASSERT_EQ(0, wq_remove(self->q.fd, h));
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(1, self->i.posted);
	EXPECT_EQ(1, self->i.delivered);
	EXPECT_EQ(0, self->i.watches);
}

TEST_F(info, errors)
{
	uint64_t h = wq_watch(self->q.fd, "f", WATCH_FS_MODIFY, 0, 0, 0, 0);
	struct {
		struct watch_queue_info i;
		char more[64];
	} big = { .i.size = sizeof(big) };

	EXPECT_EQ(-ENOENT, wq_info(self->q.fd, h + 1, &self->i));
	EXPECT_EQ(0, wq_remove(self->q.fd, h));
	EXPECT_EQ(-ENOENT, wq_info(self->q.fd, h, &self->i));
	EXPECT_EQ(-1, ioctl(self->q.fd, IOC_WATCH_QUEUE_GET_INFO, NULL));
	EXPECT_EQ(EFAULT, errno);
	self->i.handle = 0;
	self->i.size = WATCH_QUEUE_INFO_SIZE_VER0 - 1;
	EXPECT_EQ(-1, ioctl(self->q.fd, IOC_WATCH_QUEUE_GET_INFO, &self->i));
	EXPECT_EQ(EINVAL, errno);
	self->i.size = 0;
	EXPECT_EQ(-1, ioctl(self->q.fd, IOC_WATCH_QUEUE_GET_INFO, &self->i));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, ioctl(self->q.fd, IOC_WATCH_QUEUE_GET_INFO, &big));
	EXPECT_EQ(self->q.slots, big.i.ring_slots);
	big.i.size = sizeof(big);
	big.i.handle = 0;
	big.more[63] = 1;
	EXPECT_EQ(-1, ioctl(self->q.fd, IOC_WATCH_QUEUE_GET_INFO, &big));
	EXPECT_EQ(E2BIG, errno);
}

/*
 * The number that follows a word in text, after anything but letters and digits; -1 when
 * there is none. fdinfo may put a prefix before the word.
 */
static long long number_after(const char *text, const char *word)
{
	const char *p = strstr(text, word);

	if (!p)
		return -1;
	p += strlen(word);
	while (*p && *p != '\n' && !isdigit((unsigned char)*p))
		p++;
	return isdigit((unsigned char)*p) ? strtoll(p, NULL, 0) : -1;
}

/* fdinfo says the same as GET_INFO. */
TEST_F(info, fdinfo)
{
	const char *text;

	if (access("/proc/self/fdinfo", F_OK))
		SKIP(return, "no /proc");
	ASSERT_NE(0, wq_watch(self->q.fd, "f", WATCH_FS_MODIFY, 0, 0, 0, 0));
	for (int i = 0; i < 200; i++)
		wq_poke(self->poke);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i));
	EXPECT_EQ(200, self->i.posted);
	EXPECT_LT(0, self->i.lost);
	text = wq_fdinfo(self->q.fd);
	EXPECT_EQ(self->i.posted, number_after(text, "posted")) TH_LOG("%s", text);
	EXPECT_EQ(self->i.delivered, number_after(text, "delivered"));
	EXPECT_EQ(self->i.lost, number_after(text, "lost"));
	EXPECT_EQ(self->i.filtered, number_after(text, "filtered"));
	EXPECT_EQ(1, number_after(text, "watches"));
	EXPECT_EQ(self->i.ring_slots, number_after(text, "slots"));
	EXPECT_OK(wq_check_sums(self->q.fd));
}

/* fdinfo of a queue without a ring, with watches that come and go, and after the end. */
TEST_F(info, fdinfo_any_time)
{
	struct wq q;

	if (access("/proc/self/fdinfo", F_OK))
		SKIP(return, "no /proc");
	ASSERT_OK(wq_open_only(&q));
	EXPECT_EQ(0, number_after(wq_fdinfo(q.fd), "slots")) TH_LOG("%s", wq_fdinfo(q.fd));
	wq_close(&q);
	EXPECT_EQ(0, wq_shutdown(self->q.fd));
	EXPECT_EQ(0, number_after(wq_fdinfo(self->q.fd), "watches"));
}

TEST_HARNESS_MAIN
