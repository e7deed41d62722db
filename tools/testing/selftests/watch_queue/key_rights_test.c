// SPDX-License-Identifier: GPL-2.0
/*
 * Rights to watch a key: opener and caller both have to be allowed to view it.
 * TRAPS: B21, B45
 */
#include <linux/keyctl.h>

#include "wq_test.h"
#include "kselftest_harness.h"

/* Permission to view for the owner and for others; the owner may also change it. */
#define OWNER_VIEWS	0x003f0000
#define ALL_VIEW	0x003f0001

static int watch(int fd, int key)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_KEY_NOTIFY, .object = key, .id = 1,
		.mask = WATCH_KEY_ALL_EVENTS,
	};

	return wq_add(fd, &add);
}

FIXTURE(rights) {
	struct wq q;		/* opened by root */
	int secret, open;	/* keys of root */
};

FIXTURE_SETUP(rights)
{
	struct watch_queue_info info;

	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	if (!(info.sources >> WATCH_TYPE_KEY_NOTIFY & 1))
		SKIP(return, "this kernel has no hook for keys");
	ASSERT_LT(0, wq_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0));
	self->secret = wq_add_key("user", "secret", KEY_SPEC_SESSION_KEYRING);
	self->open = wq_add_key("user", "open", KEY_SPEC_SESSION_KEYRING);
	ASSERT_LT(0, self->secret);
	ASSERT_LT(0, self->open);
	ASSERT_EQ(0, wq_keyctl(KEYCTL_SETPERM, self->secret, OWNER_VIEWS, 0, 0));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_SETPERM, self->open, ALL_VIEW, 0, 0));
}

FIXTURE_TEARDOWN(rights)
{
	wq_close(&self->q);
}

struct shared {
	int queue, secret, open;
};

static int unprivileged(void *arg)
{
	struct shared *s = arg;
	struct wq own;
	int key;

	CHILD_CHECK(wq_open(&own, 1) == wq_ok);
	CHILD_CHECK(watch(own.fd, s->secret) == -EACCES);
	CHILD_CHECK(watch(own.fd, s->open) == 0);
	/* Having the descriptor of root's queue lends nobody root's eyes. */
	CHILD_CHECK(watch(s->queue, s->secret) == -EACCES);
	CHILD_CHECK(watch(s->queue, s->open) == 0);
	/* His own. */
	CHILD_CHECK(wq_keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0) > 0);
	key = wq_add_key("user", "own", KEY_SPEC_SESSION_KEYRING);
	CHILD_CHECK(key > 0);
	CHILD_CHECK(watch(own.fd, key) == 0);
	CHILD_CHECK(wq_keyctl(KEYCTL_UPDATE, key, (unsigned long)"y", 1, 0) == 0);
	CHILD_CHECK(!strcmp(wq_story(&own), "key_updated#1"));
	return 0;
}

TEST_F(rights, caller)
{
	struct shared s = { self->q.fd, self->secret, self->open };

	EXPECT_EQ(0, wq_child_nobody(unprivileged, &s));
	EXPECT_EQ(0, watch(self->q.fd, self->secret));
}

/* The other way round: root on nobody's queue must not report what nobody may not view. */
TEST_F(rights, opener)
{
	int fd;

	ASSERT_EQ(0, seteuid(WQ_NOBODY));
	fd = open(WQ_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, wq_size(fd, 1));
	ASSERT_EQ(0, seteuid(0));
	EXPECT_EQ(-EACCES, watch(fd, self->secret));
	EXPECT_EQ(0, watch(fd, self->open));
	close(fd);
}

/* A right that is taken away later does not end a watch that was set with it. */
TEST_F(rights, later)
{
	ASSERT_EQ(0, watch(self->q.fd, self->secret));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_SETPERM, self->secret, 0x00200000, 0, 0));
	EXPECT_STREQ("key_setattr#1", wq_story(&self->q));
	EXPECT_EQ(-EACCES, watch(self->q.fd, self->secret));
	ASSERT_EQ(0, wq_keyctl(KEYCTL_SET_TIMEOUT, self->secret, 1000, 0, 0));
	EXPECT_STREQ("key_setattr#1", wq_story(&self->q));
}

TEST_HARNESS_MAIN
